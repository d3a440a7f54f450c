/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stored form of an envelope's body:
 *
 *   off     size
 *   0       1     format: 0 = as received, numbered; 2 = as received, named
 *   1       n     the bytes that are delivered
 *   1 + n   16    BLAKE2b-128, big-endian, of (mailbox i64, seq i64, bytes) when it is
 *                 numbered, of (mailbox i64, id[16], bytes) when it is named
 *
 * The checksum keeps a damaged or misplaced row from being delivered.  Where the
 * row of the mailbox gives the seq, it is not known yet when the body is built:
 * there the sender's id stands for it.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"

enum {
    BODY_FORMAT_NUMBERED = 0,
    BODY_FORMAT_NAMED = 2,
    BODY_OVERHEAD_BYTES = 1 + CRYPTO_TAG_BYTES,
};

/*
 * Finish a stored form whose middle is filled in: write the format byte and the
 * checksum around it.  stored has size bytes, size - BODY_OVERHEAD_BYTES of them body.
 */
void body_finish(uint8_t *stored, size_t size, int64_t mailbox, int64_t seq);
void body_finish_named(uint8_t *stored, size_t size, int64_t mailbox, const struct envelope_id *id);

/* View what a stored form delivers; false when it has another format or its checksum is wrong. */
bool body_open(struct bytes stored, int64_t mailbox, int64_t seq, struct bytes *out);
bool body_open_named(struct bytes stored, int64_t mailbox, const struct envelope_id *id,
                     struct bytes *out);

/* Say whether a stored form is a named one. */
bool body_is_named(struct bytes stored);

/* View what a stored form delivers without looking at the checksum: for bytes just finished. */
struct bytes body_inside(struct bytes stored);
