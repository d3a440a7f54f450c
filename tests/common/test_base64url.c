/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/random.h"
#include "tests/support/unit.h"

/* RFC 4648 section 10, without the padding. */
static const struct pair {
    const char *value;
    const char *text;
} pairs[] = {
    { "", "" },
    { "f", "Zg" },
    { "fo", "Zm8" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg" },
    { "fooba", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy" },
    { "\xfb\xff\xbf", "-_-_" }, /* where base64url differs from base64 */
};

static void known_values_have_known_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct buf text = { .at = NULL };
        struct buf value = { .at = NULL };

        base64url_encode(bytes_text(pairs[i].value), &text);
        assert_true(bytes_equal(buf_view(&text), bytes_text(pairs[i].text)));
        assert_true(base64url_decode(bytes_text(pairs[i].text), &value));
        assert_true(bytes_equal(buf_view(&value), bytes_text(pairs[i].value)));
        buf_clear(&text);
        buf_clear(&value);
    }
}

static void every_length_comes_back_as_it_was(void **state)
{
    uint8_t value[200];

    (void)state;
    random_fill(value, sizeof value);
    for (size_t size = 0; size <= sizeof value; size++) {
        struct buf text = { .at = NULL };
        struct buf back = { .at = NULL };
        uint8_t exact[sizeof value + 1];

        base64url_encode(bytes_of(value, size), &text);
        assert_true(base64url_decode(buf_view(&text), &back));
        assert_true(bytes_equal(buf_view(&back), bytes_of(value, size)));
        assert_int_equal(base64url_decoded_max(text.size), size);
        assert_true(base64url_decode_exact(buf_view(&text), exact, size));
        assert_memory_equal(exact, value, size);
        assert_false(base64url_decode_exact(buf_view(&text), exact, size + 1));
        buf_clear(&text);
        buf_clear(&back);
    }
}

static bool is_refused(struct bytes text)
{
    struct buf out = { .at = NULL };
    bool refused;

    buf_append_text(&out, "kept");
    refused = !base64url_decode(text, &out);
    if (refused) {
        assert_true(bytes_equal(buf_view(&out), bytes_text("kept")));
    }
    buf_clear(&out);
    return refused;
}

static void texts_that_are_not_strict_are_refused(void **state)
{
    static const char *const bad[] = {
        "A",
        "AAAAA",
        "Zg==",
        "Zg=",
        "=",
        "Zm9v\n",
        " Zm9v",
        "Zm 9v",
        "Zm9v Zm9v",
        "Zm9v==",
        "Zm9v.Zg",
        "+A",
        "/A",
        "+/+/",
        "A*",
        "Zm9v!",
        "****",
        "Z\xc3\xa4g",
        "\xff\xff\xff\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(is_refused(bytes_text(bad[i])));
    }
    assert_true(is_refused(bytes_of("AA\0", 3)));
    assert_true(is_refused(bytes_of("\0\0\0\0", 4)));
}

static void only_the_alphabet_is_taken(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        uint8_t text[4] = { 'A', (uint8_t)byte, 'A', 'A' };
        bool known = byte != 0 && strchr(alphabet, byte) != NULL;
        assert_int_equal(is_refused(bytes_of(text, sizeof text)), !known);
    }
}

static void unused_bits_must_be_zero(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    for (size_t digit = 0; digit < 64; digit++) {
        char two[] = { 'A', alphabet[digit] };
        char three[] = { 'A', 'A', alphabet[digit] };
        assert_int_equal(is_refused(bytes_of(two, sizeof two)), digit % 16 != 0);
        assert_int_equal(is_refused(bytes_of(three, sizeof three)), digit % 4 != 0);
    }
}

static void a_fault_at_any_place_is_seen(void **state)
{
    char text[44];

    (void)state;
    for (size_t at = 0; at < 43; at++) {
        memset(text, 'A', sizeof text);
        text[at] = '=';
        assert_true(is_refused(bytes_of(text, 43)));
    }
}

static void an_exact_decode_wants_the_exact_length(void **state)
{
    uint8_t out[4];

    (void)state;
    assert_true(base64url_decode_exact(bytes_text("Zm9v"), out, 3));
    assert_memory_equal(out, "foo", 3);
    assert_false(base64url_decode_exact(bytes_text("Zm9v"), out, 2));
    assert_false(base64url_decode_exact(bytes_text("Zm9v"), out, 4));
    assert_false(base64url_decode_exact(bytes_text("Zm8"), out, 3));
    assert_false(base64url_decode_exact(bytes_text("Zm9vA"), out, 3));
    assert_false(base64url_decode_exact(bytes_text(""), out, 3));
    assert_true(base64url_decode_exact(bytes_text(""), out, 0));
}

static void the_bound_holds_for_every_text(void **state)
{
    (void)state;
    for (size_t size = 0; size < 100; size++) {
        size_t bytes = size * 6 / 8;
        assert_int_equal(base64url_decoded_max(size), bytes);
    }
}

static void a_text_is_nul_terminated(void **state)
{
    char *text = base64url_text(bytes_text("foob"));
    char *none = base64url_text(bytes_of(NULL, 0));

    (void)state;
    assert_string_equal(text, "Zm9vYg");
    assert_string_equal(none, "");
    free(text);
    free(none);
}

static void encoding_appends(void **state)
{
    struct buf out = { .at = NULL };

    (void)state;
    buf_append_text(&out, "id=");
    base64url_encode(bytes_text("foo"), &out);
    base64url_encode(bytes_text("f"), &out);
    assert_true(bytes_equal(buf_view(&out), bytes_text("id=Zm9vZg")));
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values_have_known_texts),
        cmocka_unit_test(every_length_comes_back_as_it_was),
        cmocka_unit_test(texts_that_are_not_strict_are_refused),
        cmocka_unit_test(only_the_alphabet_is_taken),
        cmocka_unit_test(unused_bits_must_be_zero),
        cmocka_unit_test(a_fault_at_any_place_is_seen),
        cmocka_unit_test(an_exact_decode_wants_the_exact_length),
        cmocka_unit_test(the_bound_holds_for_every_text),
        cmocka_unit_test(a_text_is_nul_terminated),
        cmocka_unit_test(encoding_appends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
