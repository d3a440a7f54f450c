/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of keys that is a struct, for tests of the register: what is asked of it is
 * written down.  Keys of "seal" and "challenge" can be changed, those of "index" cannot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/key_register.h"
#include "tests/domain/support/temp_domain.h"

struct key_folder {
    struct key_register *keys;
    struct key_held held[KEY_REGISTER_HELD_MAX];
    size_t count;
    bool is_read_only;
    int deleted, missed;
    int listed;       /* how often somebody looked */
    uint32_t used;    /* of seal */
    uint32_t dropped; /* the last one */
};

/* Give temp a register on folder, and what seals anew; or take them from it, once its store is closed. */
void key_folder_open(struct temp_domain *temp, struct key_folder *folder);
void key_folder_close(struct temp_domain *temp, struct key_folder *folder);

/* Put a key whose fingerprint is all of one byte. */
void key_folder_put(struct key_folder *folder, const char *purpose, uint32_t id, uint8_t print);

/* Make with this one, as the register asks. */
void key_folder_use(void *arg, const char *purpose, uint32_t id);
