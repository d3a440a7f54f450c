/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests, one after the other on one connection, through guard, parser and body.
 * The first byte says how the others are cut into pieces; whatever the cut, the
 * same requests with the same bodies must be read, and the same one refused.
 * What was let pass must be what the guard promises.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"
#include "server/http/body.h"
#include "server/http/guard.h"
#include "server/http/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    BODY_MAX_BYTES = 4096
};

struct reader {
    struct guard guard;
    struct body body;
    bool in_body;
    bool bad;
    enum problem problem;
    struct buf data;  /* of the body that is being read */
    struct buf story; /* all that was read, in a form that can be compared */
};

static void check_lines(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        CHECK(bytes.at[i] != '\0');
        CHECK(bytes.at[i] != '\n' || (i > 0 && bytes.at[i - 1] == '\r'));
        CHECK(bytes.at[i] != '\r' || bytes.at[i + 1] == '\n');
    }
}

static void check_field(struct bytes bytes, const struct head_field *field)
{
    struct bytes name = head_view(bytes, field->name);
    struct bytes value = head_view(bytes, field->value);

    CHECK(name.size > 0 && memchr(name.at, ' ', name.size) == NULL);
    CHECK(value.at + value.size <= bytes.at + bytes.size);
    CHECK(value.size == 0 || memchr(value.at, '\r', value.size) == NULL);
    CHECK(value.size == 0 || (value.at[0] != ' ' && value.at[value.size - 1] != ' '));
}

/* A head that passed has one way to be read: lines of CRLF, clean names and values. */
static void check_head(struct bytes bytes, const struct head *head)
{
    struct bytes target = head_view(bytes, head->target);

    CHECK(bytes.size <= LIMIT_HEAD_BYTES && bytes.size >= 4);
    CHECK(memcmp(bytes.at + bytes.size - 4, "\r\n\r\n", 4) == 0);
    CHECK(target.size > 0 && target.size <= LIMIT_TARGET_BYTES && target.at[0] == '/');
    CHECK(head->method.size > 0 && head->field_count <= LIMIT_HEAD_FIELDS);
    CHECK(!head->chunked || head->length == 0);
    check_lines(bytes);
    for (size_t i = 0; i < head->field_count; i++) {
        check_field(bytes, &head->fields[i]);
    }
}

/* The fields, counted by their line ends: llhttp must have seen the same. */
static void check_field_count(struct bytes bytes, const struct head *head)
{
    size_t lines = 0;

    for (size_t i = 2; i < bytes.size; i++) { /* not that of an empty first line */
        lines += bytes.at[i] == '\n' ? 1 : 0;
    }
    CHECK(lines == (size_t)head->field_count + 2);
}

static void refuse(struct reader *reader, enum problem problem)
{
    reader->bad = true;
    reader->problem = problem;
}

static size_t read_head(struct reader *reader, struct bytes input)
{
    struct head head;
    enum problem problem = PROBLEM_internal;
    enum parse_step step = guard_scan(&reader->guard, input, &problem);

    if (step == PARSE_MORE) {
        return 0;
    }
    struct bytes bytes = bytes_of(input.at, reader->guard.size);
    if (step == PARSE_BAD || !parser_read(bytes, &head, &problem)) {
        refuse(reader, problem);
        return 0;
    }
    check_head(bytes, &head);
    check_field_count(bytes, &head);
    buf_append(&reader->story, bytes);
    reader->guard = (struct guard){ 0 };
    if (head.length > BODY_MAX_BYTES) {
        refuse(reader, PROBLEM_too_large);
        return 0;
    }
    body_begin(&reader->body, head.chunked, (size_t)head.length, BODY_MAX_BYTES);
    reader->in_body = head.chunked || head.length > 0;
    return bytes.size;
}

static size_t read_body(struct reader *reader, struct bytes input)
{
    enum problem problem = PROBLEM_internal;
    size_t used = 0;
    enum parse_step step = body_take(&reader->body, input, &used, &reader->data, &problem);

    CHECK(used <= input.size && (used > 0 || input.size == 0));
    CHECK(reader->data.size <= BODY_MAX_BYTES);
    if (step == PARSE_BAD) {
        refuse(reader, problem);
    } else if (step == PARSE_DONE) {
        reader->in_body = false;
        buf_append_text(&reader->story, "body:");
        buf_append(&reader->story, buf_view(&reader->data));
        buf_empty(&reader->data);
    }
    return used;
}

/* Read what is there; the bytes taken. */
static size_t read_some(struct reader *reader, struct bytes input)
{
    size_t used = 0;
    size_t step = 1;

    while (step > 0 && used < input.size && !reader->bad) {
        struct bytes rest = bytes_of(input.at + used, input.size - used);
        step = reader->in_body ? read_body(reader, rest) : read_head(reader, rest);
        used += step;
    }
    return used;
}

/* Give input in pieces of at most piece bytes; what is not taken comes again with more. */
static void read_pieces(struct reader *reader, struct bytes input, size_t piece)
{
    size_t from = 0;
    size_t end = 0;

    while (end < input.size && !reader->bad) {
        end += input.size - end < piece ? input.size - end : piece;
        from += read_some(reader, bytes_of(input.at + from, end - from));
    }
}

static void compare(const struct reader *whole, const struct reader *pieces)
{
    CHECK(whole->bad == pieces->bad);
    CHECK(!whole->bad || whole->problem == pieces->problem);
    CHECK(!whole->bad || whole->problem != PROBLEM_internal);
    CHECK(bytes_equal(buf_view(&whole->story), buf_view(&pieces->story)));
}

static void reader_clear(struct reader *reader)
{
    buf_clear(&reader->data);
    buf_clear(&reader->story);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader whole = { .problem = PROBLEM_internal };
    struct reader pieces = { .problem = PROBLEM_internal };

    if (size == 0) {
        return 0;
    }
    struct bytes input = bytes_of(data + 1, size - 1);
    read_pieces(&whole, input, SIZE_MAX);
    read_pieces(&pieces, input, (size_t)data[0] % 64 + 1);
    compare(&whole, &pieces);
    reader_clear(&whole);
    reader_clear(&pieces);
    return 0;
}
