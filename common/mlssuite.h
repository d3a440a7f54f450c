/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MLS cipher suites that we know something of (RFC 9420 section 17.1, and the
 * numbers that clients use for X-Wing until it has registered ones), and the hash
 * that names things.  Pure; any thread, after crypto_start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    MLS_VERSION_10 = 1,       /* ProtocolVersion mls10 */
    MLS_REFERENCE_BYTES = 64, /* of the longest hash */
};

enum mls_suite {
    MLS_SUITE_X25519_AES128_SHA256_ED25519 = 1,
    MLS_SUITE_P256_AES128_SHA256_P256 = 2,
    MLS_SUITE_X25519_CHACHA20_SHA256_ED25519 = 3,
    MLS_SUITE_X448_AES256_SHA512_ED448 = 4,
    MLS_SUITE_P521_AES256_SHA512_P521 = 5,
    MLS_SUITE_X448_CHACHA20_SHA512_ED448 = 6,
    MLS_SUITE_P384_AES256_SHA384_P384 = 7,
    MLS_SUITE_XWING_AES256_SHA512_ED25519 = 83,
    MLS_SUITE_XWING_CHACHA20_SHA512_ED25519 = 84,
};

/* A KeyPackageRef or another RefHash: as long as the hash of the suite. */
struct mls_reference {
    size_t size; /* 32, 48 or 64 */
    uint8_t raw[MLS_REFERENCE_BYTES];
};

/*
 * Say how many bytes a public key of the suite's KEM has when we can verify what
 * the suite signs (it signs with Ed25519), else 0.
 */
size_t mlssuite_verified_kem_bytes(uint16_t suite);

/* Say whether we know the suite, and so its hash. */
bool mlssuite_is_known(uint16_t suite);

/* Say how many bytes the suite's hash has; 32 for a suite that we do not know. */
size_t mlssuite_hash_bytes(uint16_t suite);

/*
 * RefHash(label, value) with the suite's hash (RFC 9420 section 5.2); with
 * SHA-256 for a suite that we do not know.  label is whole, "MLS 1.0 ...".
 */
void mlssuite_reference(uint16_t suite, const char *label, struct bytes value,
                        struct mls_reference *out);
