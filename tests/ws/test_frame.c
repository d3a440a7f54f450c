/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every case of frame_cases.def is read whole, byte by byte and cut in two at each
 * place: what a strict reader makes of bytes must not depend on how they come.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/ws/frame.h"
#include "tests/support/unit.h"

enum {
    FRAME_CASES_MESSAGE_MAX = 70000
};

struct frame_case {
    const char *name;
    enum ws_role role; /* of the reader */
    const char *bytes;
    const char *want;
};

static const struct frame_case frame_cases[] = {
#include "tests/ws/frame_cases.def"
};

enum {
    FRAME_CASE_COUNT = sizeof frame_cases / sizeof frame_cases[0]
};

static_assert(FRAME_CASE_COUNT >= 120, "the table of RFC cases is to be this large");

static const uint8_t case_key[WS_FRAME_KEY_BYTES] = { 0x37, 0xfa, 0x21, 0x3d };

/* ---- from the text of a case to its bytes ---- */

struct script {
    const char *at;
    bool masked;
    size_t mask_at;
};

static void script_pair(struct script *script, struct buf *out)
{
    char *end = NULL;
    char pair[3] = { script->at[0], script->at[1], '\0' };
    unsigned long value = strtoul(pair, &end, 16);
    unsigned long times = 1;

    assert_true(end == pair + 2);
    script->at += 2;
    if (*script->at == '*') {
        times = strtoul(script->at + 1, &end, 10);
        script->at = end;
    }
    for (unsigned long i = 0; i < times; i++) {
        uint8_t key = script->masked ? case_key[script->mask_at++ % WS_FRAME_KEY_BYTES] : 0;
        buf_append_u8(out, (uint8_t)(value ^ key));
    }
}

static void script_bytes(const char *text, struct buf *out)
{
    struct script script = { .at = text };

    while (*script.at != '\0') {
        switch (*script.at) {
        case ' ':
            script.at++;
            break;
        case 'K':
            buf_append(out, bytes_of(case_key, sizeof case_key));
            script.at++;
            break;
        case '[':
        case ']':
            script.masked = *script.at == '[';
            script.mask_at = 0;
            script.at++;
            break;
        default:
            script_pair(&script, out);
        }
    }
}

/* ---- from bytes to the text of what was read ---- */

struct reading {
    struct ws_framer framer;
    struct buf message; /* of the data message in hand */
    struct buf text;
    bool is_over;
};

static const char *opcode_name(enum ws_opcode opcode)
{
    switch (opcode) {
    case WS_OPCODE_TEXT:
        return "text";
    case WS_OPCODE_BINARY:
        return "binary";
    case WS_OPCODE_PING:
        return "ping";
    case WS_OPCODE_PONG:
        return "pong";
    case WS_OPCODE_CLOSE:
        return "close";
    case WS_OPCODE_CONTINUATION:
        break;
    }
    fail_msg("a piece of no message");
    return "";
}

static void reading_say(struct reading *reading, const char *word)
{
    if (reading->text.size > 0) {
        buf_append_text(&reading->text, " ");
    }
    buf_append_text(&reading->text, word);
}

static void reading_message(struct reading *reading, enum ws_opcode opcode, struct bytes payload)
{
    reading_say(reading, opcode_name(opcode));
    buf_append_text(&reading->text, ":");
    if (payload.size > 16) {
        buf_append_format(&reading->text, "#%zu", payload.size);
        return;
    }
    for (size_t i = 0; i < payload.size; i++) {
        buf_append_format(&reading->text, "%02x", (unsigned)payload.at[i]);
    }
}

static void reading_piece(struct reading *reading, const struct ws_piece *piece)
{
    bool is_control = piece->opcode >= WS_OPCODE_CLOSE;
    struct buf control = { 0 };
    struct buf *message = is_control ? &control : &reading->message;

    if (piece->is_first) {
        buf_empty(message);
    }
    if (piece->payload.size > 0) {
        buf_reserve(message, piece->payload.size);
        ws_frame_mask(message->at + message->size, piece->payload, piece->key);
        message->size += piece->payload.size;
    }
    if (piece->is_last) {
        reading_message(reading, piece->opcode, buf_view(message));
    }
    buf_clear(&control);
}

/* Read from the front of input; returns the bytes used. */
static size_t reading_feed(struct reading *reading, struct bytes input)
{
    struct ws_piece piece;
    size_t used = 0;

    while (!reading->is_over) {
        struct bytes rest = bytes_of(input.at + used, input.size - used);
        switch (ws_framer_next(&reading->framer, rest, &piece)) {
        case WS_FRAME_PIECE:
            assert_true(piece.used <= rest.size);
            assert_true(piece.used > 0);
            used += piece.used;
            reading_piece(reading, &piece);
            break;
        case WS_FRAME_MORE:
            return used;
        case WS_FRAME_BAD:
            reading_say(reading, "bad");
            reading->is_over = true;
            break;
        case WS_FRAME_TOO_BIG:
            reading_say(reading, "big");
            reading->is_over = true;
            break;
        }
    }
    return used;
}

/* Read bytes in steps that end at cut, cut + step, ...; returns the text, to be freed. */
static char *read_in_steps(enum ws_role role, struct bytes bytes, size_t cut, size_t step)
{
    struct reading reading = { .is_over = false };
    size_t used = 0;

    ws_framer_init(&reading.framer, role, FRAME_CASES_MESSAGE_MAX);
    while (true) {
        size_t end = cut < bytes.size ? cut : bytes.size;
        /* A copy of exactly what has come, so that a sanitizer sees a read past it. */
        uint8_t *have = mem_raw(end - used);
        if (end > used) {
            memcpy(have, bytes.at + used, end - used);
        }
        used += reading_feed(&reading, bytes_of(have, end - used));
        free(have);
        if (cut >= bytes.size) {
            break;
        }
        cut += step;
    }
    char *text = mem_text_of(reading.text.at, reading.text.size);
    buf_clear(&reading.text);
    buf_clear(&reading.message);
    return text;
}

static void expect_reading(const struct frame_case *row, struct bytes bytes, size_t cut,
                           size_t step)
{
    char *text = read_in_steps(row->role, bytes, cut, step);

    if (strcmp(text, row->want) != 0) {
        fail_msg("%s, cut at %zu: want \"%s\", got \"%s\"", row->name, cut, row->want, text);
    }
    free(text);
}

static void each_case_is_read_as_the_rfc_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAME_CASE_COUNT; i++) {
        struct buf bytes = { 0 };
        script_bytes(frame_cases[i].bytes, &bytes);
        expect_reading(&frame_cases[i], buf_view(&bytes), bytes.size, 1);
        buf_clear(&bytes);
    }
}

static void each_case_is_read_the_same_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAME_CASE_COUNT; i++) {
        struct buf bytes = { 0 };
        script_bytes(frame_cases[i].bytes, &bytes);
        expect_reading(&frame_cases[i], buf_view(&bytes), 0, 1);
        buf_clear(&bytes);
    }
}

static void each_short_case_is_read_the_same_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAME_CASE_COUNT; i++) {
        struct buf bytes = { 0 };
        script_bytes(frame_cases[i].bytes, &bytes);
        for (size_t cut = 0; bytes.size < 1000 && cut <= bytes.size; cut++) {
            expect_reading(&frame_cases[i], buf_view(&bytes), cut, bytes.size + 1);
        }
        buf_clear(&bytes);
    }
}

/* ---- masks ---- */

static void mask_is_the_same_as_byte_by_byte_at_every_size(void **state)
{
    uint8_t plain[67];
    uint8_t masked[67];

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (uint8_t)(i * 7);
    }
    for (size_t size = 0; size <= sizeof plain; size++) {
        memset(masked, 0xEE, sizeof masked);
        ws_frame_mask(masked, bytes_of(plain, size), case_key);
        for (size_t i = 0; i < sizeof masked; i++) {
            uint8_t want = i < size ? (uint8_t)(plain[i] ^ case_key[i % 4]) : 0xEE;
            assert_int_equal(masked[i], want);
        }
    }
}

static void mask_twice_in_place_gives_the_plain_bytes_back(void **state)
{
    uint8_t text[29];

    (void)state;
    memset(text, 'x', sizeof text);
    ws_frame_mask(text, bytes_of(text, sizeof text), case_key);
    assert_int_not_equal(text[0], 'x');
    ws_frame_mask(text, bytes_of(text, sizeof text), case_key);
    for (size_t i = 0; i < sizeof text; i++) {
        assert_int_equal(text[i], 'x');
    }
}

/* ---- writing ---- */

static void head_has_the_shortest_length_that_fits(void **state)
{
    static const struct {
        uint64_t size;
        size_t head_size;
        uint8_t second;
    } rows[] = {
        { 0, 2, 0 },        { 125, 2, 125 },      { 126, 4, 126 },        { 65535, 4, 126 },
        { 65536, 10, 127 }, { 1 << 20, 10, 127 }, { INT64_MAX, 10, 127 },
    };
    uint8_t head[WS_FRAME_HEAD_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ws_frame_head(head, WS_OPCODE_BINARY, rows[i].size, NULL),
                         rows[i].head_size);
        assert_int_equal(head[0], 0x82);
        assert_int_equal(head[1], rows[i].second);
        assert_int_equal(ws_frame_head(head, WS_OPCODE_PING, rows[i].size, case_key),
                         rows[i].head_size + 4);
        assert_int_equal(head[0], 0x89);
        assert_int_equal(head[1], 0x80 | rows[i].second);
        assert_memory_equal(head + rows[i].head_size, case_key, 4);
    }
}

static void head_of_each_end_is_read_by_the_other(void **state)
{
    static const uint64_t sizes[] = { 0, 1, 125, 126, 65535, 65536, 69999 };
    uint8_t head[WS_FRAME_HEAD_MAX];
    struct ws_framer framer;
    struct ws_piece piece;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int role = WS_ROLE_SERVER; role <= WS_ROLE_CLIENT; role++) {
            const uint8_t *key = role == WS_ROLE_SERVER ? case_key : NULL;
            size_t size = ws_frame_head(head, WS_OPCODE_BINARY, sizes[i], key);
            ws_framer_init(&framer, (enum ws_role)role, FRAME_CASES_MESSAGE_MAX);
            assert_int_equal(ws_framer_next(&framer, bytes_of(head, size), &piece), WS_FRAME_PIECE);
            assert_int_equal(piece.used, size);
            assert_true(framer.left == sizes[i]);
            assert_true(piece.is_first);
            assert_true(piece.is_last == (sizes[i] == 0));
        }
    }
}

/* ---- close frames ---- */

static void close_codes_are_those_that_may_be_sent(void **state)
{
    static const struct {
        int from, to;
        bool good;
    } rows[] = {
        { 0, 999, false },     { 1000, 1003, true }, { 1004, 1006, false },  { 1007, 1014, true },
        { 1015, 2999, false }, { 3000, 4999, true }, { 5000, 65535, false },
    };
    int next = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].from, next);
        for (; next <= rows[i].to; next++) {
            uint8_t payload[2] = { (uint8_t)(next >> 8), (uint8_t)next };
            int code = -1;
            int fault = ws_frame_close_check(bytes_of(payload, 2), &code);
            assert_int_equal(fault, rows[i].good ? 0 : 1002);
            assert_int_equal(code, rows[i].good ? next : -1);
        }
    }
    assert_int_equal(next, 65536);
}

static void close_without_a_code_is_good_and_half_a_code_is_not(void **state)
{
    int code = -1;

    (void)state;
    assert_int_equal(ws_frame_close_check(bytes_of(NULL, 0), &code), 0);
    assert_int_equal(code, WS_FRAME_CLOSE_NONE);
    assert_int_equal(ws_frame_close_check(bytes_text("\x03"), &code), 1002);
}

static const struct {
    const char *text;
    bool good;
} utf8_rows[] = {
    { "", true },
    { "plain", true },
    { "\x7F", true },
    { "\xC2\x80", true },
    { "\xC3\xA9", true },
    { "\xDF\xBF", true },
    { "\xE0\xA0\x80", true },
    { "\xE2\x82\xAC", true },
    { "\xED\x9F\xBF", true },
    { "\xEE\x80\x80", true },
    { "\xEF\xBF\xBD", true },
    { "\xEF\xBF\xBF", true },
    { "\xF0\x90\x80\x80", true },
    { "\xF0\x9F\x98\x80", true },
    { "\xF4\x8F\xBF\xBF", true },
    { "\x80", false },
    { "\xBF", false },
    { "\xC0\x80", false },
    { "\xC1\xBF", false },
    { "\xC3", false },
    { "\xC3(", false },
    { "\xE0\x80\x80", false },
    { "\xE0\x9F\xBF", false },
    { "\xE2\x82", false },
    { "\xE2(\x82", false },
    { "\xE2\x82(", false },
    { "\xED\xA0\x80", false },
    { "\xED\xAD\xBF", false },
    { "\xED\xB0\x80", false },
    { "\xED\xBF\xBF", false },
    { "\xED\xA0\xBD\xED\xB8\x80", false },
    { "\xF0\x80\x80\x80", false },
    { "\xF0\x8F\xBF\xBF", false },
    { "\xF0\x9F\x98", false },
    { "\xF0\x9F\x98(", false },
    { "\xF4\x90\x80\x80", false },
    { "\xF5\x80\x80\x80", false },
    { "\xF8\x88\x80\x80\x80", false },
    { "\xFC\x84\x80\x80\x80\x80", false },
    { "\xFE", false },
    { "\xFF", false },
    { "ok\xC3\xA9 then \x80", false },
};

static int close_fault_of(const char *reason)
{
    struct buf payload = { 0 };
    int code = -1;

    buf_append_u16(&payload, 1000);
    buf_append_text(&payload, reason);
    int fault = ws_frame_close_check(buf_view(&payload), &code);
    buf_clear(&payload);
    return fault;
}

static void close_reason_must_be_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8_rows / sizeof utf8_rows[0]; i++) {
        assert_int_equal(close_fault_of(utf8_rows[i].text), utf8_rows[i].good ? 0 : 1007);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_is_read_as_the_rfc_says),
        cmocka_unit_test(each_case_is_read_the_same_byte_by_byte),
        cmocka_unit_test(each_short_case_is_read_the_same_cut_anywhere),
        cmocka_unit_test(mask_is_the_same_as_byte_by_byte_at_every_size),
        cmocka_unit_test(mask_twice_in_place_gives_the_plain_bytes_back),
        cmocka_unit_test(head_has_the_shortest_length_that_fits),
        cmocka_unit_test(head_of_each_end_is_read_by_the_other),
        cmocka_unit_test(close_codes_are_those_that_may_be_sent),
        cmocka_unit_test(close_without_a_code_is_good_and_half_a_code_is_not),
        cmocka_unit_test(close_reason_must_be_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
