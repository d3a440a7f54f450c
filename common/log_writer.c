/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value is written unit by unit: a character, or an escape that stands for one.
 * A unit is written whole or not at all, and some room is kept for the closing
 * quote and the mark that the line was cut, so a cut line is still well-formed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/log_private.h"
#include "common/utf8.h"

/* Room for the longest end: a quote, a comma, the mark, a brace and the newline. */
enum {
    LOG_END_BYTES = 20
};

/* Whole numbers up to this length are exact in every reader of JSON. */
enum {
    LOG_NUMBER_CHARACTERS = 15
};

/* What is more of a key is left out. */
enum {
    LOG_KEY_BYTES = 64
};

static bool log_fits(const struct log_writer *writer, size_t size)
{
    return !writer->cut && writer->size + size <= sizeof writer->line - LOG_END_BYTES;
}

static void log_put(struct log_writer *writer, const char *text, size_t size)
{
    if (!log_fits(writer, size)) {
        writer->cut = true;
        return;
    }
    memcpy(writer->line + writer->size, text, size);
    writer->size += size;
}

/* Add what belongs to the end, from the room that is kept for it. */
static void log_put_end(struct log_writer *writer, const char *text)
{
    size_t size = strlen(text);

    memcpy(writer->line + writer->size, text, size);
    writer->size += size;
}

static bool log_is_control(struct bytes character)
{
    return character.at[0] < 0x20 || character.at[0] == 0x7f ||
           (character.size == 2 && character.at[0] == 0xc2 && character.at[1] < 0xa0);
}

static void log_put_control(struct log_writer *writer, struct bytes character)
{
    char escape[8];
    uint8_t code = character.at[character.size - 1]; /* c2 80 to c2 9f are U+0080 to U+009F */

    switch (code) {
    case '\n':
        log_put(writer, "\\n", 2);
        return;
    case '\r':
        log_put(writer, "\\r", 2);
        return;
    case '\t':
        log_put(writer, "\\t", 2);
        return;
    default:
        (void)snprintf(escape, sizeof escape, "\\u%04x", code);
        log_put(writer, escape, 6);
        return;
    }
}

/* Add one character of a quoted value; return how many bytes of text it took. */
static size_t log_put_character(struct log_writer *writer, struct bytes text)
{
    size_t size = utf8_character(text);

    if (size == 0) {
        log_put(writer, UTF8_REPLACEMENT, sizeof UTF8_REPLACEMENT - 1);
        return 1;
    }
    if (log_is_control(bytes_of(text.at, size))) {
        log_put_control(writer, bytes_of(text.at, size));
    } else if (text.at[0] == '"' || text.at[0] == '\\') {
        char escape[2] = { '\\', (char)text.at[0] };
        log_put(writer, escape, sizeof escape);
    } else {
        log_put(writer, (const char *)text.at, size);
    }
    return size;
}

static void log_put_quoted(struct log_writer *writer, struct bytes text)
{
    size_t at = 0;

    log_put(writer, "\"", 1);
    while (at < text.size && !writer->cut) {
        at += log_put_character(writer, bytes_of(text.at + at, text.size - at));
    }
    log_put_end(writer, "\"");
}

/* Say whether text is a value that logfmt shows without quotes. */
static bool log_is_bare(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.at[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\') {
            return false;
        }
    }
    return text.size > 0;
}

/* Say whether text is a value that JSON shows without quotes. */
static bool log_is_literal(struct bytes text)
{
    bool minus = text.size > 0 && text.at[0] == '-';
    size_t first = minus ? 1 : 0;

    if (bytes_equal(text, bytes_text("true")) || bytes_equal(text, bytes_text("false"))) {
        return true;
    }
    if (text.size == first || text.size > LOG_NUMBER_CHARACTERS) {
        return false;
    }
    for (size_t i = first; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    return text.at[first] != '0' || text.size == 1; /* JSON has no 007, and -0 is not worth it */
}

static char log_key_character(uint8_t byte)
{
    bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                 (byte >= 'a' && byte <= 'z') || byte == '.' || byte == '-';

    return (char)(plain ? byte : '_');
}

/* Write what stands before a value, from the comma or space on; return its size. */
static size_t log_make_head(const struct log_writer *writer, struct bytes key, char *out)
{
    size_t size = 0;

    if (writer->json) {
        out[size++] = writer->size == 0 ? '{' : ',';
        out[size++] = '"';
    } else if (writer->size > 0) {
        out[size++] = ' ';
    }
    for (size_t i = 0; i < key.size && i < LOG_KEY_BYTES; i++) {
        out[size++] = log_key_character(key.at[i]);
    }
    if (writer->json) {
        out[size++] = '"';
    }
    out[size++] = writer->json ? ':' : '=';
    return size;
}

/* Add one pair, or nothing of it when there is not even room for the start of its value. */
static void log_put_pair(struct log_writer *writer, struct bytes key, struct bytes value,
                         bool quoted)
{
    char head[LOG_KEY_BYTES + 4];
    size_t size = log_make_head(writer, key, head);
    bool bare = writer->json ? !quoted && log_is_literal(value) : log_is_bare(value);

    if (!log_fits(writer, size + 1)) {
        writer->cut = true;
        return;
    }
    log_put(writer, head, size);
    if (bare && log_fits(writer, value.size)) {
        log_put(writer, (const char *)value.at, value.size);
    } else {
        log_put_quoted(writer, value);
    }
}

/* Read a quoted value whose first quote is at `at`; unescape it in place. */
static struct bytes log_read_quoted(char *at, char **end)
{
    char *from = at + 1;
    char *to = at;

    while (*from != '\0' && *from != '"') {
        if (from[0] == '\\' && (from[1] == '"' || from[1] == '\\')) {
            from++;
        }
        *to++ = *from++;
    }
    *end = *from == '"' ? from + 1 : from;
    return bytes_of(at, (size_t)(to - at));
}

void log_writer_begin(struct log_writer *writer, bool json)
{
    writer->json = json;
    writer->cut = false;
    writer->size = 0;
}

void log_writer_word(struct log_writer *writer, const char *key, const char *word)
{
    log_put_pair(writer, bytes_text(key), bytes_text(word), true);
}

void log_writer_pairs(struct log_writer *writer, char *pairs)
{
    char *at = pairs;

    while (*(at += strspn(at, " ")) != '\0') {
        struct bytes key = bytes_of(at, strcspn(at, " ="));
        struct bytes value = bytes_text("true"); /* of a word that stands alone */
        bool quoted = false;

        at += key.size;
        if (*at == '=') {
            at++;
            quoted = *at == '"';
            value = quoted ? log_read_quoted(at, &at) : bytes_of(at, strcspn(at, " "));
            at += quoted ? 0 : value.size;
        }
        log_put_pair(writer, key, value, quoted);
    }
}

void log_writer_end(struct log_writer *writer)
{
    if (writer->cut) {
        log_put_end(writer, writer->json ? ",\"cut\":true" : " cut=true");
    }
    log_put_end(writer, writer->json ? "}\n" : "\n");
}
