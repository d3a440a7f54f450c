/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/random.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

/* Hold size bytes at got against the hex that a standard prints. */
static void expect_hex(const void *got, size_t size, const char *hex)
{
    uint8_t wanted[128];

    assert_in_range(size, 1, sizeof wanted);
    vectors_hex_exact(hex, wanted, size);
    assert_memory_equal(got, wanted, size);
}

static void start_accepts_this_libsodium(void **state)
{
    (void)state;
    assert_true(crypto_start());
    assert_true(crypto_start());
}

/* FIPS 180-4, and NIST's examples of it. */
static void sha256_of_the_parts_is_that_of_the_whole(void **state)
{
    const struct bytes parts[] = { bytes_text("a"), bytes_of(NULL, 0), bytes_text("bc") };
    uint8_t sum[CRYPTO_SHA256_BYTES];

    (void)state;
    crypto_sha256(parts, 3, sum);
    expect_hex(sum, sizeof sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(NULL, 0, sum);
    expect_hex(sum, sizeof sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* FIPS 180-4, and NIST's examples of it. */
static void the_longer_hashes_are_those_of_the_standard(void **state)
{
    const struct bytes parts[] = { bytes_text("a"), bytes_of(NULL, 0), bytes_text("bc") };
    uint8_t sum[CRYPTO_SHA512_BYTES];

    (void)state;
    crypto_sha384(parts, 3, sum);
    expect_hex(sum, CRYPTO_SHA384_BYTES,
               "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
               "8086072ba1e7cc2358baeca134c825a7");
    crypto_sha384(NULL, 0, sum);
    expect_hex(sum, CRYPTO_SHA384_BYTES,
               "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
               "274edebfe76f65fbd51ad2f14898b95b");
    crypto_sha512(parts, 3, sum);
    expect_hex(sum, CRYPTO_SHA512_BYTES,
               "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    crypto_sha512(NULL, 0, sum);
    expect_hex(sum, CRYPTO_SHA512_BYTES,
               "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
               "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
}

static void sha256_of_a_stream_is_that_of_the_whole(void **state)
{
    struct crypto_sha256 *hash = crypto_sha256_create();
    uint8_t sum[CRYPTO_SHA256_BYTES];
    uint8_t piece[1000];

    (void)state;
    memset(piece, 'a', sizeof piece);
    for (int i = 0; i < 1000; i++) {
        crypto_sha256_update(hash, bytes_of(piece, sizeof piece));
    }
    crypto_sha256_final(hash, sum);
    crypto_sha256_destroy(hash);
    expect_hex(sum, sizeof sum, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void sha256_of_a_stream_may_be_given_up(void **state)
{
    struct crypto_sha256 *hash = crypto_sha256_create();

    (void)state;
    crypto_sha256_update(hash, bytes_text("half an upload"));
    crypto_sha256_destroy(hash);
    crypto_sha256_destroy(NULL);
}

/* RFC 4231 test cases 1, 2 and 6, and the empty key, which the RFC does not have. */
static void hmac_is_that_of_the_standard(void **state)
{
    uint8_t key[131];
    uint8_t sum[CRYPTO_SHA256_BYTES];
    const struct bytes hi = bytes_text("Hi There");
    const struct bytes jefe[] = { bytes_text("what do ya want "), bytes_text("for nothing?") };
    const struct bytes large = bytes_text("Test Using Larger Than Block-Size Key - Hash Key First");

    (void)state;
    memset(key, 0x0b, sizeof key);
    crypto_hmac(bytes_of(key, 20), &hi, 1, sum);
    expect_hex(sum, sizeof sum, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    crypto_hmac(bytes_text("Jefe"), jefe, 2, sum);
    expect_hex(sum, sizeof sum, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    crypto_hmac(bytes_of(key, sizeof key), &large, 1, sum);
    expect_hex(sum, sizeof sum, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    crypto_hmac(bytes_of(NULL, 0), NULL, 0, sum);
    expect_hex(sum, sizeof sum, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 2202 section 3, cases 1 and 6. */
static void hmac_sha1_is_that_of_its_test_cases(void **state)
{
    uint8_t key[80];
    uint8_t sum[CRYPTO_SHA1_BYTES];

    (void)state;
    memset(key, 0x0b, sizeof key);
    crypto_hmac_sha1(bytes_of(key, 20), bytes_text("Hi There"), sum);
    expect_hex(sum, sizeof sum, "b617318655057264e28bc0b6fb378c8ef146be00");
    memset(key, 0xaa, sizeof key);
    crypto_hmac_sha1(bytes_of(key, sizeof key),
                     bytes_text("Test Using Larger Than Block-Size Key - Hash Key First"), sum);
    expect_hex(sum, sizeof sum, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

/* RFC 5869 test case 3; the others were made with Python's hmac. */
static void hkdf_is_that_of_the_standard(void **state)
{
    static const char info[] = "sealpost/seal-key/1\0queue.body";
    uint8_t secret[22];
    uint8_t key[8160];

    (void)state;
    memset(secret, 0x0b, sizeof secret);
    crypto_hkdf(bytes_of(secret, sizeof secret), bytes_of(NULL, 0), key, 42);
    expect_hex(key, 42,
               "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a"
               "96c8");
    crypto_hkdf(bytes_of(secret, sizeof secret), bytes_of(info, sizeof info - 1), key, 32);
    expect_hex(key, 32, "915223ec0d183ba51e5df54862e291374dd0dd83bf5594ae88294a5d4715fb4b");
    crypto_hkdf(bytes_of(secret, sizeof secret), bytes_of(NULL, 0), key, sizeof key);
    expect_hex(key + sizeof key - 8, 8, "47aae9cd77993ea6");
}

/* RFC 7693 with a digest of 16 bytes; made with Python's hashlib. */
static void tag_is_blake2b_of_the_parts(void **state)
{
    const struct bytes parts[] = { bytes_text("ab"), bytes_text("c") };
    uint8_t tag[CRYPTO_TAG_BYTES];

    (void)state;
    crypto_tag(parts, 2, tag);
    expect_hex(tag, sizeof tag, "cf4ab791c62b8d2b2109c90275287816");
    crypto_tag(NULL, 0, tag);
    expect_hex(tag, sizeof tag, "cae66941d9efbd404e4d88758ea67670");
}

/* The worked example of the SipHash paper, appendix A. */
static void siphash_is_that_of_its_paper(void **state)
{
    static const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES] = { 0, 1, 2,  3,  4,  5,  6,  7,
                                                           8, 9, 10, 11, 12, 13, 14, 15 };

    (void)state;
    assert_true(crypto_siphash(key, bytes_of(key, 15)) == UINT64_C(0xa129ca6149be45e5));
}

/* RFC 6455 section 1.3: b37a4f2c... is "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=". */
static void sha1_is_that_of_the_websocket_example(void **state)
{
    uint8_t sum[20];

    (void)state;
    crypto_sha1(bytes_text("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"), sum);
    expect_hex(sum, sizeof sum, "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
}

static void equal_looks_at_every_byte(void **state)
{
    uint8_t a[32];
    uint8_t b[32];

    (void)state;
    random_fill(a, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(crypto_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] ^= 1;
        assert_false(crypto_equal(a, b, sizeof a));
        b[i] ^= 1;
    }
    assert_true(crypto_equal(NULL, NULL, 0));
}

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct signing {
    const char *seed;
    const char *pub;
    const char *message;
    const char *signature;
} signings[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
      "b46bd25bf5f0595bbe24655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
      "1d8c387b2eaeb4302aeeb00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
      "c6594a7c15e9716ed28dc027beceea1ec40a" },
};

static void signatures_are_those_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signings / sizeof signings[0]; i++) {
        struct buf message = { .at = NULL };
        uint8_t seed[CRYPTO_SEED_BYTES];
        uint8_t pub[CRYPTO_PUBLIC_BYTES];
        uint8_t signature[CRYPTO_SIGNATURE_BYTES];

        vectors_hex_exact(signings[i].seed, seed, sizeof seed);
        vectors_hex(signings[i].message, &message);
        crypto_public_of(seed, pub);
        expect_hex(pub, sizeof pub, signings[i].pub);
        assert_true(crypto_point_is_valid(pub));
        crypto_make_signature(seed, buf_view(&message), signature);
        expect_hex(signature, sizeof signature, signings[i].signature);
        assert_true(crypto_verify(pub, buf_view(&message), signature));
        assert_true(crypto_strict_verify(pub, buf_view(&message), signature));
        buf_clear(&message);
    }
}

static void a_signature_holds_for_no_other_key_message_or_bit(void **state)
{
    uint8_t seed[CRYPTO_SEED_BYTES] = { 1 };
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    uint8_t other[CRYPTO_PUBLIC_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    const struct bytes message = bytes_text("a message");

    (void)state;
    crypto_public_of(seed, pub);
    crypto_make_signature(seed, message, signature);
    seed[0] = 2;
    crypto_public_of(seed, other);
    assert_false(crypto_verify(other, message, signature));
    assert_false(crypto_strict_verify(other, message, signature));
    assert_false(crypto_verify(pub, bytes_text("a messagf"), signature));
    assert_false(crypto_strict_verify(pub, bytes_text("a message."), signature));
    for (size_t i = 0; i < sizeof signature; i++) {
        for (int bit = 0; bit < 8; bit++) {
            signature[i] = (uint8_t)(signature[i] ^ 1 << bit);
            assert_false(crypto_verify(pub, message, signature));
            assert_false(crypto_strict_verify(pub, message, signature));
            signature[i] = (uint8_t)(signature[i] ^ 1 << bit);
        }
    }
    assert_true(crypto_strict_verify(pub, message, signature));
}

/*
 * Made by tests/vectors/ed25519.mjs: the key has a part of order 8 that falls out
 * of the plain equation, so only the point check refuses.
 */
static void strict_refuses_a_good_signature_of_a_mixed_key(void **state)
{
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    (void)state;
    vectors_hex_exact("801815e70ffa607a3956a51f94ba587a587e203b36255974040c54d591c90949", pub,
                      sizeof pub);
    vectors_hex_exact("edc876d6831fd2105d0b4389ca2e283166469289146e2ce06faefe98b22548df"
                      "f701ab43fb9cd2bb9c50b9f666ce18c65e821ee942e247ec1eaaaf39a893c400",
                      signature, sizeof signature);
    assert_false(crypto_strict_verify(pub, bytes_text("a message"), signature));
}

/* Small order, mixed order, not canonical, not on the curve; then the base point. */
static void only_canonical_points_of_prime_order_are_valid(void **state)
{
    static const char *const refused[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "9599999999999999999999999999999999999999999999999999999999999999",
        "9bad33f580df7ecc49df5342bac8145d5bedc40f573d1b067f3c4ce449689a15",
        "98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    uint8_t point[CRYPTO_PUBLIC_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        vectors_hex_exact(refused[i], point, sizeof point);
        assert_false(crypto_point_is_valid(point));
    }
    vectors_hex_exact("5866666666666666666666666666666666666666666666666666666666666666", point,
                      sizeof point);
    assert_true(crypto_point_is_valid(point));
}

static void a_sealed_box_opens_for_its_owner_alone(void **state)
{
    static const char plain[] = "for one device";
    uint8_t public[32];
    uint8_t secret[32];
    uint8_t other_public[32];
    uint8_t other_secret[32];
    uint8_t sealed[sizeof plain + CRYPTO_SEAL_BYTES];
    uint8_t opened[sizeof plain];

    (void)state;
    crypto_make_box_pair(public, secret);
    crypto_make_box_pair(other_public, other_secret);
    assert_true(crypto_seal_box(public, bytes_of(plain, sizeof plain), sealed));
    assert_true(crypto_open_box(public, secret, bytes_of(sealed, sizeof sealed), opened));
    assert_memory_equal(opened, plain, sizeof plain);
    assert_false(
        crypto_open_box(other_public, other_secret, bytes_of(sealed, sizeof sealed), opened));
    for (size_t size = 0; size < sizeof sealed; size++) {
        assert_false(crypto_open_box(public, secret, bytes_of(sealed, size), opened));
    }
    sealed[sizeof sealed - 1] ^= 1;
    assert_false(crypto_open_box(public, secret, bytes_of(sealed, sizeof sealed), opened));
}

static void two_sealed_boxes_of_one_text_differ(void **state)
{
    uint8_t public[32];
    uint8_t secret[32];
    uint8_t one[CRYPTO_SEAL_BYTES];
    uint8_t two[CRYPTO_SEAL_BYTES];

    (void)state;
    crypto_make_box_pair(public, secret);
    assert_true(crypto_seal_box(public, bytes_of(NULL, 0), one));
    assert_true(crypto_seal_box(public, bytes_of(NULL, 0), two));
    assert_memory_not_equal(one, two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_accepts_this_libsodium),
        cmocka_unit_test(sha256_of_the_parts_is_that_of_the_whole),
        cmocka_unit_test(the_longer_hashes_are_those_of_the_standard),
        cmocka_unit_test(sha256_of_a_stream_is_that_of_the_whole),
        cmocka_unit_test(sha256_of_a_stream_may_be_given_up),
        cmocka_unit_test(hmac_is_that_of_the_standard),
        cmocka_unit_test(hmac_sha1_is_that_of_its_test_cases),
        cmocka_unit_test(hkdf_is_that_of_the_standard),
        cmocka_unit_test(tag_is_blake2b_of_the_parts),
        cmocka_unit_test(siphash_is_that_of_its_paper),
        cmocka_unit_test(sha1_is_that_of_the_websocket_example),
        cmocka_unit_test(equal_looks_at_every_byte),
        cmocka_unit_test(signatures_are_those_of_the_standard),
        cmocka_unit_test(a_signature_holds_for_no_other_key_message_or_bit),
        cmocka_unit_test(strict_refuses_a_good_signature_of_a_mixed_key),
        cmocka_unit_test(only_canonical_points_of_prime_order_are_valid),
        cmocka_unit_test(a_sealed_box_opens_for_its_owner_alone),
        cmocka_unit_test(two_sealed_boxes_of_one_text_differ),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
