/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for trying out: read back by the library that reads them in the daemon. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "common/buf.h"
#include "common/crypto_certificate.h"
#include "tests/support/unit.h"

enum {
    BEGINS_S = 1700000000,
    EXPIRES_S = 1800000000
};

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

static struct pair make(const char *host)
{
    const struct crypto_certificate wish = { .host = host,
                                             .begins_s = BEGINS_S,
                                             .expires_s = EXPIRES_S };
    struct buf cert = { 0 };
    struct buf key = { 0 };
    struct pair pair;

    assert_true(crypto_certificate_make(&wish, &cert, &key));
    BIO *cert_text = BIO_new_mem_buf(cert.at, (int)cert.size);
    BIO *key_text = BIO_new_mem_buf(key.at, (int)key.size);
    pair.cert = PEM_read_bio_X509(cert_text, NULL, NULL, NULL);
    pair.key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
    assert_non_null(pair.cert);
    assert_non_null(pair.key);
    BIO_free(cert_text);
    BIO_free(key_text);
    buf_clear(&cert);
    buf_clear(&key);
    return pair;
}

static void clear(struct pair *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
}

static void key_and_certificate_belong_together(void **state)
{
    struct pair pair = make("relay.example");
    struct pair other = make("relay.example");

    (void)state;
    assert_int_equal(X509_check_private_key(pair.cert, pair.key), 1);
    assert_int_equal(X509_verify(pair.cert, pair.key), 1);
    assert_int_equal(X509_check_private_key(pair.cert, other.key), 0);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(pair.cert), X509_get0_serialNumber(other.cert)), 0);
    clear(&pair);
    clear(&other);
}

static void it_is_for_the_host_and_this_machine(void **state)
{
    struct pair named = make("relay.example");
    struct pair numbered = make("192.0.2.7");

    (void)state;
    assert_int_equal(X509_check_host(named.cert, "relay.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(named.cert, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(named.cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(named.cert, "::1", 0), 1);
    assert_int_equal(X509_check_host(named.cert, "example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(numbered.cert, "192.0.2.7", 0), 1);
    assert_int_equal(X509_check_ip_asc(numbered.cert, "192.0.2.8", 0), 0);
    clear(&named);
    clear(&numbered);
}

static void it_lives_as_long_as_was_wished(void **state)
{
    struct pair pair = make("relay.example");
    time_t begins = BEGINS_S;
    time_t expires = EXPIRES_S;

    (void)state;
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(pair.cert), begins), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(pair.cert), expires), 0);
    clear(&pair);
}

static void expect_refused(const char *host)
{
    const struct crypto_certificate wish = { .host = host, .expires_s = EXPIRES_S };
    struct buf cert = { 0 };
    struct buf key = { 0 };

    if (crypto_certificate_make(&wish, &cert, &key)) {
        fail_msg("\"%s\" was taken", host);
    }
    assert_int_equal(cert.size + key.size, 0);
}

static void what_is_no_host_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "a b",
        "a,DNS:b",
        "*.example",
        "[::1]",
        "relay.example:443",
        "\xc3\xbc.example",
        "a234567890b234567890c234567890d234567890e234567890f234567890.toolong"
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_refused(wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_and_certificate_belong_together),
        cmocka_unit_test(it_is_for_the_host_and_this_machine),
        cmocka_unit_test(it_lives_as_long_as_was_wished),
        cmocka_unit_test(what_is_no_host_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
