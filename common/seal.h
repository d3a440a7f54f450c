/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed columns: what the relay must be able to read again and a thief of the
 * database must not.  A value is sealed for its place, so that it cannot be moved
 * to another row; the key is derived from a master key that stands in a file
 * beside the database, not in it.
 *
 *   u8 1 | key_id u32 | nonce[24] | XAES-256-GCM(K, nonce, plain, aad) (+16)
 *   K   = HKDF-SHA256(master[key_id], "sealpost/seal-key/1\0" || table || "." || column)
 *   aad = "sealpost/seal/1\0" || table || 0 || column || 0 || row key
 *
 * What is sealed now is sealed under the master key with the highest id, or the one
 * that seal_use names; the others open what they sealed.  One owner; any thread once the
 * keys are in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_OVERHEAD_BYTES = 45, /* what sealing adds */
};

struct seal;

/* Where a value stands: texts without NUL, and the key of its row. */
struct seal_place {
    const char *table;
    const char *column;
    struct bytes row;
};

struct seal *seal_create(void);

/* Wipe the keys and free it.  Takes NULL. */
void seal_destroy(struct seal *seal);

/* Copy in the master key called id (1 or above), which is not in yet. */
void seal_add_key(struct seal *seal, uint32_t id, const uint8_t key[SEAL_KEY_BYTES]);

/* Seal with the key called id, which is in, from now on, whatever is added later. */
void seal_use(struct seal *seal, uint32_t id);

/* Wipe the key called id, if it is in; it is not the one that seals. */
void seal_drop_key(struct seal *seal, uint32_t id);

/* Say whether the key called id is in; and which one seals, 0 while there is none. */
bool seal_has_key(const struct seal *seal, uint32_t id);
uint32_t seal_key_in_use(const struct seal *seal);

/* The id of the key that a value was sealed with, by what it says itself; 0: it is no sealed value. */
uint32_t seal_key_of(struct bytes sealed);

/* Append plain to out, sealed for place.  There is a key. */
void seal_close(const struct seal *seal, const struct seal_place *place, struct bytes plain,
                struct buf *out);

/*
 * Append what sealed holds to out; wiping it is the caller's.  False when it was not sealed for
 * this place, is damaged, or its key is not here: out is as it was.
 */
bool seal_open(const struct seal *seal, const struct seal_place *place, struct bytes sealed,
               struct buf *out);

/* Do the work of opening a value of plain_size bytes that is not there, for answers that take as
 * long as real ones. */
void seal_open_decoy(const struct seal *seal, const struct seal_place *place, size_t plain_size);
