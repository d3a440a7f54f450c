/* SPDX-License-Identifier: Apache-2.0 */
/* The name and the text of one key file; see keyring.h.  Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/config/keyring.h"

enum {
    KEY_FILE_NAME_BYTES = 64
};

struct buf;

struct key_file {
    enum keyring_purpose purpose;
    uint32_t id; /* 1 or above */
    uint8_t key[KEYRING_KEY_BYTES];
};

/* The word for a purpose in names and texts. */
const char *key_file_purpose(enum keyring_purpose purpose);

/* Read purpose and id from "<purpose>-<id>.key"; false for any other name. */
bool key_file_read_name(const char *name, struct key_file *out);

/* Write "<purpose>-<id>.key" to out. */
void key_file_print_name(const struct key_file *file, char out[KEY_FILE_NAME_BYTES]);

/* Read the key from the text of a file whose purpose and id are in *file; strict. */
bool key_file_read(struct bytes text, struct key_file *file);

/* Append the text of file to out. */
void key_file_print(const struct key_file *file, struct buf *out);
