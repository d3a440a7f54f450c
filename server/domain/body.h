/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored form of an envelope's body:
 *
 *   off     size
 *   0       1     format: 0 = as received
 *   1       n     the bytes that are delivered
 *   1 + n   16    BLAKE2b-128 of (mailbox i64, seq i64, bytes), big-endian
 *
 * The checksum keeps a damaged or misplaced row from being delivered.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"

enum {
    BODY_FORMAT_PLAIN = 0,
    BODY_OVERHEAD_BYTES = 1 + CRYPTO_TAG_BYTES,
};

/*
 * Finish a stored form whose middle is filled in: write the format byte and the
 * checksum around it.  stored has size bytes, size - BODY_OVERHEAD_BYTES of them body.
 */
void body_finish(uint8_t *stored, size_t size, int64_t mailbox, int64_t seq);

/* View what a stored form delivers; false when its format is unknown or its checksum wrong. */
bool body_open(struct bytes stored, int64_t mailbox, int64_t seq, struct bytes *out);

/* View what a stored form delivers without looking at the checksum: for bytes just finished. */
struct bytes body_inside(struct bytes stored);
