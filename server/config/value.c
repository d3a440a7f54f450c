/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/utf8.h"
#include "server/config/fault.h"
#include "server/config/options.h"

enum {
    TEXT_MAX_BYTES = 4096,
    DIGITS_MAX = 18
};

struct suffix {
    char letter;
    int64_t factor;
};

/* From the largest; a letter of 0 ends a list. */
static const struct suffix byte_suffixes[] = {
    { 'G', 1 << 30 }, { 'M', 1 << 20 }, { 'K', 1 << 10 }, { 0, 0 }
};
static const struct suffix second_suffixes[] = {
    { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 }, { 0, 0 }
};
static const struct suffix day_suffixes[] = { { 'd', 1 }, { 0, 0 } };
static const struct suffix no_suffixes[] = { { 0, 0 } };

static const struct suffix *suffixes_of(const struct options_entry *option)
{
    if (strcmp(option->unit, "bytes") == 0) {
        return byte_suffixes;
    }
    if (strcmp(option->unit, "seconds") == 0) {
        return second_suffixes;
    }
    return strcmp(option->unit, "days") == 0 ? day_suffixes : no_suffixes;
}

/* Digits and at most one letter; the digits are too few to overflow. */
static bool read_number(const struct options_entry *option, const char *text, int64_t *out_value)
{
    int64_t number = 0;
    int64_t factor = 1;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (text[i] - '0');
    }
    if (text[digits] != '\0') {
        const struct suffix *suffix = suffixes_of(option);
        while (suffix->letter != 0 && suffix->letter != text[digits]) {
            suffix++;
        }
        if (suffix->letter == 0 || text[digits + 1] != '\0') {
            return false;
        }
        factor = suffix->factor;
    }
    if (number > option->max / factor || number * factor < option->min) {
        return false;
    }
    *out_value = number * factor;
    return true;
}

static bool read_flag(const char *text, int64_t *out_value)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out_value = (int64_t)(i % 2);
            return true;
        }
    }
    return false;
}

/* Step through "a|b|c": view the next choice, and move *at behind it. */
static bool next_choice(const char **at, struct bytes *out_choice)
{
    size_t size = strcspn(*at, "|");

    *out_choice = bytes_of(*at, size);
    *at += size + ((*at)[size] == '|' ? 1 : 0);
    return size > 0;
}

static bool read_choice(const char *choices, const char *text, int64_t *out_value)
{
    struct bytes choice;

    for (int64_t index = 0; next_choice(&choices, &choice); index++) {
        if (bytes_equal(choice, bytes_text(text))) {
            *out_value = index;
            return true;
        }
    }
    return false;
}

static bool read_any(const struct options_entry *option, const char *text, int64_t *out_value)
{
    switch (option->kind) {
    case OPTIONS_INT:
        return read_number(option, text, out_value);
    case OPTIONS_FLAG:
        return read_flag(text, out_value);
    case OPTIONS_CHOICE:
        return read_choice(option->choices, text, out_value);
    case OPTIONS_TEXT:
        break;
    }
    return false;
}

bool value_read(const struct options_entry *option, const char *text, const char *origin,
                const struct fault *fault, int64_t *out_value)
{
    struct buf kind = { 0 };

    if (read_any(option, text, out_value)) {
        return true;
    }
    value_print_kind(option, &kind);
    (void)fault_say(fault, "%s: %s must be %.*s, not \"%.60s\"", origin, option->name,
                    (int)kind.size, (const char *)kind.at, text);
    buf_clear(&kind);
    return false;
}

bool value_text_is_fit(const struct options_entry *option, const char *text, const char *origin,
                       const struct fault *fault)
{
    if (strlen(text) > TEXT_MAX_BYTES) {
        return fault_say(fault, "%s: %s is longer than %d bytes; shorten it", origin, option->name,
                         TEXT_MAX_BYTES);
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (iscntrl((unsigned char)*at) != 0) {
            return fault_say(fault, "%s: %s has a control character; take it out", origin,
                             option->name);
        }
    }
    if (!utf8_is_valid(bytes_text(text))) {
        return fault_say(fault, "%s: %s is not UTF-8; save it in that encoding", origin,
                         option->name);
    }
    return true;
}

static void print_number(const struct options_entry *option, int64_t value, struct buf *out)
{
    const struct suffix *suffix = suffixes_of(option);

    while (suffix->letter != 0 && (value % suffix->factor != 0 || value == 0) &&
           suffix->factor != 1) {
        suffix++;
    }
    if (suffix->letter == 0 || suffix == day_suffixes) {
        buf_append_format(out, "%" PRId64, value);
    } else {
        buf_append_format(out, "%" PRId64 "%c", value / suffix->factor, suffix->letter);
    }
}

static void print_choice(const char *choices, int64_t value, struct buf *out)
{
    struct bytes choice;

    for (int64_t index = 0; next_choice(&choices, &choice); index++) {
        if (index == value) {
            buf_append(out, choice);
        }
    }
}

void value_print(const struct options_entry *option, int64_t value, struct buf *out)
{
    switch (option->kind) {
    case OPTIONS_INT:
        print_number(option, value, out);
        break;
    case OPTIONS_FLAG:
        buf_append_text(out, value != 0 ? "yes" : "no");
        break;
    case OPTIONS_CHOICE:
        print_choice(option->choices, value, out);
        break;
    case OPTIONS_TEXT:
        break;
    }
}

void value_print_text(const char *text, struct buf *out)
{
    buf_append_u8(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\' || *at == '$') {
            buf_append_u8(out, '\\'); /* "${" would be read as a variable */
        }
        buf_append(out, bytes_of(at, 1));
    }
    buf_append_u8(out, '"');
}

static void print_number_kind(const struct options_entry *option, struct buf *out)
{
    const struct suffix *suffixes = suffixes_of(option);

    if (suffixes == byte_suffixes) {
        buf_append_text(out, "a size (a number, with K, M or G behind it if you like) from ");
    } else if (suffixes == second_suffixes) {
        buf_append_text(out, "a time (a number with s, m, h or d behind it) from ");
    } else if (suffixes == day_suffixes) {
        buf_append_text(out, "a number of days from ");
    } else {
        buf_append_text(out, "a number from ");
    }
    print_number(option, option->min, out);
    buf_append_text(out, " to ");
    print_number(option, option->max, out);
}

static void print_choice_kind(const char *choices, struct buf *out)
{
    struct bytes choice;
    const char *glue = "";

    while (next_choice(&choices, &choice)) {
        buf_append_text(out, glue);
        buf_append(out, choice);
        glue = strchr(choices, '|') != NULL ? ", " : " or ";
    }
}

void value_print_kind(const struct options_entry *option, struct buf *out)
{
    switch (option->kind) {
    case OPTIONS_INT:
        print_number_kind(option, out);
        break;
    case OPTIONS_FLAG:
        buf_append_text(out, "yes or no");
        break;
    case OPTIONS_CHOICE:
        print_choice_kind(option->choices, out);
        break;
    case OPTIONS_TEXT:
        buf_append_text(out, "a text");
        break;
    }
}
