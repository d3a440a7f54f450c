/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of variable size as MLS writes them (RFC 9420 section 2.1.2): a length
 * of 1, 2 or 4 bytes that says its own width in its two top bits, as RFC 9000
 * section 16 does, then that many bytes.  Only the shortest form of a length is
 * read, and 8 bytes never are, so that every value has one encoding.
 *
 *   00xxxxxx                   0..63
 *   01xxxxxx + 1 byte          64..16383
 *   10xxxxxx + 3 bytes         16384..2^30 - 1
 *
 * The reader is wire.h's: what does not fit marks it bad.  Pure; any thread.
 */
#pragma once

#include "common/buf.h"
#include "common/bytes.h"
#include "common/wire.h"

enum {
    TLSVEC_MAX_BYTES = 0x3FFFFFFF
};

/* Take the next vector: its bytes, a view that lives as long as the bytes read from. */
struct bytes tlsvec_take(struct wire *wire);

/* Take the next vector and read on in it alone.  Check that one for bad, too. */
struct wire tlsvec_enter(struct wire *wire);

/* Append value as a vector.  It has at most TLSVEC_MAX_BYTES. */
void tlsvec_append(struct buf *out, struct bytes value);
