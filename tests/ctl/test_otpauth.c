/* SPDX-License-Identifier: Apache-2.0 */
/* The URIs that apps scan.  That an app by others counts the same codes is tests/e2e/device_factors.test.mjs. */
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/ctl/otpauth.h"
#include "tests/support/unit.h"

static const char secret[] = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

static void expect_uri(const char *issuer, const char *account, const char *wanted)
{
    const struct otpauth parts = { bytes_text(issuer), bytes_text(account), bytes_text(secret) };
    struct buf uri = { 0 };

    assert_true(otpauth_write(&parts, &uri));
    assert_int_equal(uri.size, strlen(wanted));
    assert_memory_equal(uri.at, wanted, uri.size);
    buf_clear(&uri);
}

static void expect_refused(struct bytes issuer, struct bytes account, struct bytes of_secret)
{
    const struct otpauth parts = { issuer, account, of_secret };
    struct buf uri = { 0 };

    assert_false(otpauth_write(&parts, &uri));
    assert_int_equal(uri.size, 0);
    buf_clear(&uri);
}

static void a_uri_has_the_parameters_that_every_app_has(void **state)
{
    (void)state;
    expect_uri("relay.example", "phone",
               "otpauth://totp/relay.example:phone?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
               "&issuer=relay.example&algorithm=SHA1&digits=6&period=30");
}

static void whatever_is_not_unreserved_is_encoded(void **state)
{
    (void)state;
    expect_uri("a b&c=d", "\xc3\xa9 ~_-.?/#%+@",
               "otpauth://totp/a%20b%26c%3Dd:%C3%A9%20~_-.%3F%2F%23%25%2B%40"
               "?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=a%20b%26c%3Dd"
               "&algorithm=SHA1&digits=6&period=30");
}

static void a_name_that_could_be_taken_apart_is_refused(void **state)
{
    static const char *const names[] = { "",      "a:b",           ":",    "a\nb",
                                         "a\x7f", "a\xc2\x9b[31m", "\xff", "\xc3" };
    const struct bytes good = bytes_text("good");

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_refused(bytes_text(names[i]), good, bytes_text(secret));
        expect_refused(good, bytes_text(names[i]), bytes_text(secret));
    }
    expect_refused(bytes_of("a\0b", 3), good, bytes_text(secret));
}

static void names_have_limits(void **state)
{
    char longest[OTPAUTH_ISSUER_MAX + 1];
    const struct bytes good = bytes_text("good");
    struct otpauth parts = { .secret = bytes_text(secret) };
    struct buf uri = { 0 };

    (void)state;
    memset(longest, '%', sizeof longest);
    parts.issuer = bytes_of(longest, OTPAUTH_ISSUER_MAX);
    parts.account = bytes_of(longest, OTPAUTH_ACCOUNT_MAX);
    assert_true(otpauth_write(&parts, &uri));
    assert_true(uri.size <= OTPAUTH_URI_MAX);
    buf_clear(&uri);
    expect_refused(bytes_of(longest, OTPAUTH_ISSUER_MAX + 1), good, bytes_text(secret));
    expect_refused(good, bytes_of(longest, OTPAUTH_ACCOUNT_MAX + 1), bytes_text(secret));
}

static void only_a_secret_of_base32_is_written(void **state)
{
    const struct bytes good = bytes_text("good");
    static const char *const secrets[] = { "", "JBSWY3DP", "jbswy3dpehpk3pxpjbswy3dpehpk3pxp",
                                           "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX1",
                                           "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPA" };

    (void)state;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        expect_refused(good, good, bytes_text(secrets[i]));
    }
}

static void the_issuer_is_the_host_of_the_relay(void **state)
{
    static const struct {
        const char *url;
        const char *issuer;
    } rows[] = { { "https://relay.example", "relay.example" },
                 { "https://relay.example/chat", "relay.example" },
                 { "http://127.0.0.1:8787", "127.0.0.1" },
                 { "https://[::1]:8787", "Sealpost" },
                 { "https://[2001:db8::1]", "Sealpost" } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(bytes_equal(otpauth_issuer(rows[i].url), bytes_text(rows[i].issuer)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uri_has_the_parameters_that_every_app_has),
        cmocka_unit_test(whatever_is_not_unreserved_is_encoded),
        cmocka_unit_test(a_name_that_could_be_taken_apart_is_refused),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(only_a_secret_of_base32_is_written),
        cmocka_unit_test(the_issuer_is_the_host_of_the_relay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
