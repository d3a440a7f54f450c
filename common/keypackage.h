/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MLS KeyPackages, bare, as the directory stores them (RFC 9420 section 10): one
 * says how its device is added to a group.  The reader is strict: one encoding
 * for each value, no byte left over, both signatures verified.  What needs a
 * clock, a manifest or a group is the caller's: compare not_before and not_after
 * with now, signature_key with key type 2 of the device.  No allocation outlives
 * a call, no recursion.  Pure; any thread, after crypto_start.
 *
 *   KeyPackage    version u16 | cipher_suite u16 | init_key<V> | leaf_node |
 *                 extensions<V> | signature<V>
 *   leaf_node     encryption_key<V> | signature_key<V> | credential | capabilities |
 *                 source u8 = 1 | not_before u64 | not_after u64 | extensions<V> |
 *                 signature<V>
 *   credential    1 (basic) identity<V>, or 2 (x509) certificates<V> of <V>
 *   capabilities  versions<V> | cipher_suites<V> | extensions<V> | proposals<V> |
 *                 credentials<V>, each of u16
 *   extension     type u16 | data<V>
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/mlssuite.h"

/* What reading found: the good outcome, or the first fault in the order of the bytes. */
enum keypackage_verdict {
    KEYPACKAGE_VALID = 0,
    KEYPACKAGE_TOO_LARGE,      /* above LIMIT_KEY_OBJECT_BYTES */
    KEYPACKAGE_FORM,           /* cut short, bytes left over, a length not in its shortest form */
    KEYPACKAGE_VERSION,        /* not mls10 */
    KEYPACKAGE_KEY_SIZE,       /* a key or signature has not the size that the suite gives it */
    KEYPACKAGE_SAME_KEYS,      /* init_key is the leaf's encryption_key (section 10.1) */
    KEYPACKAGE_SIGNATURE_KEY,  /* no canonical Ed25519 point of prime order */
    KEYPACKAGE_CREDENTIAL,     /* neither basic nor x509, or x509 without a certificate */
    KEYPACKAGE_CAPABILITIES,   /* a list that is no list of u16, or is too long */
    KEYPACKAGE_SOURCE,         /* leaf_node_source is not key_package(1) */
    KEYPACKAGE_LIFETIME,       /* not_after is before not_before */
    KEYPACKAGE_EXTENSIONS,     /* too many, one type twice, or last_resort with data */
    KEYPACKAGE_LEAF_SIGNATURE, /* the signature of the leaf node does not verify */
    KEYPACKAGE_SIGNATURE,      /* that of the KeyPackage does not */
};

/*
 * A KeyPackage that was read.  When is_verified is false the suite is none that we
 * can verify: behind the suite only was looked whether an init_key begins there,
 * and all but suite and reference is zero.
 */
struct keypackage {
    uint16_t suite;
    bool is_verified;
    bool is_last_resort;   /* extension 0x000A, draft-ietf-mls-extensions */
    uint64_t not_before;   /* Unix seconds, any value */
    uint64_t not_after;    /* Unix seconds, any value from not_before on; often 2^63 - 1 */
    struct bytes init_key; /* borrowed from the bytes that were read */
    uint8_t signature_key[CRYPTO_PUBLIC_BYTES]; /* Ed25519, of the leaf */
    struct mls_reference reference;             /* the KeyPackageRef */
};

/*
 * Read input as one bare KeyPackage.  Fills *out only when KEYPACKAGE_VALID, which
 * also a package of a suite that we do not know is (see is_verified).  input is
 * borrowed by *out.  Costs about six verifications of Ed25519.
 */
enum keypackage_verdict keypackage_read(struct bytes input, struct keypackage *out);

/* One sentence a client author can act on, for the verdict.  Static. */
const char *keypackage_verdict_text(enum keypackage_verdict verdict);

/* The KeyPackageRef of a package of the suite: "MLS 1.0 KeyPackage Reference" (section 5.2). */
void keypackage_reference(uint16_t suite, struct bytes package, struct mls_reference *out);
