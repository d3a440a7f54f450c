/* SPDX-License-Identifier: Apache-2.0 */
#include "common/link_entry.h"

#include <assert.h>
#include <string.h>

#include "common/base64url.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/manifest_private.h"
#include "common/wire.h"

/* The NUL is part of the label, and not of the scheme. */
static const char entry_label[] = "sealpost/link-entry/1";
static const char scheme[] = "sealpost:link?";

enum {
    SCHEME_BYTES = sizeof scheme - 1,
    NAMED_BYTES = LINK_ENTRY_HASH_BYTES + LINK_ID_BYTES
};
static_assert(LINK_URI_BYTES == SCHEME_BYTES + NAMED_BYTES / 3 * 4, "the text has one length");

bool link_entry_parse(struct bytes input, struct manifest_device *out)
{
    struct manifest_device device = { 0 };
    struct wire wire = wire_of(input);
    struct bytes pub = wire_bytes(&wire, sizeof device.pub.raw);

    device.key_count = wire_u8(&wire);
    if (wire_is_bad(&wire) || device.key_count > LIMIT_DEVICE_KEYS ||
        !manifest_read_keys(&wire, &device) || !wire_is_done(&wire) ||
        !crypto_point_is_valid(pub.at)) {
        return false;
    }
    memcpy(device.pub.raw, pub.at, pub.size);
    *out = device;
    return true;
}

void link_entry_build(const struct manifest_device *device, struct buf *out)
{
    buf_append(out, bytes_of(device->pub.raw, sizeof device->pub.raw));
    buf_append_u8(out, device->key_count);
    manifest_append_keys(device, out);
}

void link_entry_hash_of(struct bytes entry, struct link_entry_hash *out)
{
    const struct bytes parts[] = { bytes_of(entry_label, sizeof entry_label), entry };

    crypto_sha256(parts, sizeof parts / sizeof parts[0], out->raw);
}

bool link_entry_is_of(struct bytes entry, const struct manifest_device *device)
{
    struct buf built = { 0 };
    bool same = false;

    link_entry_build(device, &built);
    same = bytes_equal(entry, buf_view(&built));
    buf_clear(&built);
    return same;
}

void link_uri_append(const struct link_uri *uri, struct buf *out)
{
    uint8_t named[NAMED_BYTES];

    memcpy(named, uri->entry_hash.raw, sizeof uri->entry_hash.raw);
    memcpy(named + sizeof uri->entry_hash.raw, uri->link_id.raw, sizeof uri->link_id.raw);
    buf_append_text(out, scheme);
    base64url_encode(bytes_of(named, sizeof named), out);
}

bool link_uri_parse(struct bytes text, struct link_uri *out)
{
    uint8_t named[NAMED_BYTES];

    if (text.size != LINK_URI_BYTES || memcmp(text.at, scheme, SCHEME_BYTES) != 0 ||
        !base64url_decode_exact(bytes_of(text.at + SCHEME_BYTES, text.size - SCHEME_BYTES), named,
                                sizeof named)) {
        return false;
    }
    memcpy(out->entry_hash.raw, named, sizeof out->entry_hash.raw);
    memcpy(out->link_id.raw, named + sizeof out->entry_hash.raw, sizeof out->link_id.raw);
    return true;
}
