/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery codes: what people write down for the day on which every device is gone.  A
 * code is 80 bits at random, written as 16 letters of Crockford's base32 in four groups,
 * "0123-4567-89AB-CDEF".  The relay makes a set, shows it once, and keeps of each code a
 * keyed hash, by which it finds the code and strikes it out when it is used.
 * Pure but for recovery_code_make; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"

enum {
    RECOVERY_CODE_COUNT = 10, /* codes in a set */
    RECOVERY_CODE_BYTES = 10,
    RECOVERY_CODE_CHARS = 16,
    RECOVERY_CODE_TEXT_CHARS = 19, /* with its three hyphens */
    RECOVERY_CODE_TYPED_MAX = 64,  /* bytes of what is typed, spaces and all */
    RECOVERY_CODE_HASH_BYTES = CRYPTO_SHA256_BYTES,
};

/* Whoever has one wipes it (common/mem.h). */
struct recovery_code {
    uint8_t raw[RECOVERY_CODE_BYTES];
};

/* Make a code at random. */
void recovery_code_make(struct recovery_code *out);

/* Write a code as people are shown it, with a NUL. */
void recovery_code_write(const struct recovery_code *code, char out[RECOVERY_CODE_TEXT_CHARS + 1]);

/*
 * Read a code as a person typed it: upper or lower case, O for 0, I or L for 1, hyphens and
 * spaces anywhere.  False when it is none; U is no letter of the alphabet.
 */
bool recovery_code_read(struct bytes typed, struct recovery_code *out);

/*
 * What is stored of a code: HMAC-SHA256 under pepper (not empty, a key that is not in the
 * database, and may be the key of other hashes) of "sealpost/recovery-code/1\0" |
 * account_id[32] | the 16 letters of the code, upper-case and without hyphens.  After
 * crypto_start.
 */
void recovery_code_hash(struct bytes pepper, const struct account_id *account_id,
                        const struct recovery_code *code, uint8_t out[RECOVERY_CODE_HASH_BYTES]);
