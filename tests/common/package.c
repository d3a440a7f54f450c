/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/common/package.h"

#include <string.h>

#include "common/crypto.h"
#include "common/tlsvec.h"

static void fill(struct buf *part, uint8_t byte, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        buf_append_u8(part, byte);
    }
}

void package_init(struct package *out)
{
    static const uint8_t credential[] = { 0x00, 0x01, 0x05, 'a', 'l', 'i', 'c', 'e' };
    static const uint8_t lists[] = {
        0x02, 0x00, 0x01,             /* versions: mls10 */
        0x04, 0x00, 0x01, 0x0a, 0x0a, /* cipher suites: 1 and GREASE */
        0x02, 0xea, 0xea,             /* extensions: GREASE */
        0x00,                         /* proposals */
        0x04, 0x00, 0x01, 0x00, 0x02, /* credentials: basic and x509 */
    };
    uint8_t pub[CRYPTO_PUBLIC_BYTES];

    *out = (struct package){ .version = 1,
                             .suite = 1,
                             .seed = { 1 },
                             .leaf_signature_bytes = CRYPTO_SIGNATURE_BYTES,
                             .signature_bytes = CRYPTO_SIGNATURE_BYTES };
    crypto_public_of(out->seed, pub);
    fill(&out->init_key, 0x11, 32);
    fill(&out->encryption_key, 0x22, 32);
    package_put(&out->signature_key, pub, sizeof pub);
    package_put(&out->credential, credential, sizeof credential);
    package_put(&out->capabilities, lists, sizeof lists);
    package_live(out, 1000, 2000);
}

void package_clear(struct package *package)
{
    buf_clear(&package->init_key);
    buf_clear(&package->encryption_key);
    buf_clear(&package->signature_key);
    buf_clear(&package->credential);
    buf_clear(&package->capabilities);
    buf_clear(&package->life);
    buf_clear(&package->leaf_extensions);
    buf_clear(&package->extensions);
}

void package_put(struct buf *part, const void *at, size_t size)
{
    buf_empty(part);
    buf_append(part, bytes_of(at, size));
}

void package_live(struct package *package, uint64_t not_before, uint64_t not_after)
{
    buf_empty(&package->life);
    buf_append_u8(&package->life, 1);
    buf_append_u64(&package->life, not_before);
    buf_append_u64(&package->life, not_after);
}

void package_extend(struct buf *list, uint16_t type, size_t size)
{
    struct buf value = { .at = NULL };

    fill(&value, 'e', size);
    buf_append_u16(list, type);
    tlsvec_append(list, buf_view(&value));
    buf_clear(&value);
}

/* Append the first size bytes of the signature of content under label. */
static void sign(const struct package *package, const char *label, struct bytes content,
                 size_t size, struct buf *out)
{
    struct buf message = { .at = NULL };
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    tlsvec_append(&message, bytes_text(label));
    tlsvec_append(&message, content);
    crypto_make_signature(package->seed, buf_view(&message), signature);
    tlsvec_append(out, bytes_of(signature, size));
    buf_clear(&message);
}

static void write_leaf(const struct package *package, struct buf *out)
{
    struct buf leaf = { .at = NULL };

    tlsvec_append(&leaf, buf_view(&package->encryption_key));
    tlsvec_append(&leaf, buf_view(&package->signature_key));
    buf_append(&leaf, buf_view(&package->credential));
    buf_append(&leaf, buf_view(&package->capabilities));
    buf_append(&leaf, buf_view(&package->life));
    tlsvec_append(&leaf, buf_view(&package->leaf_extensions));
    buf_append(out, buf_view(&leaf));
    sign(package, "MLS 1.0 LeafNodeTBS", buf_view(&leaf), package->leaf_signature_bytes, out);
    buf_clear(&leaf);
}

void package_write(const struct package *package, struct buf *out)
{
    struct buf whole = { .at = NULL };

    buf_append_u16(&whole, package->version);
    buf_append_u16(&whole, package->suite);
    tlsvec_append(&whole, buf_view(&package->init_key));
    write_leaf(package, &whole);
    tlsvec_append(&whole, buf_view(&package->extensions));
    buf_append(out, buf_view(&whole));
    sign(package, "MLS 1.0 KeyPackageTBS", buf_view(&whole), package->signature_bytes, out);
    buf_clear(&whole);
}

enum keypackage_verdict package_read_into(const struct package *package, struct keypackage *out)
{
    struct buf bytes = { .at = NULL };

    package_write(package, &bytes);
    enum keypackage_verdict verdict = keypackage_read(buf_view(&bytes), out);
    out->init_key = bytes_of(NULL, 0); /* it borrowed from bytes */
    buf_clear(&bytes);
    return verdict;
}

enum keypackage_verdict package_read(const struct package *package)
{
    struct keypackage read;

    return package_read_into(package, &read);
}
