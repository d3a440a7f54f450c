/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oblivious pseudo-random function, ristretto255-SHA512 in its plain mode (RFC 9497):
 * the client blinds its password, the server multiplies by a key that is each credential's
 * own, the client takes the blind off.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/mem.h"
#include "common/opaque_private.h"

enum {
    BLOCK_BYTES = 128, /* that SHA-512 reads at once */
    BLOCKS_MAX = 255,
};

void opaque_expand(struct bytes key, struct bytes info_1, struct bytes info_2, uint8_t *out,
                   size_t size)
{
    uint8_t block[OPAQUE_HASH_BYTES];
    uint8_t number = 0;
    struct bytes before = bytes_of(NULL, 0);

    CHECK(size <= (size_t)BLOCKS_MAX * sizeof block);
    while (size > 0) {
        size_t used = size < sizeof block ? size : sizeof block;

        number++;
        const struct bytes parts[] = { before, info_1, info_2, bytes_of(&number, 1) };
        crypto_hmac_sha512(key, parts, sizeof parts / sizeof parts[0], block);
        before = bytes_of(block, sizeof block);
        memcpy(out, block, used);
        out += used;
        size -= used;
    }
    mem_wipe(block, sizeof block);
}

enum {
    MESSAGE_PARTS_MAX = 4,
};

/* expand_message_xmd (RFC 9380 section 5.3.1) of parts to 64 bytes, which takes one block. */
static void expand_message(struct bytes domain, const struct bytes *parts, size_t part_count,
                           uint8_t out[CRYPTO_UNIFORM_BYTES])
{
    static const uint8_t zero_block[BLOCK_BYTES];
    const uint8_t domain_size = (uint8_t)domain.size;
    const uint8_t wanted[] = { 0, CRYPTO_UNIFORM_BYTES, 0 };
    const uint8_t one[] = { 1 };
    uint8_t first[OPAQUE_HASH_BYTES];
    struct bytes message[MESSAGE_PARTS_MAX + 4] = { bytes_of(zero_block, sizeof zero_block) };
    size_t count = 1;

    CHECK(part_count <= MESSAGE_PARTS_MAX && domain.size <= UINT8_MAX);
    for (size_t i = 0; i < part_count; i++) {
        message[count++] = parts[i];
    }
    message[count++] = bytes_of(wanted, sizeof wanted);
    message[count++] = domain;
    message[count++] = bytes_of(&domain_size, 1);
    crypto_sha512(message, count, first);
    const struct bytes again[] = {
        bytes_of(first, sizeof first),
        bytes_of(one, sizeof one),
        domain,
        bytes_of(&domain_size, 1),
    };
    crypto_sha512(again, sizeof again / sizeof again[0], out);
    mem_wipe(first, sizeof first);
}

/* HashToScalar (RFC 9497 section 4.1) of seed | info and a counter. */
static void hash_to_scalar(const uint8_t seed[OPAQUE_SEED_BYTES], struct bytes info,
                           uint8_t out[CRYPTO_SCALAR_BYTES])
{
    static const uint8_t domain[] = "DeriveKeyPairOPRFV1-\0-ristretto255-SHA512"; /* mode 0 */
    const uint8_t info_size[] = { 0, (uint8_t)info.size };
    const uint8_t counter[] = { 0 };
    uint8_t uniform[CRYPTO_UNIFORM_BYTES];
    const struct bytes parts[] = {
        bytes_of(seed, OPAQUE_SEED_BYTES),
        bytes_of(info_size, sizeof info_size),
        info,
        bytes_of(counter, sizeof counter),
    };

    CHECK(info.size <= UINT8_MAX);
    expand_message(bytes_of(domain, sizeof domain - 1), parts, sizeof parts / sizeof parts[0],
                   uniform);
    crypto_scalar_of_hash(uniform, out);
    mem_wipe(uniform, sizeof uniform);
}

void opaque_hash_to_group(struct bytes input, uint8_t out[CRYPTO_ELEMENT_BYTES])
{
    static const uint8_t domain[] = "HashToGroup-OPRFV1-\0-ristretto255-SHA512"; /* mode 0 */
    uint8_t uniform[CRYPTO_UNIFORM_BYTES];

    expand_message(bytes_of(domain, sizeof domain - 1), &input, 1, uniform);
    crypto_element_of_hash(uniform, out);
    mem_wipe(uniform, sizeof uniform);
}

/* The RFC counts up when the scalar is 0, which one hash in 2^252 gives: nobody meets it. */
void opaque_derive_pair(const uint8_t seed[OPAQUE_SEED_BYTES],
                        uint8_t out_scalar[CRYPTO_SCALAR_BYTES],
                        uint8_t out_element[CRYPTO_ELEMENT_BYTES])
{
    hash_to_scalar(seed, bytes_text("OPAQUE-DeriveDiffieHellmanKeyPair"), out_scalar);
    crypto_element_public_of(out_scalar, out_element);
}

bool opaque_evaluate(const uint8_t oprf_seed[OPAQUE_HASH_BYTES], struct bytes credential_id,
                     const uint8_t blinded[CRYPTO_ELEMENT_BYTES],
                     uint8_t out_evaluated[CRYPTO_ELEMENT_BYTES])
{
    uint8_t seed[OPAQUE_SEED_BYTES];
    uint8_t key[CRYPTO_SCALAR_BYTES];

    opaque_expand(bytes_of(oprf_seed, OPAQUE_HASH_BYTES), credential_id, bytes_text("OprfKey"),
                  seed, sizeof seed);
    hash_to_scalar(seed, bytes_text("OPAQUE-DeriveKeyPair"), key);
    bool is_element = crypto_element_multiply(key, blinded, out_evaluated);
    mem_wipe(seed, sizeof seed);
    mem_wipe(key, sizeof key);
    return is_element;
}
