/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read in the order of the bytes, each part with a fault of its own; signatures
 * last, for they cost most.  What is signed are stretches of the very bytes that
 * were read (RFC 9420 sections 7.2 and 10), so nothing is encoded again: the
 * leaf up to its signature, and the whole up to its own.
 */
#include "common/keypackage.h"

#include <stddef.h>
#include <string.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/tlsvec.h"
#include "common/wire.h"

enum {
    CREDENTIAL_BASIC = 1,
    CREDENTIAL_X509 = 2,
    SOURCE_KEY_PACKAGE = 1,
    EXTENSION_LAST_RESORT = 0x000A,
    CAPABILITY_LISTS = 5,
    CAPABILITY_BYTES = 2, /* of each number in a list */
};

struct reading {
    struct wire wire;
    struct keypackage found;
    struct bytes leaf_signature;
    struct bytes leaf_signed; /* the LeafNodeTBS */
    struct bytes signature;
    struct bytes whole_signed; /* the KeyPackageTBS */
};

/* wire_is_bad as a verdict: whatever else was found, bytes that are not there come first. */
static enum keypackage_verdict unless_cut(const struct wire *wire, enum keypackage_verdict verdict)
{
    return wire_is_bad(wire) ? KEYPACKAGE_FORM : verdict;
}

static enum keypackage_verdict read_credential(struct wire *wire)
{
    uint16_t type = wire_u16(wire);

    if (wire_is_bad(wire)) {
        return KEYPACKAGE_FORM;
    }
    if (type == CREDENTIAL_BASIC) {
        (void)tlsvec_take(wire); /* the identity */
        return unless_cut(wire, KEYPACKAGE_VALID);
    }
    if (type != CREDENTIAL_X509) {
        return KEYPACKAGE_CREDENTIAL;
    }
    struct wire chain = tlsvec_enter(wire);
    size_t count = 0;
    while (chain.left > 0 && !wire_is_bad(&chain) && count <= LIMIT_MLS_CERTIFICATES) {
        (void)tlsvec_take(&chain);
        count++;
    }
    return unless_cut(&chain, count >= 1 && count <= LIMIT_MLS_CERTIFICATES
                                  ? KEYPACKAGE_VALID
                                  : KEYPACKAGE_CREDENTIAL);
}

/* What the numbers mean is the business of groups; unknown and GREASE ones are as good. */
static enum keypackage_verdict read_capabilities(struct wire *wire)
{
    enum keypackage_verdict verdict = KEYPACKAGE_VALID;

    for (size_t i = 0; i < CAPABILITY_LISTS; i++) {
        struct bytes list = tlsvec_take(wire);

        if (list.size % CAPABILITY_BYTES != 0 ||
            list.size / CAPABILITY_BYTES > LIMIT_MLS_LIST_ITEMS) {
            verdict = KEYPACKAGE_CAPABILITIES;
        }
    }
    return unless_cut(wire, verdict);
}

static bool is_among(uint16_t type, const uint16_t *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

/* Writes whether last_resort, which is empty, is among them. */
static enum keypackage_verdict read_extensions(struct wire *wire, bool *out_last_resort)
{
    struct wire list = tlsvec_enter(wire);
    uint16_t types[LIMIT_MLS_EXTENSIONS];
    size_t count = 0;

    *out_last_resort = false;
    while (list.left > 0 && !wire_is_bad(&list)) {
        uint16_t type = wire_u16(&list);
        struct bytes value = tlsvec_take(&list);

        if (wire_is_bad(&list)) {
            break;
        }
        if (count == LIMIT_MLS_EXTENSIONS || is_among(type, types, count) ||
            (type == EXTENSION_LAST_RESORT && value.size > 0)) {
            return KEYPACKAGE_EXTENSIONS;
        }
        types[count++] = type;
        *out_last_resort = *out_last_resort || type == EXTENSION_LAST_RESORT;
    }
    return unless_cut(&list, KEYPACKAGE_VALID);
}

static enum keypackage_verdict read_lifetime(struct reading *reading)
{
    struct wire *wire = &reading->wire;
    uint8_t source = wire_u8(wire);

    if (wire_is_bad(wire)) {
        return KEYPACKAGE_FORM;
    }
    if (source != SOURCE_KEY_PACKAGE) {
        return KEYPACKAGE_SOURCE; /* the fields of other sources are others */
    }
    reading->found.not_before = wire_u64(wire);
    reading->found.not_after = wire_u64(wire);
    return unless_cut(wire, reading->found.not_before <= reading->found.not_after
                                ? KEYPACKAGE_VALID
                                : KEYPACKAGE_LIFETIME);
}

/* The keys of the leaf: for its encryption, which is not the init key, and for its signatures. */
static enum keypackage_verdict read_leaf_keys(struct reading *reading)
{
    struct wire *wire = &reading->wire;
    struct keypackage *found = &reading->found;
    struct bytes encryption_key = tlsvec_take(wire);
    struct bytes signature_key = tlsvec_take(wire);

    if (wire_is_bad(wire)) {
        return KEYPACKAGE_FORM;
    }
    if (encryption_key.size != found->init_key.size ||
        signature_key.size != sizeof found->signature_key) {
        return KEYPACKAGE_KEY_SIZE;
    }
    if (bytes_equal(encryption_key, found->init_key)) {
        return KEYPACKAGE_SAME_KEYS;
    }
    memcpy(found->signature_key, signature_key.at, signature_key.size);
    return KEYPACKAGE_VALID;
}

/* A signature ends the stretch of bytes that begins at start and that it signs. */
static enum keypackage_verdict read_signature(struct wire *wire, const uint8_t *start,
                                              struct bytes *out_signed, struct bytes *out_signature)
{
    *out_signed = bytes_of(start, (size_t)(wire->at - start));
    *out_signature = tlsvec_take(wire);
    return unless_cut(wire, out_signature->size == CRYPTO_SIGNATURE_BYTES ? KEYPACKAGE_VALID
                                                                          : KEYPACKAGE_KEY_SIZE);
}

static enum keypackage_verdict read_leaf(struct reading *reading)
{
    struct wire *wire = &reading->wire;
    const uint8_t *start = wire->at;
    bool is_last_resort; /* only that of the KeyPackage's own extensions counts */
    enum keypackage_verdict verdict = read_leaf_keys(reading);

    verdict = verdict == KEYPACKAGE_VALID ? read_credential(wire) : verdict;
    verdict = verdict == KEYPACKAGE_VALID ? read_capabilities(wire) : verdict;
    verdict = verdict == KEYPACKAGE_VALID ? read_lifetime(reading) : verdict;
    verdict = verdict == KEYPACKAGE_VALID ? read_extensions(wire, &is_last_resort) : verdict;
    if (verdict != KEYPACKAGE_VALID) {
        return verdict;
    }
    return read_signature(wire, start, &reading->leaf_signed, &reading->leaf_signature);
}

static enum keypackage_verdict read_parts(struct reading *reading, const uint8_t *start)
{
    struct wire *wire = &reading->wire;
    struct keypackage *found = &reading->found;

    found->init_key = tlsvec_take(wire);
    if (wire_is_bad(wire)) {
        return KEYPACKAGE_FORM;
    }
    if (found->init_key.size != mlssuite_verified_kem_bytes(found->suite)) {
        return KEYPACKAGE_KEY_SIZE;
    }
    enum keypackage_verdict verdict = read_leaf(reading);
    if (verdict == KEYPACKAGE_VALID) {
        verdict = read_extensions(wire, &found->is_last_resort);
    }
    if (verdict != KEYPACKAGE_VALID) {
        return verdict;
    }
    verdict = read_signature(wire, start, &reading->whole_signed, &reading->signature);
    return wire_is_done(wire) ? verdict : KEYPACKAGE_FORM;
}

/*
 * VerifyWithLabel (RFC 9420 section 5.1.2), strictly: whoever adds this device to a
 * group shows the KeyPackage to all members, and they must not disagree on it.
 */
static bool is_signed(const uint8_t key[CRYPTO_PUBLIC_BYTES], const char *label,
                      struct bytes content, struct bytes signature)
{
    struct buf message = { .at = NULL };

    tlsvec_append(&message, bytes_text(label));
    tlsvec_append(&message, content);
    bool holds = crypto_strict_verify(key, buf_view(&message), signature.at);
    buf_clear(&message);
    return holds;
}

static enum keypackage_verdict check_signatures(const struct reading *reading)
{
    const uint8_t *key = reading->found.signature_key;

    if (!is_signed(key, "MLS 1.0 LeafNodeTBS", reading->leaf_signed, reading->leaf_signature)) {
        return crypto_point_is_valid(key) ? KEYPACKAGE_LEAF_SIGNATURE : KEYPACKAGE_SIGNATURE_KEY;
    }
    if (!is_signed(key, "MLS 1.0 KeyPackageTBS", reading->whole_signed, reading->signature)) {
        return KEYPACKAGE_SIGNATURE;
    }
    return KEYPACKAGE_VALID;
}

/*
 * What stands behind the suite.  Where we cannot verify it, it need only begin as a
 * KeyPackage does: an MLSMessage around one reads as suite 5 with an empty init_key.
 */
static enum keypackage_verdict read_rest(struct reading *reading, const uint8_t *start)
{
    reading->found.is_verified = mlssuite_verified_kem_bytes(reading->found.suite) > 0;
    if (!reading->found.is_verified) {
        return tlsvec_take(&reading->wire).size > 0 ? KEYPACKAGE_VALID : KEYPACKAGE_FORM;
    }
    enum keypackage_verdict verdict = read_parts(reading, start);
    return verdict == KEYPACKAGE_VALID ? check_signatures(reading) : verdict;
}

enum keypackage_verdict keypackage_read(struct bytes input, struct keypackage *out)
{
    struct reading reading = { .wire = wire_of(input) };

    if (input.size > LIMIT_KEY_OBJECT_BYTES) {
        return KEYPACKAGE_TOO_LARGE;
    }
    uint16_t version = wire_u16(&reading.wire);
    reading.found.suite = wire_u16(&reading.wire);
    if (wire_is_bad(&reading.wire)) {
        return KEYPACKAGE_FORM;
    }
    if (version != MLS_VERSION_10) {
        return KEYPACKAGE_VERSION;
    }
    enum keypackage_verdict verdict = read_rest(&reading, input.at);
    if (verdict != KEYPACKAGE_VALID) {
        return verdict;
    }
    keypackage_reference(reading.found.suite, input, &reading.found.reference);
    *out = reading.found;
    return KEYPACKAGE_VALID;
}

void keypackage_reference(uint16_t suite, struct bytes package, struct mls_reference *out)
{
    mlssuite_reference(suite, "MLS 1.0 KeyPackage Reference", package, out);
}

const char *keypackage_verdict_text(enum keypackage_verdict verdict)
{
    switch (verdict) {
    case KEYPACKAGE_VALID:
        return "The KeyPackage is valid.";
    case KEYPACKAGE_TOO_LARGE:
        return "The KeyPackage is too large: it has at most 16384 bytes.";
    case KEYPACKAGE_FORM:
        return "The bytes are not one KeyPackage: send it bare, not in an MLSMessage, whole and "
               "with every length in its shortest form.";
    case KEYPACKAGE_VERSION:
        return "The version is not mls10: send the KeyPackage bare, not in an MLSMessage.";
    case KEYPACKAGE_KEY_SIZE:
        return "A key or signature has not the size that the cipher suite gives it.";
    case KEYPACKAGE_SAME_KEYS:
        return "init_key and encryption_key are the same: make a key pair for each.";
    case KEYPACKAGE_SIGNATURE_KEY:
        return "signature_key is not a valid Ed25519 public key.";
    case KEYPACKAGE_CREDENTIAL:
        return "The credential is neither basic nor x509 with 1 to 16 certificates.";
    case KEYPACKAGE_CAPABILITIES:
        return "A list of the capabilities has an odd size or more than 256 entries.";
    case KEYPACKAGE_SOURCE:
        return "leaf_node_source is not key_package: make a new leaf node for a KeyPackage.";
    case KEYPACKAGE_LIFETIME:
        return "not_after of the lifetime is before not_before.";
    case KEYPACKAGE_EXTENSIONS:
        return "There are more than 64 extensions, one type stands twice, or last_resort has data.";
    case KEYPACKAGE_LEAF_SIGNATURE:
        return "The signature of the leaf node does not verify under its signature_key.";
    case KEYPACKAGE_SIGNATURE:
        return "The signature of the KeyPackage does not verify under signature_key.";
    }
    return "The verdict is unknown.";
}
