/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/parser.h"

#include <llhttp.h>
#include <stddef.h>
#include <string.h>

#include "common/check.h"

struct reading {
    struct bytes bytes;
    struct head *head;
};

static struct head_span span_of(const struct reading *reading, const char *at, size_t size)
{
    size_t from = (size_t)((const uint8_t *)at - reading->bytes.at);

    return (struct head_span){ .at = (uint16_t)from, .size = (uint16_t)size };
}

static int on_url(llhttp_t *llhttp, const char *at, size_t size)
{
    struct reading *reading = llhttp->data;

    reading->head->target = span_of(reading, at, size);
    return 0;
}

/* A name may come in pieces that touch each other: then it grows. */
static int on_name(llhttp_t *llhttp, const char *at, size_t size)
{
    struct reading *reading = llhttp->data;
    struct head *head = reading->head;
    struct head_span span = span_of(reading, at, size);

    if (head->field_count > 0) {
        struct head_span *last = &head->fields[head->field_count - 1].name;
        if (last->at + last->size == span.at) {
            last->size = (uint16_t)(last->size + size);
            return 0;
        }
    }
    if (head->field_count == LIMIT_HEAD_FIELDS) {
        return -1;
    }
    head->fields[head->field_count++] = (struct head_field){ .name = span };
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t size)
{
    struct reading *reading = llhttp->data;
    struct head *head = reading->head;
    struct head_span span = span_of(reading, at, size);

    if (head->field_count == 0) {
        return -1;
    }
    struct head_span *value = &head->fields[head->field_count - 1].value;
    if (value->at == 0) {
        value->at = span.at;
    }
    value->size = (uint16_t)(span.at + span.size - value->at);
    return 0;
}

/* Only heads are read here: bodies are too easily misread, see body.h. */
static int on_head_end(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head_end,
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct bytes trimmed(struct bytes text)
{
    while (text.size > 0 && is_blank(text.at[0])) {
        text = bytes_of(text.at + 1, text.size - 1);
    }
    while (text.size > 0 && is_blank(text.at[text.size - 1])) {
        text.size--;
    }
    return text;
}

bool head_same_letters(struct bytes text, const char *lower_name)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.at[i];
        byte = (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
        if (byte != (uint8_t)lower_name[i]) {
            return false;
        }
    }
    return true;
}

bool head_next_member(struct bytes *rest, struct bytes *out)
{
    while (rest->size > 0) {
        const uint8_t *comma = memchr(rest->at, ',', rest->size);
        size_t size = comma == NULL ? rest->size : (size_t)(comma - rest->at);
        size_t step = comma == NULL ? size : size + 1;

        *out = trimmed(bytes_of(rest->at, size));
        *rest = bytes_of(rest->at + step, rest->size - step);
        if (out->size > 0) {
            return true;
        }
    }
    return false;
}

/* What the framing fields said, gathered over all fields. */
struct framing {
    int hosts;
    int lengths;
    int codings;
    bool close;
    bool keep_alive;
    bool bad; /* a value that cannot be read in one way only */
    bool unknown_coding;
};

static bool is_host(struct bytes value)
{
    static const char others[] = "-._~!$&'()*+;=:[]%";

    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.at[i];
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        bool is_digit = byte >= '0' && byte <= '9';
        if (!is_letter && !is_digit && memchr(others, byte, sizeof others - 1) == NULL) {
            return false;
        }
    }
    return value.size > 0;
}

/* Digits only; a number that does not fit is as good as the largest. */
static bool read_length(struct bytes value, uint64_t *out)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return false;
        }
        length =
            length > UINT64_MAX / 10 - 1 ? UINT64_MAX : length * 10 + (uint64_t)(value.at[i] - '0');
    }
    *out = length;
    return value.size > 0;
}

static void read_connection(struct framing *framing, struct bytes value)
{
    struct bytes member;

    while (head_next_member(&value, &member)) {
        framing->close |= head_name_is(member, "close");
        framing->keep_alive |= head_name_is(member, "keep-alive");
    }
}

static void read_field(struct head *head, struct framing *framing, struct bytes name,
                       struct bytes value)
{
    if (head_name_is(name, "host")) {
        framing->hosts++;
        framing->bad |= !is_host(value);
    } else if (head_name_is(name, "content-length")) {
        framing->lengths++;
        framing->bad |= !read_length(value, &head->length);
    } else if (head_name_is(name, "transfer-encoding")) {
        framing->codings++;
        head->chunked = head_name_is(value, "chunked");
        framing->unknown_coding |= !head->chunked;
    } else if (head_name_is(name, "connection")) {
        read_connection(framing, value);
    } else if (head_name_is(name, "expect")) {
        bool known = head_name_is(value, "100-continue");
        head->expects_continue |= known;
        head->expects_other |= !known;
    } else if (head_name_is(name, "content-encoding")) {
        head->coded |= !head_name_is(value, "identity");
    }
}

static bool same_name(struct bytes a, struct bytes b)
{
    for (size_t i = 0; a.size == b.size && i < a.size; i++) {
        /* Folding more than letters only joins fields that nobody asks for. */
        if ((a.at[i] | 0x20) != (b.at[i] | 0x20)) {
            return false;
        }
    }
    return a.size == b.size;
}

static bool is_repeated(const struct head *head, struct bytes bytes, size_t place)
{
    struct bytes name = head_view(bytes, head->fields[place].name);

    for (size_t i = 0; i < place; i++) {
        if (same_name(head_view(bytes, head->fields[i].name), name)) {
            return true;
        }
    }
    return false;
}

static void read_fields(struct head *head, struct bytes bytes, struct framing *framing)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct head_field *field = &head->fields[i];
        struct bytes value = trimmed(head_view(bytes, field->value));

        field->value.at = (uint16_t)(value.at - bytes.at);
        field->value.size = (uint16_t)value.size;
        head->repeats |= is_repeated(head, bytes, i);
        read_field(head, framing, head_view(bytes, field->name), value);
    }
}

static bool judge(const struct head *head, const struct framing *framing, enum problem *out)
{
    *out = PROBLEM_bad_request;
    if (framing->bad || framing->hosts > 1 || (framing->hosts == 0 && !head->http10)) {
        return false;
    }
    if (framing->lengths > 1 || framing->codings > 1) {
        return false;
    }
    if (framing->codings == 1 && (framing->lengths > 0 || head->http10)) {
        return false;
    }
    *out = PROBLEM_not_implemented;
    return !framing->unknown_coding;
}

/* The method begins the request line, which an empty line may precede. */
static struct head_span method_of(struct bytes bytes)
{
    size_t from = bytes.at[0] == '\r' ? 2 : 0;
    const uint8_t *end = memchr(bytes.at + from, ' ', bytes.size - from);

    CHECK(end != NULL); /* guard.h let the head pass */
    return (struct head_span){ .at = (uint16_t)from,
                               .size = (uint16_t)((size_t)(end - bytes.at) - from) };
}

bool parser_read(struct bytes bytes, struct head *out, enum problem *out_problem)
{
    llhttp_t llhttp;
    struct reading reading = { .bytes = bytes, .head = out };
    struct framing framing = { 0 };

    memset(out, 0, offsetof(struct head, fields));
    llhttp_init(&llhttp, HTTP_REQUEST, &settings);
    llhttp.data = &reading;
    if (llhttp_execute(&llhttp, (const char *)bytes.at, bytes.size) != HPE_PAUSED) {
        *out_problem = PROBLEM_bad_request;
        return false;
    }
    out->method = method_of(bytes);
    out->http10 = llhttp.http_minor == 0;
    read_fields(out, bytes, &framing);
    out->keep_alive = !framing.close && (!out->http10 || framing.keep_alive);
    return judge(out, &framing, out_problem);
}
