/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: u[32], a signature[64] and a message.  What verifies there is a canonical u,
 * and no longer verifies when its sign is turned.  The same bytes as a seed and a
 * message: its Ed25519 signature, carried over, verifies.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/wire.h"

enum {
    SIGN_BIT = 0x80
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last byte of p is 0x7f, the first 0xed, and all between 0xff. */
static bool is_below_p(const uint8_t u[CRYPTO_PUBLIC_BYTES])
{
    for (size_t i = 1; i < CRYPTO_PUBLIC_BYTES - 1; i++) {
        if (u[i] != 0xff) {
            return u[31] <= 0x7f;
        }
    }
    return u[31] < 0x7f || (u[31] == 0x7f && u[0] < 0xed);
}

static void try_given(const uint8_t *u, struct bytes message, const uint8_t *given)
{
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    memcpy(signature, given, sizeof signature);
    if (crypto_xeddsa_verify(u, message, signature)) {
        CHECK(is_below_p(u));
        signature[sizeof signature - 1] ^= SIGN_BIT;
        CHECK(!crypto_xeddsa_verify(u, message, signature));
    }
}

static void try_carried(const uint8_t *seed, struct bytes message)
{
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    uint8_t u[CRYPTO_PUBLIC_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    crypto_public_of(seed, pub);
    CHECK(crypto_sign_ed25519_pk_to_curve25519(u, pub) == 0);
    crypto_make_signature(seed, message, signature);
    signature[63] = (uint8_t)(signature[63] | (pub[31] & SIGN_BIT));
    CHECK(crypto_xeddsa_verify(u, message, signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct wire wire = wire_of(bytes_of(data, size));

    started = started || crypto_start();
    CHECK(started);
    struct bytes u = wire_bytes(&wire, CRYPTO_PUBLIC_BYTES);
    struct bytes signature = wire_bytes(&wire, CRYPTO_SIGNATURE_BYTES);
    if (!wire_is_bad(&wire)) {
        struct bytes message = wire_bytes(&wire, wire.left);

        try_given(u.at, message, signature.at);
        try_carried(u.at, message);
    }
    return 0;
}
