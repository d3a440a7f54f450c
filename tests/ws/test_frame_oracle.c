/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our framer beside wslay, an independent one: the same random streams are read by
 * both, cut at random places, in both roles.  Of whole streams they must make the same
 * messages.  Of damaged ones ours may refuse more, never less, and never reads another
 * message.  Streams that either writes are read by the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/ws/frame.h"
#include "tests/support/unit.h"

enum {
    MESSAGE_MAX = 70000,
    ROUNDS = 900,
    FRAMES_MAX = 12,
    PAYLOAD_MAX = 80000
};

/* ---- a generator whose seed is its name ---- */

struct dice {
    uint64_t state;
};

static uint32_t dice_below(struct dice *dice, uint32_t bound)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((dice->state >> 33) % bound);
}

/* ---- what a reader read: opcode u8, size u32, payload, one after the other ---- */

struct record {
    struct buf messages;
    bool is_refused; /* the reader broke off */
    bool is_closed;  /* a close frame ended the reading */
};

static void record_message(struct record *record, uint8_t opcode, struct bytes payload)
{
    buf_append_u8(&record->messages, opcode);
    buf_append_u32(&record->messages, (uint32_t)payload.size);
    buf_append(&record->messages, payload);
}

/* ---- ours ---- */

struct our_reader {
    struct ws_framer framer;
    struct buf message;
    struct record *record;
};

static void our_close(struct record *record, struct bytes payload)
{
    int code = 0;

    if (ws_frame_close_check(payload, &code) != 0) {
        record->is_refused = true;
        return;
    }
    record_message(record, WS_OPCODE_CLOSE, payload);
    record->is_closed = true;
}

static void our_piece(struct our_reader *reader, const struct ws_piece *piece)
{
    struct buf plain = { 0 };

    if (piece->opcode == WS_OPCODE_TEXT) {
        reader->record->is_refused = true; /* as the channel refuses it */
        return;
    }
    if (piece->payload.size > 0) {
        buf_reserve(&plain, piece->payload.size);
        ws_frame_mask(plain.at, piece->payload, piece->key);
        plain.size = piece->payload.size;
    }
    if (piece->opcode == WS_OPCODE_CLOSE) {
        our_close(reader->record, buf_view(&plain));
    } else if (piece->opcode != WS_OPCODE_BINARY) {
        record_message(reader->record, (uint8_t)piece->opcode, buf_view(&plain));
    } else {
        buf_append(&reader->message, buf_view(&plain));
        if (piece->is_last) {
            record_message(reader->record, WS_OPCODE_BINARY, buf_view(&reader->message));
            buf_empty(&reader->message);
        }
    }
    buf_clear(&plain);
}

/* Read what `have` holds and drop it from there. */
static void our_feed(struct our_reader *reader, struct buf *have)
{
    struct ws_piece piece;
    size_t used = 0;

    while (!reader->record->is_refused && !reader->record->is_closed) {
        struct bytes rest = bytes_of(have->at + used, have->size - used);
        enum ws_frame_status status = ws_framer_next(&reader->framer, rest, &piece);
        if (status == WS_FRAME_MORE) {
            break;
        }
        if (status != WS_FRAME_PIECE) {
            reader->record->is_refused = true;
            break;
        }
        used += piece.used;
        our_piece(reader, &piece);
    }
    buf_drop_front(have, used);
}

static void our_read(enum ws_role role, struct bytes stream, struct dice *dice,
                     struct record *record)
{
    struct our_reader reader = { .record = record };
    struct buf have = { 0 };
    size_t fed = 0;

    ws_framer_init(&reader.framer, role, MESSAGE_MAX);
    while (fed < stream.size) {
        size_t step = 1 + dice_below(dice, dice_below(dice, 2) == 0 ? 8 : 20000);
        step = step > stream.size - fed ? stream.size - fed : step;
        buf_append(&have, bytes_of(stream.at + fed, step));
        fed += step;
        our_feed(&reader, &have);
    }
    buf_clear(&have);
    buf_clear(&reader.message);
}

/* ---- wslay ---- */

struct wslay_reader {
    struct bytes left;
    struct record *record;
    struct buf written;
};

static ssize_t wslay_take(wslay_event_context_ptr context, uint8_t *to, size_t size, int flags,
                          void *arg)
{
    struct wslay_reader *reader = arg;
    size_t there = reader->left.size < size ? reader->left.size : size;

    (void)flags;
    if (there == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(to, reader->left.at, there);
    reader->left = bytes_of(reader->left.at + there, reader->left.size - there);
    return (ssize_t)there;
}

static ssize_t wslay_put(wslay_event_context_ptr context, const uint8_t *from, size_t size,
                         int flags, void *arg)
{
    struct wslay_reader *reader = arg;

    (void)context;
    (void)flags;
    buf_append(&reader->written, bytes_of(from, size));
    return (ssize_t)size;
}

static int wslay_key(wslay_event_context_ptr context, uint8_t *to, size_t size, void *arg)
{
    (void)context;
    (void)arg;
    memset(to, 0xA5, size);
    return 0;
}

static void wslay_message(wslay_event_context_ptr context,
                          const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    struct wslay_reader *reader = arg;

    (void)context;
    record_message(reader->record, message->opcode, bytes_of(message->msg, message->msg_length));
    reader->record->is_closed = message->opcode == WSLAY_CONNECTION_CLOSE;
}

static const struct wslay_event_callbacks wslay_calls = {
    .recv_callback = wslay_take,
    .send_callback = wslay_put,
    .genmask_callback = wslay_key,
    .on_msg_recv_callback = wslay_message,
};

static wslay_event_context_ptr wslay_open(enum ws_role role, struct wslay_reader *reader)
{
    wslay_event_context_ptr context = NULL;
    int status = role == WS_ROLE_SERVER
                     ? wslay_event_context_server_init(&context, &wslay_calls, reader)
                     : wslay_event_context_client_init(&context, &wslay_calls, reader);

    assert_int_equal(status, 0);
    wslay_event_config_set_max_recv_msg_length(context, MESSAGE_MAX);
    return context;
}

static void wslay_read(enum ws_role role, struct bytes stream, struct record *record)
{
    struct wslay_reader reader = { .left = stream, .record = record };
    wslay_event_context_ptr context = wslay_open(role, &reader);

    if (wslay_event_recv(context) != 0) {
        record->is_refused = true;
    }
    if (!record->is_closed && wslay_event_get_read_enabled(context) == 0) {
        record->is_refused = true;
    }
    wslay_event_context_free(context);
    buf_clear(&reader.written);
}

/* ---- random streams ---- */

static void stream_frame(struct buf *out, enum ws_role reader, uint8_t first, size_t size,
                         struct dice *dice)
{
    static uint8_t plain[PAYLOAD_MAX];
    uint8_t head[WS_FRAME_HEAD_MAX];
    uint8_t key[WS_FRAME_KEY_BYTES] = { 0 };

    for (size_t i = 0; i < sizeof key && reader == WS_ROLE_SERVER; i++) {
        key[i] = (uint8_t)dice_below(dice, 256);
    }
    for (size_t i = 0; i < size; i++) {
        plain[i] = (uint8_t)(i * 31 + first);
    }
    size_t head_size =
        ws_frame_head(head, WS_OPCODE_BINARY, size, reader == WS_ROLE_SERVER ? key : NULL);
    head[0] = first;
    buf_append(out, bytes_of(head, head_size));
    buf_reserve(out, size + 1);
    ws_frame_mask(out->at + out->size, bytes_of(plain, size), key);
    out->size += size;
}

static size_t stream_payload(struct dice *dice)
{
    static const uint32_t bounds[] = { 2, 20, 140, 140, 140, 700, 700, 2000, 2000, 66000 };

    return dice_below(dice, bounds[dice_below(dice, sizeof bounds / sizeof bounds[0])]);
}

static void stream_control(struct buf *out, enum ws_role reader, struct dice *dice)
{
    uint8_t first = dice_below(dice, 2) == 0 ? 0x89 : 0x8A;

    stream_frame(out, reader, first, dice_below(dice, WS_FRAME_CONTROL_MAX + 1), dice);
}

/* One message in one to four fragments with control frames between them. */
static void stream_message(struct buf *out, enum ws_role reader, struct dice *dice)
{
    uint32_t fragments = 1 + dice_below(dice, 4);

    for (uint32_t i = 0; i < fragments; i++) {
        uint8_t first = i == 0 ? WS_OPCODE_BINARY : WS_OPCODE_CONTINUATION;
        size_t size = stream_payload(dice) / fragments;
        if (i + 1 == fragments) {
            first |= 0x80;
        }
        stream_frame(out, reader, first, size, dice);
        if (dice_below(dice, 3) == 0) {
            stream_control(out, reader, dice);
        }
    }
}

static void stream_make(struct buf *out, enum ws_role reader, struct dice *dice)
{
    uint32_t messages = 1 + dice_below(dice, FRAMES_MAX);

    for (uint32_t i = 0; i < messages; i++) {
        if (dice_below(dice, 4) == 0) {
            stream_control(out, reader, dice);
        } else {
            stream_message(out, reader, dice);
        }
    }
    if (dice_below(dice, 3) == 0) {
        stream_frame(out, reader, 0x88, 0, dice);
    }
}

/* Damage up to three bytes, most often near a front, where the heads are. */
static void stream_damage(struct buf *stream, struct dice *dice)
{
    uint32_t times = 1 + dice_below(dice, 3);

    for (uint32_t i = 0; i < times; i++) {
        uint32_t reach = (uint32_t)stream->size;
        if (dice_below(dice, 2) == 0 && reach > 40) {
            reach = 40;
        }
        stream->at[dice_below(dice, reach)] ^= (uint8_t)(1 << dice_below(dice, 8));
    }
}

/* ---- the comparisons ---- */

static void compare_whole(enum ws_role role, uint64_t seed)
{
    struct dice dice = { .state = seed };
    struct buf stream = { 0 };
    struct record ours = { .is_refused = false };
    struct record theirs = { .is_refused = false };

    stream_make(&stream, role, &dice);
    our_read(role, buf_view(&stream), &dice, &ours);
    wslay_read(role, buf_view(&stream), &theirs);
    if (ours.is_refused || theirs.is_refused || ours.is_closed != theirs.is_closed ||
        !bytes_equal(buf_view(&ours.messages), buf_view(&theirs.messages))) {
        fail_msg("seed %llu role %d: refused %d and %d, %zu and %zu bytes",
                 (unsigned long long)seed, (int)role, ours.is_refused, theirs.is_refused,
                 ours.messages.size, theirs.messages.size);
    }
    buf_clear(&stream);
    buf_clear(&ours.messages);
    buf_clear(&theirs.messages);
}

static void whole_streams_are_read_alike(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS / 3; seed++) {
        compare_whole(WS_ROLE_SERVER, seed);
        compare_whole(WS_ROLE_CLIENT, seed);
    }
}

/* Returns whether ours read to the end what was damaged: the test counts that both happen. */
static bool compare_damaged(enum ws_role role, uint64_t seed)
{
    struct dice dice = { .state = seed };
    struct buf stream = { 0 };
    struct record ours = { .is_refused = false };
    struct record theirs = { .is_refused = false };

    stream_make(&stream, role, &dice);
    stream_damage(&stream, &dice);
    our_read(role, buf_view(&stream), &dice, &ours);
    wslay_read(role, buf_view(&stream), &theirs);
    bool is_prefix = ours.messages.size <= theirs.messages.size &&
                     (ours.messages.size == 0 ||
                      memcmp(ours.messages.at, theirs.messages.at, ours.messages.size) == 0);
    bool is_same = ours.messages.size == theirs.messages.size;
    if (!is_prefix || (!ours.is_refused && (theirs.is_refused || !is_same))) {
        fail_msg("seed %llu role %d: refused %d and %d, %zu and %zu bytes",
                 (unsigned long long)seed, (int)role, ours.is_refused, theirs.is_refused,
                 ours.messages.size, theirs.messages.size);
    }
    buf_clear(&stream);
    buf_clear(&ours.messages);
    buf_clear(&theirs.messages);
    return !ours.is_refused;
}

static void damaged_streams_are_refused_at_least_where_wslay_refuses(void **state)
{
    int read = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        read += compare_damaged(WS_ROLE_SERVER, seed) ? 1 : 0;
        read += compare_damaged(WS_ROLE_CLIENT, seed) ? 1 : 0;
    }
    assert_in_range(read, ROUNDS / 10, 2 * ROUNDS - ROUNDS / 10);
}

/* What wslay writes as one end is read by our framer as the other. */
static void streams_that_wslay_writes_are_read(void **state)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 65535, 65536, 70000 };
    static uint8_t payload[PAYLOAD_MAX];

    (void)state;
    for (int role = WS_ROLE_SERVER; role <= WS_ROLE_CLIENT; role++) {
        struct record read = { .is_refused = false };
        struct record want = { .is_refused = false };
        struct wslay_reader writer = { .record = &read };
        struct dice dice = { .state = 7 };
        bool we_serve = role == WS_ROLE_SERVER;
        wslay_event_context_ptr context =
            wslay_open(we_serve ? WS_ROLE_CLIENT : WS_ROLE_SERVER, &writer);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct wslay_event_msg message = { WSLAY_BINARY_FRAME, payload, sizes[i] };
            memset(payload, (int)i + 1, sizes[i]);
            assert_int_equal(wslay_event_queue_msg(context, &message), 0);
            assert_int_equal(wslay_event_send(context), 0);
            record_message(&want, WS_OPCODE_BINARY, bytes_of(payload, sizes[i]));
        }
        our_read((enum ws_role)role, buf_view(&writer.written), &dice, &read);
        assert_false(read.is_refused);
        assert_true(bytes_equal(buf_view(&read.messages), buf_view(&want.messages)));
        wslay_event_context_free(context);
        buf_clear(&writer.written);
        buf_clear(&read.messages);
        buf_clear(&want.messages);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_streams_are_read_alike),
        cmocka_unit_test(damaged_streams_are_refused_at_least_where_wslay_refuses),
        cmocka_unit_test(streams_that_wslay_writes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
