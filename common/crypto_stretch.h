/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2id (RFC 9106, version 0x13) with one lane and a salt of zeros, as a client of OPAQUE
 * stretches what it has of a password: it is different for each credential already.
 * After crypto_start; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    CRYPTO_STRETCH_BYTES = 64,
    CRYPTO_STRETCH_MEMORY_MIN = 8,       /* KiB */
    CRYPTO_STRETCH_MEMORY_MAX = 2097152, /* KiB: 2 GiB */
    CRYPTO_STRETCH_PASSES_MAX = 64
};

/*
 * Stretch secret by so many passes (1 to CRYPTO_STRETCH_PASSES_MAX) over so much memory.  False
 * when there is not so much.  The caller wipes out.
 */
bool crypto_stretch(struct bytes secret, uint32_t passes, size_t memory_kib,
                    uint8_t out[CRYPTO_STRETCH_BYTES]);
