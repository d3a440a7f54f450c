/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of CBOR (RFC 8949) as finds the end of an item in what authenticators say: lengths are
 * given, there are no tags, and nothing claims more than is there.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"
#include "common/wire.h"

enum {
    CBOR_DEPTH_MAX = 4 /* maps and arrays in each other, as authenticators nest them (CTAP 2.1
                        section 8) */
};

/*
 * Pass one item, of at most depth maps and arrays in each other.  False, and wire anywhere,
 * when there is none that is whole.
 */
bool cbor_skip(struct wire *wire, int depth);

/* Say whether bytes are exactly one map. */
bool cbor_is_map(struct bytes bytes);
