/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cryptographic primitive the project uses, behind names of its own: no
 * other file calls OpenSSL's EVP or libsodium, and no name here is one of theirs
 * (libsodium has a crypto_sign and a crypto_box_open).  Pure but for
 * crypto_start; any thread.  A library that runs out of memory ends the process
 * as common/mem.h does.  Sources: FIPS 180-4, RFC 2104, RFC 5869, RFC 7693,
 * RFC 8032 and the rules of the signature check in server/api/manifest.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    CRYPTO_SHA1_BYTES = 20,
    CRYPTO_SHA256_BYTES = 32,
    CRYPTO_SHA384_BYTES = 48,
    CRYPTO_SHA512_BYTES = 64,
    CRYPTO_TAG_BYTES = 16, /* BLAKE2b-128 */
    CRYPTO_SIGNATURE_BYTES = 64,
    CRYPTO_SEED_BYTES = 32,
    CRYPTO_PUBLIC_BYTES = 32,
    CRYPTO_SIPHASH_KEY_BYTES = 16,
    CRYPTO_SEAL_BYTES = 48, /* what a sealed box adds */
};

/*
 * Prepare the libraries.  Call once, on one thread, before any other function
 * here; again is harmless.  False when a library does not start, or when
 * libsodium's point check lets a mixed-order point pass (some builds of 1.0.18
 * do): the caller refuses to run.
 */
bool crypto_start(void);

/* SHA-256, SHA-384 or SHA-512 of the parts one after the other. */
void crypto_sha256(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_SHA256_BYTES]);
void crypto_sha384(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_SHA384_BYTES]);
void crypto_sha512(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_SHA512_BYTES]);

/* SHA-256 over a stream of pieces: create, update any number of times, final once, destroy. */
struct crypto_sha256;
struct crypto_sha256 *crypto_sha256_create(void);
void crypto_sha256_update(struct crypto_sha256 *hash, struct bytes part);
void crypto_sha256_final(struct crypto_sha256 *hash, uint8_t out[CRYPTO_SHA256_BYTES]);

/* Free a hash that create returned, final or not.  Takes NULL. */
void crypto_sha256_destroy(struct crypto_sha256 *hash);

/* HMAC-SHA256 or HMAC-SHA512 of the parts one after the other. */
void crypto_hmac(struct bytes key, const struct bytes *parts, size_t part_count,
                 uint8_t out[CRYPTO_SHA256_BYTES]);
void crypto_hmac_sha512(struct bytes key, const struct bytes *parts, size_t part_count,
                        uint8_t out[CRYPTO_SHA512_BYTES]);

/* HMAC-SHA1 of value, only for the codes of authenticator apps (RFC 4226 section 5). */
void crypto_hmac_sha1(struct bytes key, struct bytes value, uint8_t out[CRYPTO_SHA1_BYTES]);

/* HKDF-SHA256 with an empty salt: derive size bytes (1..8160) for info.  secret is not empty. */
void crypto_hkdf(struct bytes secret, struct bytes info, void *out, size_t size);

/* BLAKE2b-128 of the parts one after the other: a checksum of stored rows. */
void crypto_tag(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_TAG_BYTES]);

/* SipHash-2-4, little-endian: for hash tables and short fingerprints under a secret key. */
uint64_t crypto_siphash(const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES], struct bytes value);

/* SHA-1, only for the WebSocket handshake (RFC 6455 section 4.2.2). */
void crypto_sha1(struct bytes value, uint8_t out[CRYPTO_SHA1_BYTES]);

/* Compare in constant time. */
bool crypto_equal(const void *a, const void *b, size_t size);

/* Say whether pub is canonical and of prime order, as keys must be before they are accepted. */
bool crypto_point_is_valid(const uint8_t pub[CRYPTO_PUBLIC_BYTES]);

/* Verify an Ed25519 signature over message.  pub has passed crypto_point_is_valid. */
bool crypto_verify(const uint8_t pub[CRYPTO_PUBLIC_BYTES], struct bytes message,
                   const uint8_t signature[CRYPTO_SIGNATURE_BYTES]);

/*
 * The strict form for what many clients are shown (manifests, handle bindings,
 * prekeys, KeyPackages): R and pub must pass the point check too and S must be
 * below L, so that every correct verifier agrees.
 */
bool crypto_strict_verify(const uint8_t pub[CRYPTO_PUBLIC_BYTES], struct bytes message,
                          const uint8_t signature[CRYPTO_SIGNATURE_BYTES]);

/* Derive the Ed25519 public key of seed, and sign message with it. */
void crypto_public_of(const uint8_t seed[CRYPTO_SEED_BYTES], uint8_t out[CRYPTO_PUBLIC_BYTES]);
void crypto_make_signature(const uint8_t seed[CRYPTO_SEED_BYTES], struct bytes message,
                           uint8_t out[CRYPTO_SIGNATURE_BYTES]);

/* X25519 key pairs and libsodium sealed boxes, for the reference device only. */
void crypto_make_box_pair(uint8_t out_public[32], uint8_t out_secret[32]);

/* Seal plain to public into out, of plain.size + CRYPTO_SEAL_BYTES.  False: a bad public key. */
bool crypto_seal_box(const uint8_t public[32], struct bytes plain, uint8_t *out);

/* Open a sealed box into out, of sealed.size - CRYPTO_SEAL_BYTES.  False: not sealed to us. */
bool crypto_open_box(const uint8_t public[32], const uint8_t secret[32], struct bytes sealed,
                     uint8_t *out);
