/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is read as a request body.  What is accepted nests no deeper than the
 * limit, and written out and read again it is the same value.  A reader then asks
 * for members as a route would; its fault is always valid text.  At last the input
 * is quoted as a string, which must always be JSON.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int deeper(int a, int b)
{
    return a > b ? a : b;
}

static int depth_of(json_t *value)
{
    int deepest = 0;

    for (size_t i = 0; i < json_array_size(value); i++) {
        deepest = deeper(deepest, depth_of(json_array_get(value, i)));
    }
    for (void *at = json_object_iter(value); at != NULL; at = json_object_iter_next(value, at)) {
        deepest = deeper(deepest, depth_of(json_object_iter_value(at)));
    }
    return json_is_array(value) || json_is_object(value) ? deepest + 1 : deepest;
}

static void try_parse(struct bytes text)
{
    json_t *value = json_parse(text, LIMIT_JSON_DEPTH);
    struct buf written = { .at = NULL };
    json_t *again;

    if (value == NULL) {
        return;
    }
    CHECK(utf8_is_valid(text));
    CHECK(depth_of(value) <= LIMIT_JSON_DEPTH);
    CHECK(memchr(text.at, '\0', text.size) == NULL);
    json_append_steal(&written, json_incref(value));
    again = json_parse(buf_view(&written), LIMIT_JSON_DEPTH);
    CHECK(again != NULL && json_equal(value, again) == 1);
    json_decref(again);
    json_decref(value);
    buf_clear(&written);
}

/* Ask for members as a route would; what comes back keeps the reader's promises. */
static void read_members(struct json_reader *reader, struct buf *body)
{
    struct bytes word = bytes_text("");
    uint8_t id[16] = { 0 };
    int64_t number = 10;
    json_t *list = NULL;
    bool flag = false;

    json_need_exact(reader, "id", id, sizeof id);
    (void)json_may_int(reader, "ttl", 10, 100, &number);
    (void)json_may_bool(reader, "urgent", &flag);
    (void)json_may_bytes(reader, "body", body);
    (void)json_may_text(reader, "name", &word);
    (void)json_may_array(reader, "recipients", &list);
    CHECK(number >= 10 && number <= 100);
    CHECK(memchr(word.at, '\0', word.size) == NULL);
    CHECK(list == NULL || json_is_array(list));
    CHECK(reader->kind != JSON_FINE || json_has(reader, "id"));
}

static void try_read(struct bytes text)
{
    struct json_reader reader;
    struct buf body = { .at = NULL };

    if (json_reader_begin(&reader, text)) {
        CHECK(reader.kind == JSON_FINE);
        read_members(&reader, &body);
    }
    CHECK(json_reader_end(&reader) == (reader.kind == JSON_FINE));
    CHECK(strlen(reader.fault) < sizeof reader.fault);
    CHECK(utf8_is_valid(bytes_text(reader.fault)));
    buf_clear(&body);
}

static void try_quote(struct bytes text)
{
    struct buf quoted = { .at = NULL };
    json_t *value;

    buf_append_text(&quoted, "[");
    json_append_quoted(&quoted, text);
    buf_append_text(&quoted, "]");
    value = json_loadb((const char *)quoted.at, quoted.size, JSON_ALLOW_NUL, NULL);
    CHECK(value != NULL && json_array_size(value) == 1);
    if (utf8_is_valid(text)) {
        const json_t *back = json_array_get(value, 0);
        CHECK(bytes_equal(bytes_of(json_string_value(back), json_string_length(back)), text));
    }
    json_decref(value);
    buf_clear(&quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_parse(bytes_of(data, size));
    try_read(bytes_of(data, size));
    try_quote(bytes_of(data, size));
    return 0;
}
