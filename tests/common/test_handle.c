/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "tests/support/unit.h"

static const struct account_id account = { .raw = { 0xaa, 0xbb } };

static bool reads(const char *text, const char *expected)
{
    struct handle handle = { .text = "untouched" };
    bool good = handle_read(bytes_text(text), &handle);

    assert_string_equal(handle.text, good ? expected : "untouched");
    return good;
}

static void a_handle_is_lowered_and_of_few_letters(void **state)
{
    (void)state;
    assert_true(reads("ada", "ada"));
    assert_true(reads("Ada.L_1-z", "ada.l_1-z"));
    assert_true(reads("..", ".."));
    assert_true(reads("abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345"));
    assert_false(reads("", ""));
    assert_false(reads("a", ""));
    assert_false(reads("abcdefghijklmnopqrstuvwxyz0123456", ""));
    assert_false(reads("a b", ""));
    assert_false(reads("a@b", ""));
    assert_false(reads("a`b", ""));
    assert_false(reads("a{b", ""));
    assert_false(reads("a[b", ""));
    assert_false(reads("\xc3\xa4rger", ""));
}

/* The signed bytes and what stands behind them. */
static void make(struct buf *out, const char *name, int64_t seq)
{
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct handle handle = { .text = "" };

    (void)snprintf(handle.text, sizeof handle.text, "%s", name);
    memset(signature, 0xcc, sizeof signature);
    buf_empty(out);
    handle_append_signed(out, &handle, seq, &account);
    buf_append_u32(out, 7);
    buf_append(out, bytes_of(signature, sizeof signature));
}

static void a_binding_has_the_documented_bytes(void **state)
{
    static const char begin[] = "sealpost/handle/1\0\x03"
                                "ada\0\0\0\0\0\0\x01\x02\xaa\xbb";
    struct buf input = { 0 };
    struct handle_binding binding;

    (void)state;
    make(&input, "ada", 258);
    assert_int_equal(input.size, 18 + 1 + 3 + 8 + 32 + 4 + 64);
    assert_memory_equal(input.at, begin, sizeof begin - 1);
    assert_true(handle_binding_read(buf_view(&input), &binding));
    assert_string_equal(binding.handle.text, "ada");
    assert_int_equal(binding.seq, 258);
    assert_memory_equal(binding.account_id.raw, account.raw, sizeof account.raw);
    assert_int_equal(binding.device_id, 7);
    assert_ptr_equal(binding.message.at, input.at);
    assert_int_equal(binding.message.size, input.size - 68);
    assert_int_equal(binding.signature[0], 0xcc);
    buf_clear(&input);
}

static void the_longest_binding_is_read(void **state)
{
    struct buf input = { 0 };
    struct handle_binding binding;

    (void)state;
    make(&input, "abcdefghijklmnopqrstuvwxyz012345", HANDLE_SEQ_MAX);
    assert_int_equal(input.size, HANDLE_BINDING_MAX_BYTES);
    assert_true(handle_binding_read(buf_view(&input), &binding));
    assert_int_equal(binding.seq, HANDLE_SEQ_MAX);
    buf_clear(&input);
}

static void what_is_not_exactly_a_binding_is_refused(void **state)
{
    struct buf input = { 0 };
    struct handle_binding binding;

    (void)state;
    make(&input, "ada", 0);
    for (size_t size = 0; size < input.size; size++) {
        assert_false(handle_binding_read(bytes_of(input.at, size), &binding));
    }
    buf_append_u8(&input, 0);
    assert_false(handle_binding_read(buf_view(&input), &binding));
    make(&input, "Ada", 0); /* signed as it is not looked up */
    assert_false(handle_binding_read(buf_view(&input), &binding));
    make(&input, "a", 0);
    assert_false(handle_binding_read(buf_view(&input), &binding));
    make(&input, "ada", HANDLE_SEQ_MAX + 1);
    assert_false(handle_binding_read(buf_view(&input), &binding));
    make(&input, "ada", 0);
    input.at[16] = '2'; /* of the label */
    assert_false(handle_binding_read(buf_view(&input), &binding));
    buf_clear(&input);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_is_lowered_and_of_few_letters),
        cmocka_unit_test(a_binding_has_the_documented_bytes),
        cmocka_unit_test(the_longest_binding_is_read),
        cmocka_unit_test(what_is_not_exactly_a_binding_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
