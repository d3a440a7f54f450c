/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/totp.h"
#include "tests/support/unit.h"

#define NOW_MS INT64_C(1790000000000)
#define ALIKE_STEP INT64_C(910737) /* its code is that of the next one, too */

enum {
    UNTOUCHED = 7,
    SECRETS = 50,
};

/* That of both RFCs. */
static const uint8_t secret[TOTP_SECRET_BYTES] = "12345678901234567890";

/* RFC 4226 appendix D. */
static void codes_are_those_of_rfc_4226(void **state)
{
    static const uint32_t codes[] = { 755224, 287082, 359152, 969429, 338314,
                                      254676, 287922, 162583, 399871, 520489 };

    (void)state;
    for (size_t step = 0; step < sizeof codes / sizeof codes[0]; step++) {
        assert_int_equal(totp_code(secret, (int64_t)step), codes[step]);
    }
}

/* RFC 6238 appendix B has eight digits; these are the last six. */
static void times_are_those_of_rfc_6238(void **state)
{
    static const struct {
        int64_t s;
        uint32_t code;
    } times[] = {
        { 59, 287082 },       { 1111111109, 81804 },  { 1111111111, 50471 },
        { 1234567890, 5924 }, { 2000000000, 279037 }, { 20000000000, 353130 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t step = UNTOUCHED;

        assert_true(totp_check(secret, times[i].code, times[i].s * 1000, TOTP_NO_STEP, &step));
        assert_int_equal(step, times[i].s / 30);
    }
}

static void a_secret_is_written_as_apps_read_it(void **state)
{
    char text[TOTP_SECRET_CHARS + 1];
    uint8_t ones[TOTP_SECRET_BYTES];

    (void)state;
    totp_secret_write(secret, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    memset(ones, 0xff, sizeof ones);
    totp_secret_write(ones, text);
    assert_string_equal(text, "77777777777777777777777777777777");
    memset(ones, 0, sizeof ones);
    ones[0] = 0x04; /* 00000100: the second letter has its highest bit from here */
    totp_secret_write(ones, text);
    assert_string_equal(text, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

static void no_two_secrets_are_alike(void **state)
{
    uint8_t made[SECRETS][TOTP_SECRET_BYTES];

    (void)state;
    for (size_t i = 0; i < SECRETS; i++) {
        totp_secret_make(made[i]);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(made[i], made[k], TOTP_SECRET_BYTES);
        }
    }
}

static bool reads(const char *typed, uint32_t expected)
{
    uint32_t code = UNTOUCHED;
    bool good = totp_code_read(bytes_text(typed), &code);

    assert_int_equal(code, good ? expected : UNTOUCHED);
    return good;
}

static void a_code_is_six_digits(void **state)
{
    (void)state;
    assert_true(reads("123456", 123456));
    assert_true(reads("000000", 0));
    assert_true(reads("999999", 999999));
    assert_true(reads("012 345", 12345));
    assert_false(reads("", 0));
    assert_false(reads("12345", 0));
    assert_false(reads("1234567", 0));
    assert_false(reads("12 3456", 0));
    assert_false(reads("123 45", 0));
    assert_false(reads("123  456", 0));
    assert_false(reads(" 123456", 0));
    assert_false(reads("123456 ", 0));
    assert_false(reads("12345a", 0));
    assert_false(reads("-12345", 0));
    assert_false(reads("\xd9\xa1\xd9\xa2\xd9\xa3", 0)); /* digits of another script */
}

static bool is_taken(int64_t step, int64_t now_ms, int64_t last_step)
{
    int64_t taken = UNTOUCHED;
    bool good = totp_check(secret, totp_code(secret, step), now_ms, last_step, &taken);

    assert_int_equal(taken, good ? step : UNTOUCHED);
    return good;
}

static void the_step_and_those_beside_it_are_taken(void **state)
{
    int64_t now = NOW_MS / TOTP_STEP_MS;
    int64_t first_ms = now * TOTP_STEP_MS;

    (void)state;
    for (int64_t ms = first_ms; ms < first_ms + TOTP_STEP_MS; ms += TOTP_STEP_MS - 1) {
        assert_false(is_taken(now - 2, ms, TOTP_NO_STEP));
        assert_true(is_taken(now - 1, ms, TOTP_NO_STEP));
        assert_true(is_taken(now, ms, TOTP_NO_STEP));
        assert_true(is_taken(now + 1, ms, TOTP_NO_STEP));
        assert_false(is_taken(now + 2, ms, TOTP_NO_STEP));
    }
}

static void a_step_is_taken_once_and_none_before_it(void **state)
{
    int64_t now = NOW_MS / TOTP_STEP_MS;

    (void)state;
    assert_false(is_taken(now, NOW_MS, now));
    assert_false(is_taken(now - 1, NOW_MS, now));
    assert_true(is_taken(now + 1, NOW_MS, now));
    assert_true(is_taken(now, NOW_MS, now - 1));
    assert_false(is_taken(now + 1, NOW_MS, now + 1));
    assert_false(is_taken(now + 1, NOW_MS, INT64_MAX));
}

static void another_code_or_secret_is_refused(void **state)
{
    static const uint8_t other[TOTP_SECRET_BYTES] = "12345678901234567891";
    int64_t now = NOW_MS / TOTP_STEP_MS;
    uint32_t right = totp_code(secret, now);
    int64_t step = UNTOUCHED;

    (void)state;
    assert_false(totp_check(other, right, NOW_MS, TOTP_NO_STEP, &step));
    assert_false(totp_check(secret, right ^ 1, NOW_MS, TOTP_NO_STEP, &step));
    assert_false(totp_check(secret, right + TOTP_CODE_BELOW, NOW_MS, TOTP_NO_STEP, &step));
    assert_int_equal(step, UNTOUCHED);
}

/* A code that two neighbours have is used up in both: one of a million neighbours of this secret. */
static void a_code_of_two_steps_is_taken_once(void **state)
{
    int64_t taken = TOTP_NO_STEP;
    uint32_t code = totp_code(secret, ALIKE_STEP);

    (void)state;
    assert_int_equal(code, totp_code(secret, ALIKE_STEP + 1));
    assert_true(totp_check(secret, code, ALIKE_STEP * TOTP_STEP_MS, TOTP_NO_STEP, &taken));
    assert_int_equal(taken, ALIKE_STEP + 1);
    assert_false(totp_check(secret, code, (ALIKE_STEP + 1) * TOTP_STEP_MS, taken, &taken));
}

static void time_begins_in_1970(void **state)
{
    (void)state;
    assert_true(is_taken(0, 0, TOTP_NO_STEP));
    assert_true(is_taken(1, 0, TOTP_NO_STEP));
    assert_false(is_taken(0, 0, 0));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_rfc_4226),
        cmocka_unit_test(times_are_those_of_rfc_6238),
        cmocka_unit_test(a_secret_is_written_as_apps_read_it),
        cmocka_unit_test(no_two_secrets_are_alike),
        cmocka_unit_test(a_code_is_six_digits),
        cmocka_unit_test(the_step_and_those_beside_it_are_taken),
        cmocka_unit_test(a_step_is_taken_once_and_none_before_it),
        cmocka_unit_test(another_code_or_secret_is_refused),
        cmocka_unit_test(a_code_of_two_steps_is_taken_once),
        cmocka_unit_test(time_begins_in_1970),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
