/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfuse's own words speak of tokens and of the end of a file that has not ended, and
 * repeat what it met, which may be a part of a password.
 */
#include "server/config/conf_line.h"

#include <stddef.h>
#include <string.h>

static const char blanks[] = " \t";
static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

static const char open_comment[] =
    "a comment that /* opens must be closed on its line; begin each of its lines with #";

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, blanks);
}

/* Say whether nothing that counts comes from here on. */
static bool is_over(const char *at)
{
    at = skip_blanks(at);
    return at[0] == '\0' || at[0] == '#' || begins_with(at, "//");
}

/* The closing quote of the value that begins with one; NULL: there is none. */
static const char *closing(const char *value)
{
    for (const char *at = value + 1; *at != '\0'; at++) {
        if (*at == value[0]) {
            return at;
        }
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
    }
    return NULL;
}

bool conf_line_has_mark(const char *line)
{
    return begins_with(line, "\xef\xbb\xbf");
}

/* The end of the word, value or comment at at; NULL for a comment that stays open. */
static const char *skip_piece(const char *at)
{
    const char *end = NULL;

    if (begins_with(at, "/*")) {
        end = strstr(at + 2, "*/");
        return end == NULL ? NULL : end + 2;
    }
    if (at[0] == '"' || at[0] == '\'') {
        end = closing(at);
        return end == NULL ? at + strlen(at) : end + 1;
    }
    return at[0] == '=' ? at + 1 : at + strcspn(at, " \t=\"'");
}

bool conf_line_leaves_comment(const char *line)
{
    const char *at = line;

    while (at != NULL && !is_over(at)) {
        at = skip_piece(skip_blanks(at));
    }
    return at == NULL;
}

static const char *start_fault(const char *line)
{
    if (conf_line_has_mark(line)) {
        return "it begins with a byte order mark; save the file as UTF-8 without one";
    }
    if (line[0] == '[' || line[0] == '{' || line[0] == '}') {
        return "there are no sections; leave this line out";
    }
    if (line[0] == ';') {
        return "a comment begins with #";
    }
    return "a line begins with the name of an option, or with # for a comment";
}

static const char *quoted_fault(const char *value)
{
    const char *end = closing(value);

    if (end == NULL) {
        return "the quote is not closed; close it on the same line";
    }
    if (is_over(end + 1)) {
        return "a backslash has a meaning in quotes; write two for one";
    }
    return "there is something behind the closing quote; take it out, or write \\\" for a quote "
           "inside";
}

static const char *value_fault(const char *value)
{
    if (is_over(value)) {
        return "there is no value behind the =; for an empty one write \"\"";
    }
    if (value[0] == '=') {
        return "there is one = too many";
    }
    if (value[0] == '"' || value[0] == '\'') {
        return quoted_fault(value);
    }
    return "put a value with blanks, commas, brackets or quotes into double quotes";
}

const char *conf_line_fault(const char *line)
{
    const char *at = skip_blanks(line);
    size_t name = strspn(at, name_letters);

    if (conf_line_leaves_comment(line)) {
        return open_comment;
    }
    if (name == 0) {
        return start_fault(at);
    }
    at = skip_blanks(at + name);
    if (begins_with(at, "+=")) {
        return "there are no lists to add to; write = and the whole value";
    }
    if (at[0] != '=') {
        return "there is no = between name and value";
    }
    return value_fault(skip_blanks(at + 1));
}
