/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A u-coordinate of Montgomery's form names two points of Edwards' form that
 * differ in sign.  The signer used one of them and says which in bit 7 of the last
 * byte, which is free because S is below 2^253.  So:  y = (u - 1) / (u + 1) mod p,
 * its sign from there, and an ordinary Ed25519 signature is left.  All of it is
 * public: verifying takes no constant time.  Whoever signs goes the same way back,
 * from an Ed25519 key to the u that both of its points share.
 */
#include "common/crypto_xeddsa.h"

#include <openssl/bn.h>
#include <sodium.h>
#include <string.h>

#include "common/crypto_private.h"

enum {
    SIGN_BIT = 0x80
};

/* 2^255 - 19. */
static void set_prime(BIGNUM *p)
{
    crypto_need(BN_set_bit(p, 255) == 1 && BN_sub_word(p, 19) == 1);
}

/* out = (u - 1) / (u + 1) mod p.  u is below p - 1, so the divisor is not 0. */
static void map_to_edwards(const BIGNUM *u, const BIGNUM *p, BN_CTX *ctx, BIGNUM *out)
{
    BIGNUM *above = BN_CTX_get(ctx);
    BIGNUM *below = BN_CTX_get(ctx);
    BIGNUM *inverse = BN_CTX_get(ctx);

    crypto_need(inverse != NULL && BN_copy(below, u) != NULL && BN_add_word(below, 1) == 1 &&
                BN_mod_inverse(inverse, below, p, ctx) != NULL &&
                BN_mod_sub(above, u, BN_value_one(), p, ctx) == 1 &&
                BN_mod_mul(out, above, inverse, p, ctx) == 1);
}

/* Write the y-coordinate of u, little-endian, with sign 0.  False when u has none. */
static bool edwards_of(const uint8_t u[CRYPTO_PUBLIC_BYTES], uint8_t out[CRYPTO_PUBLIC_BYTES])
{
    BN_CTX *ctx = BN_CTX_new();

    crypto_need(ctx != NULL);
    BN_CTX_start(ctx);
    BIGNUM *p = BN_CTX_get(ctx);
    BIGNUM *last = BN_CTX_get(ctx);
    BIGNUM *number = BN_CTX_get(ctx);
    BIGNUM *y = BN_CTX_get(ctx);
    crypto_need(y != NULL);
    set_prime(p);
    crypto_need(BN_sub(last, p, BN_value_one()) == 1 &&
                BN_lebin2bn(u, CRYPTO_PUBLIC_BYTES, number) != NULL);
    bool has_image = BN_cmp(number, last) < 0;
    if (has_image) {
        map_to_edwards(number, p, ctx, y);
        crypto_need(BN_bn2lebinpad(y, out, CRYPTO_PUBLIC_BYTES) == CRYPTO_PUBLIC_BYTES);
    }
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return has_image;
}

bool crypto_xeddsa_verify(const uint8_t u[CRYPTO_PUBLIC_BYTES], struct bytes message,
                          const uint8_t signature[CRYPTO_SIGNATURE_BYTES])
{
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    uint8_t plain[CRYPTO_SIGNATURE_BYTES];
    uint8_t *last = &plain[CRYPTO_SIGNATURE_BYTES - 1];

    if (!edwards_of(u, pub)) {
        return false;
    }
    memcpy(plain, signature, sizeof plain);
    pub[CRYPTO_PUBLIC_BYTES - 1] = (uint8_t)(pub[CRYPTO_PUBLIC_BYTES - 1] | (*last & SIGN_BIT));
    *last = (uint8_t)(*last & ~SIGN_BIT);
    return crypto_strict_verify(pub, message, plain);
}

void crypto_xeddsa_public_of(const uint8_t seed[CRYPTO_SEED_BYTES],
                             uint8_t out[CRYPTO_PUBLIC_BYTES])
{
    uint8_t pub[CRYPTO_PUBLIC_BYTES];

    crypto_public_of(seed, pub);
    crypto_need(crypto_sign_ed25519_pk_to_curve25519(out, pub) == 0); /* our own point is good */
}

void crypto_xeddsa_sign(const uint8_t seed[CRYPTO_SEED_BYTES], struct bytes message,
                        uint8_t out[CRYPTO_SIGNATURE_BYTES])
{
    uint8_t *last = &out[CRYPTO_SIGNATURE_BYTES - 1];
    uint8_t pub[CRYPTO_PUBLIC_BYTES];

    crypto_public_of(seed, pub);
    crypto_make_signature(seed, message, out);
    *last = (uint8_t)(*last | (pub[CRYPTO_PUBLIC_BYTES - 1] & SIGN_BIT));
}
