/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/config/mistakes.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "server/config/options.h"

enum {
    LONG_BYTES = 4097
};

const char *mistake_good_value(const struct options_entry *option)
{
    switch (option->kind) {
    case OPTIONS_INT:
        return "1";
    case OPTIONS_FLAG:
        return "yes";
    case OPTIONS_CHOICE:
    case OPTIONS_TEXT:
        break;
    }
    return "text";
}

static bool letter_left_out(const struct options_entry *option, struct buf *out)
{
    if (strlen(option->name) < 6) {
        return false;
    }
    buf_append_format(out, "%c%s = %s", option->name[0], option->name + 2,
                      mistake_good_value(option));
    return true;
}

static bool letters_exchanged(const struct options_entry *option, struct buf *out)
{
    if (option->name[1] == option->name[2]) {
        return false;
    }
    buf_append_format(out, "%c%c%c%s = %s", option->name[0], option->name[2], option->name[1],
                      option->name + 3, mistake_good_value(option));
    return true;
}

static bool in_capitals(const struct options_entry *option, struct buf *out)
{
    for (const char *at = option->name; *at != '\0'; at++) {
        buf_append_u8(out, (uint8_t)toupper((unsigned char)*at));
    }
    buf_append_format(out, " = %s", mistake_good_value(option));
    return true;
}

static bool with_hyphens(const struct options_entry *option, struct buf *out)
{
    for (const char *at = option->name; *at != '\0'; at++) {
        buf_append_u8(out, *at == '_' ? '-' : (uint8_t)*at);
    }
    buf_append_format(out, " = %s", mistake_good_value(option));
    return strchr(option->name, '_') != NULL;
}

static bool with_more_behind(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s_of_the_relay = x", option->name);
    return strlen(option->name) >= 4;
}

static bool of_another_program(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "zq%zuxw = %s", option->offset, mistake_good_value(option));
    return true;
}

static bool no_equals(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s %s", option->name, mistake_good_value(option));
    return true;
}

static bool colon_for_equals(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s: %s", option->name, mistake_good_value(option));
    return true;
}

static bool no_value(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = # nothing yet", option->name);
    return true;
}

static bool open_double_quote(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"%s", option->name, mistake_good_value(option));
    return true;
}

static bool open_single_quote(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = '%s", option->name, mistake_good_value(option));
    return true;
}

static bool two_values(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"%s\" \"more\"", option->name, mistake_good_value(option));
    return true;
}

static bool bare_list(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = %s, %s", option->name, mistake_good_value(option),
                      mistake_good_value(option));
    return true;
}

static bool appended(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s += \"%s\"", option->name, mistake_good_value(option));
    return true;
}

static bool bad_escape(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"C:\\999\"", option->name);
    return true;
}

static bool a_section(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "[%s]", option->name);
    return true;
}

static bool control_character(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"a\x1b[0mb\"", option->name);
    return true;
}

static bool nul_byte(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"a", option->name);
    buf_append_u8(out, 0);
    buf_append_text(out, "b\"");
    return true;
}

static bool not_utf8(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"caf\xe9\"", option->name);
    return option->kind == OPTIONS_TEXT;
}

static bool too_long(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"%0*d\"", option->name, LONG_BYTES, 0);
    return option->kind == OPTIONS_TEXT;
}

static bool a_word_for_a_value(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = \"plenty\"", option->name);
    return option->kind != OPTIONS_TEXT;
}

static bool too_small(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = %" PRId64, option->name, option->min - 1);
    return option->kind == OPTIONS_INT;
}

static bool too_large(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = %" PRId64, option->name, option->max + 1);
    return option->kind == OPTIONS_INT;
}

static bool bad_unit(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = 10q", option->name);
    return option->kind == OPTIONS_INT;
}

static bool a_fraction(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = 1.5", option->name);
    return option->kind == OPTIONS_INT;
}

static bool open_comment(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "/* %s = %s", option->name, mistake_good_value(option));
    return true;
}

static bool open_comment_behind(const struct options_entry *option, struct buf *out)
{
    buf_append_format(out, "%s = '%s' /* as", option->name, mistake_good_value(option));
    return true;
}

const struct mistake_kind mistake_kinds[] = {
    { "a letter left out", letter_left_out, "did you mean " },
    { "letters exchanged", letters_exchanged, "did you mean " },
    { "in capitals", in_capitals, "did you mean " },
    { "with hyphens", with_hyphens, "did you mean " },
    { "a name that goes on", with_more_behind, "did you mean " },
    { "an option of another program", of_another_program, "--print-config names all" },
    { "no =", no_equals, "there is no = between name and value; write one option a line" },
    { "a colon", colon_for_equals, "there is no = between name and value" },
    { "no value", no_value, "for an empty one write \"\"" },
    { "an open quote", open_double_quote, "close it on the same line" },
    { "an open single quote", open_single_quote, "close it on the same line" },
    { "two values", two_values, "something behind the closing quote; take it out" },
    { "a bare list", bare_list, "into double quotes" },
    { "+=", appended, "write = and the whole value" },
    { "a bad escape", bad_escape, "write two for one" },
    { "an open comment", open_comment, "must be closed on its line" },
    { "an open comment behind", open_comment_behind, "must be closed on its line" },
    { "a section", a_section, "there are no sections; leave this line out" },
    { "a control character", control_character, "take it out" },
    { "a NUL", nul_byte, "save it as UTF-8" },
    { "bad UTF-8", not_utf8, "is not UTF-8; save it in that encoding" },
    { "too long", too_long, "is longer than 4096 bytes; shorten it" },
    { "a word for a value", a_word_for_a_value, " must be " },
    { "too small", too_small, " must be a " },
    { "too large", too_large, " must be a " },
    { "a bad unit", bad_unit, " must be a " },
    { "a fraction", a_fraction, " must be a " },
};

const size_t mistake_kind_count = sizeof mistake_kinds / sizeof mistake_kinds[0];
