/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a link entry and as the text of a QR code: what is taken is written
 * back as it was.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/link_entry.h"
#include "common/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct buf written = { 0 };
    struct manifest_device device;
    struct link_uri uri;

    CHECK(crypto_start());
    if (link_entry_parse(input, &device)) {
        CHECK(link_entry_is_of(input, &device));
    }
    if (link_uri_parse(input, &uri)) {
        link_uri_append(&uri, &written);
        CHECK(bytes_equal(buf_view(&written), input));
    }
    buf_clear(&written);
    return 0;
}
