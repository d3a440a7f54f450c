/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson recurses once a level, so the depth is counted before it sees the text.
 *
 * A reader marks the members that were read by their place in the object, which
 * jansson keeps in the order of the text.  There are 64 marks: no request has so
 * many members, and one that stands beyond is unknown for that reason alone.
 */
#include "common/json.h"

#include <stddef.h>
#include <string.h>

#include "common/base64url.h"
#include "common/check.h"
#include "common/limits.h"
#include "common/utf8.h"

enum {
    JSON_MARKS = 64
};

/* Return what follows the string whose first character is at `at`; end when it has no end. */
static const uint8_t *json_skip_string(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
        size_t escapes = 0;
        if (quote == NULL) {
            return end;
        }
        while (quote - escapes > at && quote[-1 - (ptrdiff_t)escapes] == '\\') {
            escapes++;
        }
        if (escapes % 2 == 0) {
            return quote + 1;
        }
        at = quote + 1;
    }
    return end;
}

/* What a byte outside strings adds to the depth. */
static int json_depth_step(uint8_t byte)
{
    if (byte == '[' || byte == '{') {
        return 1;
    }
    return byte == ']' || byte == '}' ? -1 : 0;
}

/* Say whether text nests no deeper than depth.  What is no JSON is left to the parser. */
static bool json_is_shallow(struct bytes text, int depth)
{
    const uint8_t *at = text.at;
    const uint8_t *end = at + text.size;
    int open = 0;

    while (at < end && open <= depth) {
        uint8_t byte = *at++;
        open += json_depth_step(byte);
        if (byte == '"') {
            at = json_skip_string(at, end);
        }
    }
    return open <= depth;
}

static json_t *json_parse_with(struct bytes text, int depth, json_error_t *error)
{
    json_t *value;

    memset(error, 0, sizeof *error);
    if (text.size == 0 || !json_is_shallow(text, depth)) {
        return NULL;
    }
    if (memchr(text.at, '\0', text.size) != NULL) { /* jansson skips one that follows a number */
        return NULL;
    }
    value = json_loadb((const char *)text.at, text.size, JSON_REJECT_DUPLICATES, error);
    CHECK(value != NULL || json_error_code(error) != json_error_out_of_memory);
    return value;
}

json_t *json_parse(struct bytes text, int depth)
{
    json_error_t error;

    return json_parse_with(text, depth, &error);
}

/* Set the fault, unless there is one: the first is the one to tell. */
static void json_reader_fault(struct json_reader *reader, enum json_fault_kind kind,
                              struct bytes member)
{
    size_t size = 0;

    if (reader->kind != JSON_FINE) {
        return;
    }
    reader->kind = kind;
    while (size < member.size) {
        size_t step = utf8_character(bytes_of(member.at + size, member.size - size));
        if (step == 0 || size + step >= sizeof reader->fault) {
            break;
        }
        size += step;
    }
    if (size > 0) {
        memcpy(reader->fault, member.at, size);
    }
    reader->fault[size] = '\0';
}

void json_reader_fail(struct json_reader *reader, enum json_fault_kind kind, const char *member)
{
    CHECK(kind != JSON_FINE);
    json_reader_fault(reader, kind, bytes_text(member));
}

/* View the name whose closing quote is the last byte before end, as it is written in text. */
static struct bytes json_name_before(struct bytes text, int end)
{
    size_t last = end > 0 && (size_t)end <= text.size ? (size_t)end - 1 : 0;
    size_t first = last;

    if (last == 0 || text.at[last] != '"') {
        return bytes_of(NULL, 0);
    }
    while (first > 0 && text.at[first - 1] != '"') {
        first--;
    }
    return bytes_of(text.at + first, last - first);
}

bool json_reader_begin(struct json_reader *reader, struct bytes text)
{
    json_error_t error;
    json_t *value = json_parse_with(text, LIMIT_JSON_DEPTH, &error);
    struct bytes member = { .at = NULL };

    if (value == NULL && json_error_code(&error) == json_error_duplicate_key) {
        member = json_name_before(text, error.position);
    }
    (void)json_reader_begin_value(reader, value);
    reader->owned = true;
    if (reader->object == NULL) {
        reader->kind = JSON_FINE;
        json_reader_fault(reader, JSON_MALFORMED, member);
        json_decref(value);
    }
    return reader->object != NULL;
}

bool json_reader_begin_value(struct json_reader *reader, json_t *object)
{
    *reader = (struct json_reader){ .object = json_is_object(object) ? object : NULL };
    if (reader->object == NULL) {
        json_reader_fail(reader, JSON_MALFORMED, "");
    }
    return reader->object != NULL;
}

/* Say whether the member at place was read. */
static bool json_is_taken(const struct json_reader *reader, size_t place)
{
    return place < JSON_MARKS && (reader->taken >> place & 1) != 0;
}

bool json_reader_end(struct json_reader *reader)
{
    const char *name;
    json_t *value;
    size_t place = 0;

    json_object_foreach (reader->object, name, value) {
        if (!json_is_taken(reader, place)) {
            json_reader_fail(reader, JSON_MALFORMED, name);
        }
        place++;
    }
    if (reader->owned) {
        json_decref(reader->object);
    }
    reader->object = NULL;
    return reader->kind == JSON_FINE;
}

bool json_has(const struct json_reader *reader, const char *member)
{
    return json_object_get(reader->object, member) != NULL;
}

/* Return the value of member and mark it; NULL when there is none or after a fault. */
static json_t *json_take(struct json_reader *reader, const char *member)
{
    void *at = reader->kind == JSON_FINE ? json_object_iter(reader->object) : NULL;

    for (unsigned place = 0; at != NULL && place < JSON_MARKS; place++) {
        if (strcmp(json_object_iter_key(at), member) == 0) {
            reader->taken |= UINT64_C(1) << place;
            return json_object_iter_value(at);
        }
        at = json_object_iter_next(reader->object, at);
    }
    return NULL;
}

/* Refuse the object for want of member, unless it was found. */
static void json_need(struct json_reader *reader, const char *member, bool found)
{
    if (!found) {
        json_reader_fail(reader, JSON_MALFORMED, member);
    }
}

/* Take member as a string; false when it is absent or none. */
static bool json_take_text(struct json_reader *reader, const char *member, struct bytes *out)
{
    json_t *value = json_take(reader, member);

    if (value == NULL) {
        return false;
    }
    if (!json_is_string(value)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    *out = bytes_of(json_string_value(value), json_string_length(value));
    return true;
}

bool json_may_int(struct json_reader *reader, const char *member, int64_t min, int64_t max,
                  int64_t *out)
{
    json_t *value = json_take(reader, member);

    if (value == NULL) {
        return false;
    }
    if (!json_is_integer(value)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    if (json_integer_value(value) < min || json_integer_value(value) > max) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, member);
        return false;
    }
    *out = json_integer_value(value);
    return true;
}

bool json_may_bool(struct json_reader *reader, const char *member, bool *out)
{
    json_t *value = json_take(reader, member);

    if (value == NULL) {
        return false;
    }
    if (!json_is_boolean(value)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    *out = json_is_true(value);
    return true;
}

bool json_may_exact(struct json_reader *reader, const char *member, void *out, size_t size)
{
    struct bytes text;

    if (!json_take_text(reader, member, &text)) {
        return false;
    }
    if (!base64url_decode_exact(text, out, size)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    return true;
}

bool json_may_bytes(struct json_reader *reader, const char *member, struct buf *out)
{
    struct bytes text;

    if (!json_take_text(reader, member, &text)) {
        return false;
    }
    if (!base64url_decode(text, out)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    return true;
}

bool json_may_text(struct json_reader *reader, const char *member, struct bytes *out)
{
    return json_take_text(reader, member, out);
}

bool json_may_array(struct json_reader *reader, const char *member, json_t **out)
{
    json_t *value = json_take(reader, member);

    if (value == NULL) {
        return false;
    }
    if (!json_is_array(value)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    *out = value;
    return true;
}

bool json_may_object(struct json_reader *reader, const char *member, json_t **out)
{
    json_t *value = json_take(reader, member);

    if (value == NULL) {
        return false;
    }
    if (!json_is_object(value)) {
        json_reader_fail(reader, JSON_MALFORMED, member);
        return false;
    }
    *out = value;
    return true;
}

void json_need_int(struct json_reader *reader, const char *member, int64_t min, int64_t max,
                   int64_t *out)
{
    json_need(reader, member, json_may_int(reader, member, min, max, out));
}

void json_need_exact(struct json_reader *reader, const char *member, void *out, size_t size)
{
    json_need(reader, member, json_may_exact(reader, member, out, size));
}

void json_need_bytes(struct json_reader *reader, const char *member, struct buf *out)
{
    json_need(reader, member, json_may_bytes(reader, member, out));
}

void json_need_text(struct json_reader *reader, const char *member, struct bytes *out)
{
    json_need(reader, member, json_take_text(reader, member, out));
}

void json_need_array(struct json_reader *reader, const char *member, json_t **out)
{
    json_need(reader, member, json_may_array(reader, member, out));
}

void json_need_object(struct json_reader *reader, const char *member, json_t **out)
{
    json_need(reader, member, json_may_object(reader, member, out));
}
