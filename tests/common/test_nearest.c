/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "common/nearest.h"
#include "tests/support/unit.h"

static const char *const words[] = { "listen", "tls_listen", "tls_cert", "slot", "log_level" };

static struct nearest look(const char *written)
{
    struct nearest nearest = { .best = NULL };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        nearest_try(&nearest, written, words[i]);
    }
    return nearest;
}

static void expect_best(const char *written, const char *best)
{
    struct nearest nearest = look(written);

    if (best == NULL) {
        assert_null(nearest.best);
    } else {
        assert_non_null(nearest.best);
        assert_string_equal(nearest.best, best);
    }
}

static void a_slip_of_each_kind_is_near(void **state)
{
    (void)state;
    expect_best("lsiten", "listen");  /* exchanged */
    expect_best("solt", "slot");      /* one slip, not two: a third of 4 letters is 1 */
    expect_best("lisen", "listen");   /* left out */
    expect_best("listeen", "listen"); /* added */
    expect_best("lixten", "listen");  /* changed */
    expect_best("LISTEN", "listen");  /* in capitals */
    expect_best("TLS-Cert", "tls_cert");
    expect_best("loglevel", "log_level");
    expect_best("lstn", NULL);
    expect_best("colour", NULL);
    expect_best("", NULL);
    expect_best("x", NULL);
}

static void the_nearest_of_several_is_best_and_the_first_of_equals(void **state)
{
    struct nearest nearest = { .best = NULL };

    (void)state;
    nearest_try(&nearest, "rate_acount", "rate_count_x");
    nearest_try(&nearest, "rate_acount", "rate_account");
    nearest_try(&nearest, "rate_acount", "rate_amount");
    assert_string_equal(nearest.best, "rate_account");
    assert_int_equal(nearest.distance, 1);
}

static void a_word_that_goes_on_is_a_start(void **state)
{
    (void)state;
    assert_string_equal(look("tls_certificate").start, "tls_cert");
    assert_string_equal(look("tls_").start, "tls_listen");
    assert_null(look("tls").start); /* too short to say */
    assert_null(look("tls_key").start);
}

static void words_that_are_too_long_are_like_none(void **state)
{
    char written[NEAREST_MAX_BYTES + 2];
    struct nearest nearest = { .best = NULL };

    (void)state;
    memset(written, 'x', sizeof written);
    written[NEAREST_MAX_BYTES + 1] = '\0';
    nearest_try(&nearest, written, written);
    nearest_try(&nearest, "name", written);
    assert_null(nearest.best);
    assert_null(nearest.start);
    written[NEAREST_MAX_BYTES] = '\0';
    nearest_try(&nearest, written, written);
    assert_ptr_equal(nearest.best, written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_of_each_kind_is_near),
        cmocka_unit_test(the_nearest_of_several_is_best_and_the_first_of_equals),
        cmocka_unit_test(a_word_that_goes_on_is_a_start),
        cmocka_unit_test(words_that_are_too_long_are_like_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
