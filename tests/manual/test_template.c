/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/manual/roff.h"
#include "server/manual/rows.h"
#include "server/manual/template.h"
#include "tests/support/unit.h"

static const struct template_words words = {
    .version = "1.2.3", .date = "2026-01-31", .config = "/etc/relay.conf", .shell = ROWS_BOURNE
};

static void expect_text(struct buf *out, const char *text)
{
    buf_append_u8(out, 0);
    assert_string_equal((const char *)out->at, text);
    buf_clear(out);
}

static void a_template_is_filled_in_and_what_is_no_word_stays(void **state)
{
    struct buf out = { 0 };

    (void)state;
    assert_true(
        template_fill(bytes_text("a@version@b @date@\n\"${x[@]}\" @config@"), &words, &out));
    expect_text(&out, "a1.2.3b 2026-01-31\n\"${x[@]}\" /etc/relay.conf\n");
}

static void a_line_that_no_table_makes_is_refused(void **state)
{
    struct buf out = { 0 };

    (void)state;
    assert_false(template_fill(bytes_text("one\n@nonsense@\ntwo\n"), &words, &out));
    expect_text(&out, "one\n@nonsense@");
}

static void prose_begins_no_request_and_keeps_its_letters(void **state)
{
    struct buf out = { 0 };

    (void)state;
    roff_append_prose(".conf is \"-x\\'. Then e.g. more", &out);
    expect_text(&out, "\\&.conf is \\(dq\\-x\\e\\(aq.\nThen e.g. more\n");
}

static void prose_breaks_between_words(void **state)
{
    struct buf out = { 0 };
    struct buf text = { 0 };
    size_t column = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        buf_append_text(&text, i == 0 ? "word" : " word");
    }
    buf_append_u8(&text, 0);
    roff_append_prose((const char *)text.at, &out);
    for (size_t i = 0; i < out.size; i++) {
        column = out.at[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 80);
    }
    buf_clear(&text);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_filled_in_and_what_is_no_word_stays),
        cmocka_unit_test(a_line_that_no_table_makes_is_refused),
        cmocka_unit_test(prose_begins_no_request_and_keeps_its_letters),
        cmocka_unit_test(prose_breaks_between_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
