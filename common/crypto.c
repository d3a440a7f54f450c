/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes and what is made of them.  The algorithms are fetched once: a fetch
 * takes locks and looks names up, and SHA-256 of a few bytes is on the path of
 * every request.  What depends on a secret is wiped by the library that held it.
 */
#include "common/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/crypto_private.h"
#include "common/mem.h"

enum {
    HKDF_MAX_BYTES = 255 * CRYPTO_SHA256_BYTES
};

struct crypto_sha256 {
    EVP_MD_CTX *ctx;
};

/* Written by crypto_start alone, before there are threads. */
static struct {
    EVP_MD *sha256;
    EVP_MD *sha384;
    EVP_MD *sha512;
    EVP_MD *sha1;
    EVP_MAC_CTX *hmac; /* a template that knows its hash; copied for each use */
    EVP_MAC_CTX *hmac_sha1;
    EVP_KDF *hkdf;
} library;

/* Nothing that a peer sends makes these calls fail: what is left is a lack of memory. */
void crypto_need(bool worked)
{
    if (!worked) {
        (void)fputs("the cryptographic library failed: it may be out of memory\n", stderr);
        _Exit(MEM_EXIT_STATUS);
    }
}

static EVP_MAC_CTX *hmac_template(char *digest)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;

    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_MAC_free(mac); /* the context holds it */
    return ctx;
}

bool crypto_start(void)
{
    char sha256[] = "SHA256";
    char sha1[] = "SHA1";

    if (sodium_init() < 0 || !crypto_point_check_works()) {
        return false;
    }
    if (library.sha256 == NULL) {
        library.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        library.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
        library.sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
        library.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
        library.hmac = hmac_template(sha256);
        library.hmac_sha1 = hmac_template(sha1);
        library.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    }
    return library.sha256 != NULL && library.sha384 != NULL && library.sha512 != NULL &&
           library.sha1 != NULL && library.hmac != NULL && library.hmac_sha1 != NULL &&
           library.hkdf != NULL;
}

static void hash_parts(const EVP_MD *kind, const struct bytes *parts, size_t part_count,
                       uint8_t *out)
{
    CHECK(kind != NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    crypto_need(ctx != NULL && EVP_DigestInit_ex2(ctx, kind, NULL) == 1);
    for (size_t i = 0; i < part_count; i++) {
        crypto_need(EVP_DigestUpdate(ctx, parts[i].at, parts[i].size) == 1);
    }
    crypto_need(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
}

void crypto_sha256(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_SHA256_BYTES])
{
    hash_parts(library.sha256, parts, part_count, out);
}

void crypto_sha384(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_SHA384_BYTES])
{
    hash_parts(library.sha384, parts, part_count, out);
}

void crypto_sha512(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_SHA512_BYTES])
{
    hash_parts(library.sha512, parts, part_count, out);
}

struct crypto_sha256 *crypto_sha256_create(void)
{
    CHECK(library.sha256 != NULL);
    struct crypto_sha256 *hash = mem_zeroed(1, sizeof *hash);

    hash->ctx = EVP_MD_CTX_new();
    crypto_need(hash->ctx != NULL && EVP_DigestInit_ex2(hash->ctx, library.sha256, NULL) == 1);
    return hash;
}

void crypto_sha256_update(struct crypto_sha256 *hash, struct bytes part)
{
    crypto_need(EVP_DigestUpdate(hash->ctx, part.at, part.size) == 1);
}

void crypto_sha256_final(struct crypto_sha256 *hash, uint8_t out[CRYPTO_SHA256_BYTES])
{
    crypto_need(EVP_DigestFinal_ex(hash->ctx, out, NULL) == 1);
}

void crypto_sha256_destroy(struct crypto_sha256 *hash)
{
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->ctx);
        free(hash);
    }
}

static void hmac_parts(const EVP_MAC_CTX *kind, struct bytes key, const struct bytes *parts,
                       size_t part_count, uint8_t *out, size_t out_size)
{
    static const uint8_t no_key[1]; /* NULL would mean "the key of before" */
    CHECK(kind != NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(kind);
    size_t size = 0;

    crypto_need(ctx != NULL &&
                EVP_MAC_init(ctx, key.size > 0 ? key.at : no_key, key.size, NULL) == 1);
    for (size_t i = 0; i < part_count; i++) {
        crypto_need(EVP_MAC_update(ctx, parts[i].at, parts[i].size) == 1);
    }
    crypto_need(EVP_MAC_final(ctx, out, &size, out_size) == 1);
    EVP_MAC_CTX_free(ctx);
}

void crypto_hmac(struct bytes key, const struct bytes *parts, size_t part_count,
                 uint8_t out[CRYPTO_SHA256_BYTES])
{
    hmac_parts(library.hmac, key, parts, part_count, out, CRYPTO_SHA256_BYTES);
}

void crypto_hmac_sha1(struct bytes key, struct bytes value, uint8_t out[CRYPTO_SHA1_BYTES])
{
    hmac_parts(library.hmac_sha1, key, &value, 1, out, CRYPTO_SHA1_BYTES);
}

static OSSL_PARAM *hkdf_params(struct bytes secret, struct bytes info)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;

    crypto_need(
        build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_KDF_PARAM_DIGEST, "SHA256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_KDF_PARAM_KEY, secret.at, secret.size) == 1);
    if (info.size > 0) {
        crypto_need(
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_KDF_PARAM_INFO, info.at, info.size) == 1);
    }
    params = OSSL_PARAM_BLD_to_param(build);
    crypto_need(params != NULL);
    OSSL_PARAM_BLD_free(build);
    return params;
}

void crypto_hkdf(struct bytes secret, struct bytes info, void *out, size_t size)
{
    CHECK(library.hkdf != NULL);
    CHECK(secret.size > 0);
    CHECK(size > 0 && size <= HKDF_MAX_BYTES);
    OSSL_PARAM *params = hkdf_params(secret, info);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(library.hkdf);

    crypto_need(ctx != NULL && EVP_KDF_derive(ctx, out, size, params) == 1);
    EVP_KDF_CTX_free(ctx);
    OSSL_PARAM *key = OSSL_PARAM_locate(params, OSSL_KDF_PARAM_KEY);
    mem_wipe(key->data, key->data_size);
    OSSL_PARAM_free(params);
}

void crypto_tag(const struct bytes *parts, size_t part_count, uint8_t out[CRYPTO_TAG_BYTES])
{
    crypto_generichash_state state;

    crypto_need(crypto_generichash_init(&state, NULL, 0, CRYPTO_TAG_BYTES) == 0);
    for (size_t i = 0; i < part_count; i++) {
        crypto_need(crypto_generichash_update(&state, parts[i].at, parts[i].size) == 0);
    }
    crypto_need(crypto_generichash_final(&state, out, CRYPTO_TAG_BYTES) == 0);
}

uint64_t crypto_siphash(const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES], struct bytes value)
{
    uint8_t sum[crypto_shorthash_BYTES];
    uint64_t number = 0;

    (void)crypto_shorthash(sum, value.at, value.size, key); /* cannot fail */
    for (size_t i = sizeof sum; i > 0; i--) {
        number = number << 8 | sum[i - 1];
    }
    return number;
}

void crypto_sha1(struct bytes value, uint8_t out[CRYPTO_SHA1_BYTES])
{
    CHECK(library.sha1 != NULL);
    crypto_need(EVP_Digest(value.at, value.size, out, NULL, library.sha1, NULL) == 1);
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || sodium_memcmp(a, b, size) == 0;
}
