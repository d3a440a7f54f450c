/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new device alone decides when it is linked to an account, the hash that
 * names it, and the text of the QR code that carries that hash to the device that
 * will sign.  Pure; any thread; after crypto_start.
 *
 *   link entry = device_pub[32] || u8 n_keys || n_keys x { u16 key_type ; u16 len ; key[len] }
 *   eN         = SHA-256("sealpost/link-entry/1\0" || link entry)
 *   URI        = "sealpost:link?" || base64url(eN[32] || link id[16])
 *
 * The keys are those of a manifest, by rule 1 (server/api/manifest.md).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

struct manifest_device;

enum {
    LINK_ENTRY_HASH_BYTES = 32,
    LINK_URI_BYTES = 78 /* of the text, which has one length */
};

struct link_entry_hash {
    uint8_t raw[LINK_ENTRY_HASH_BYTES];
};

/*
 * Parse strictly: a valid point, keys in order and in form, nothing behind.  Fills
 * pub, key_count and keys of out, which borrow input; all else of it is zero.
 */
bool link_entry_parse(struct bytes input, struct manifest_device *out);

/* Append the entry of device, of which pub, key_count and keys are read. */
void link_entry_build(const struct manifest_device *device, struct buf *out);

/* eN.  Not of bytes that link_entry_parse would refuse: two clients could read two things. */
void link_entry_hash_of(struct bytes entry, struct link_entry_hash *out);

/* Say whether device has the key and the keys of entry, which may be any bytes. */
bool link_entry_is_of(struct bytes entry, const struct manifest_device *device);

/* What a URI says. */
struct link_uri {
    struct link_entry_hash entry_hash;
    struct link_id link_id;
};

/* Append the text; read it strictly, with no blanks around it. */
void link_uri_append(const struct link_uri *uri, struct buf *out);
bool link_uri_parse(struct bytes text, struct link_uri *out);
