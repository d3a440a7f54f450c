/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recovery key: what a person keeps on paper, and with which alone the account's device list
 * can be written anew.  128 bits at random, as 26 letters of Crockford's base32 (the last one ends
 * with two zero bits) and two letters to check them, in groups of four:
 *
 *   0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV
 *
 * All 28 are a word of the Reed-Solomon code over GF(32) with x^5 + x^2 + 1, a = x: the sum of
 * c[i], and that of c[i] * a^i, i = 0 for the first letter, are zero.  So one or two wrong
 * letters, or two that changed places, are always noticed.
 *
 *   seed = HKDF-SHA256(the 16 bytes, info "sealpost/recovery/ed25519/1"), of recovery_pub
 *
 * The relay never sees it.  Pure but for recovery_key_make; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"

enum {
    RECOVERY_KEY_BYTES = 16,
    RECOVERY_KEY_CHARS = 28,      /* with the two that check */
    RECOVERY_KEY_TEXT_CHARS = 34, /* with the hyphens */
    RECOVERY_KEY_TYPED_MAX = 128, /* bytes of what is typed, spaces and all */
};

/* Whoever has one wipes it (common/mem.h). */
struct recovery_key {
    uint8_t raw[RECOVERY_KEY_BYTES];
};

/* Make a key at random. */
void recovery_key_make(struct recovery_key *out);

/* Write a key as people are shown it, with a NUL. */
void recovery_key_write(const struct recovery_key *key, char out[RECOVERY_KEY_TEXT_CHARS + 1]);

/*
 * Read a key as a person typed it: upper or lower case, O for 0, I or L for 1, hyphens and spaces
 * anywhere.  False when it is none, or mistyped.
 */
bool recovery_key_read(struct bytes typed, struct recovery_key *out);

/* Derive the Ed25519 seed that signs RECOVERY manifests.  After crypto_start. */
void recovery_key_seed(const struct recovery_key *key, uint8_t out[CRYPTO_SEED_BYTES]);
