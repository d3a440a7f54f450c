/* SPDX-License-Identifier: Apache-2.0 */
/* What key_register.c and key_change.c share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/key_register.h"
#include "server/domain/key_register_sql.h"

struct key_register {
    struct domain *domain;
    struct key_keeper keeper;
    uint32_t missed;   /* a sum over the keys that were told to be missing */
    bool is_unsettled; /* the last settling failed */
    bool has_left;
    bool is_following;
    bool follows_again; /* there may be more than what is under way has seen */
    int64_t follow_ms;
};

/* Who this daemon is to the register now. */
struct key_asker key_register_asker(const struct domain *domain, int64_t now_ms);

/* The newest key of purpose in force that is not retired; NULL: none. */
const struct key_row *key_register_newest(const struct key_row *rows, size_t count,
                                          const char *purpose);

/* key_register_settle that tells the other daemons to look, too. */
void key_register_settle_all(struct key_register *keys, int64_t now_ms, key_register_fn *done,
                             void *arg);
