/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel on a real connection.  Nothing waits for time but the ping tests, whose
 * times are a few milliseconds.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/crypto.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/ws/channel.h"
#include "server/ws/frame.h"
#include "tests/support/unit.h"
#include "tests/support/ws_place.h"

static bool has_message(const struct ws_place *place)
{
    return place->messages > 0;
}

static void frames_right_behind_the_request_are_read(void **state)
{
    struct ws_place *place = *state;
    struct buf both = { 0 };

    place->echo = true;
    buf_append_text(&both, ws_place_request);
    buf_append(&both, bytes_of("\x82\x82\x00\x00\x00\x00hi", 8));
    ws_place_send(place, buf_view(&both));
    ws_place_wait(place, has_message);
    ws_place_wait(place, ws_place_is_answered);
    free(ws_place_take_head(place));
    ws_place_expect(place, WS_OPCODE_BINARY, bytes_text("hi"));
    buf_clear(&both);
}

/* ---- messages ---- */

static void messages_of_all_sizes_come_back(void **state)
{
    static const size_t sizes[] = {
        0, 1, 125, 126, 8192, 8193, 65535, 65536, WS_PLACE_MESSAGE_MAX
    };
    struct ws_place *place = *state;
    uint8_t *payload = mem_raw(WS_PLACE_MESSAGE_MAX);

    place->echo = true;
    ws_place_upgrade(place);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(payload, (int)i + 'a', sizes[i]);
        ws_place_frame(place, WS_OPCODE_BINARY, bytes_of(payload, sizes[i]));
        ws_place_expect(place, WS_OPCODE_BINARY, bytes_of(payload, sizes[i]));
    }
    free(payload);
}

static void many_messages_in_one_write_come_back_in_order(void **state)
{
    struct ws_place *place = *state;
    struct buf all = { 0 };

    place->echo = true;
    ws_place_upgrade(place);
    for (unsigned i = 0; i < 100; i++) {
        buf_append(&all, bytes_of("\x82\x82\x00\x00\x00\x00", 6));
        buf_append_u16(&all, (uint16_t)i);
    }
    ws_place_send(place, buf_view(&all));
    for (unsigned i = 0; i < 100; i++) {
        uint8_t want[2] = { 0, (uint8_t)i };
        ws_place_expect(place, WS_OPCODE_BINARY, bytes_of(want, 2));
    }
    buf_clear(&all);
}

static void a_message_that_comes_byte_by_byte_is_whole(void **state)
{
    static const char frames[] = "\x02\x83\x00\x00\x00\x00"
                                 "abc\x89\x81\x00\x00\x00\x00p\x80\x83\x00\x00\x00\x00"
                                 "def";
    struct ws_place *place = *state;

    place->echo = true;
    ws_place_upgrade(place);
    for (size_t i = 0; i < sizeof frames - 1; i++) {
        ws_place_send(place, bytes_of(frames + i, 1));
    }
    ws_place_expect(place, WS_OPCODE_PONG, bytes_text("p"));
    ws_place_expect(place, WS_OPCODE_BINARY, bytes_text("abcdef"));
}

static void pings_are_answered_with_their_payload(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_frame(place, WS_OPCODE_PING, bytes_text("are you there"));
    ws_place_expect(place, WS_OPCODE_PONG, bytes_text("are you there"));
    ws_place_frame(place, WS_OPCODE_PONG, bytes_text("unasked"));
    ws_place_frame(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    ws_place_expect(place, WS_OPCODE_PONG, bytes_of(NULL, 0));
    assert_int_equal(place->messages, 0);
}

/* ---- the end ---- */

static void the_peers_close_is_answered_with_its_code(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_frame(place, WS_OPCODE_CLOSE, bytes_text("\x0b\xb8why")); /* 3000 */
    ws_place_expect_close(place, 3000);
}

static void a_close_without_a_code_is_answered_without_one(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_frame(place, WS_OPCODE_CLOSE, bytes_of(NULL, 0));
    ws_place_expect_close(place, WS_FRAME_CLOSE_NONE);
}

static void a_bad_close_reason_is_1007(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_frame(place, WS_OPCODE_CLOSE, bytes_text("\x03\xe8\xc3("));
    ws_place_expect_close(place, 1007);
}

static void text_is_1003(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_frame(place, WS_OPCODE_TEXT, bytes_text("hello"));
    ws_place_text(place, "not heard");
    ws_place_expect_close(place, WS_CLOSE_UNSUPPORTED);
    assert_int_equal(place->messages, 0);
}

static void a_broken_frame_is_1002(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_send(place, bytes_of("\x82\x02hi", 4)); /* without a mask */
    ws_place_expect_close(place, WS_CLOSE_PROTOCOL);
    assert_int_equal(place->messages, 0);
}

static void a_message_above_the_limit_is_1009(void **state)
{
    uint8_t head[WS_FRAME_HEAD_MAX];
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    size_t size =
        ws_frame_head(head, WS_OPCODE_BINARY, WS_PLACE_MESSAGE_MAX + 1, (const uint8_t *)"key!");
    ws_place_send(place, bytes_of(head, size));
    ws_place_expect_close(place, WS_CLOSE_TOO_BIG);
}

static void our_close_ends_reading_and_sending(void **state)
{
    struct ws_place *place = *state;

    place->echo = true;
    ws_place_upgrade(place);
    ws_place_text(place, "close");
    ws_place_text(place, "not heard");
    ws_place_expect_close(place, WS_CLOSE_POLICY);
    assert_int_equal(place->messages, 1);
}

static void a_close_in_the_middle_of_a_message_frees_it(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_send(place, bytes_of("\x02\x83\x00\x00\x00\x00"
                                  "abc",
                                  9));
    ws_place_frame(place, WS_OPCODE_CLOSE, bytes_text("\x03\xe8"));
    ws_place_expect_close(place, WS_CLOSE_NORMAL);
    assert_int_equal(place->messages, 0);
}

static void a_peer_that_hangs_up_is_heard_once(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_send(place, bytes_of("\x82\xfe\x10", 3));
    assert_int_equal(shutdown(place->client, SHUT_RDWR), 0);
    ws_place_wait(place, ws_place_is_gone);
    assert_int_equal(place->closed, 1);
}

/* ---- pausing and room ---- */

static bool has_three(const struct ws_place *place)
{
    return place->messages >= 3;
}

static void a_paused_channel_hears_nothing_until_it_is_resumed(void **state)
{
    struct ws_place *place = *state;
    struct buf both = { 0 };

    ws_place_upgrade(place);
    buf_append(&both, bytes_of("\x82\x85\x00\x00\x00\x00pause\x82\x83\x00\x00\x00\x00two", 20));
    ws_place_send(place, buf_view(&both));
    ws_place_text(place, "three");
    ws_place_wait(place, has_message);
    for (int i = 0; i < 20; i++) {
        loop_turn(place->loop, 1);
    }
    assert_int_equal(place->messages, 1);
    ws_channel_resume(place->channel);
    ws_place_wait(place, has_three);
    assert_int_equal(place->messages, 3);
    assert_true(bytes_equal(buf_view(&place->heard),
                            bytes_of("\0\0\0\5pause\0\0\0\3two\0\0\0\5three", 25)));
    buf_clear(&both);
}

static bool has_room_again(const struct ws_place *place)
{
    return place->rooms > 0;
}

static void on_room_comes_once_when_the_peer_takes_its_output(void **state)
{
    static const uint8_t block[4096];
    struct ws_place *place = *state;
    size_t blocks = 0;

    ws_place_upgrade(place);
    while (blocks < 10000 && ws_channel_has_room(place->channel)) {
        ws_channel_send(place->channel, bytes_of(block, sizeof block), bytes_of(NULL, 0));
        loop_turn(place->loop, 0);
        blocks++;
    }
    assert_false(ws_channel_has_room(place->channel)); /* the client has read nothing */
    assert_int_equal(place->rooms, 0);
    ws_place_wait(place, has_room_again);
    assert_true(ws_channel_has_room(place->channel));
    for (size_t i = 0; i < blocks; i++) {
        ws_place_expect(place, WS_OPCODE_BINARY, bytes_of(block, sizeof block));
    }
    assert_int_equal(place->rooms, 1);
}

/* ---- pings ---- */

static int open_with_short_pings(void **state)
{
    (void)ws_place_open(state);
    struct ws_place *place = *state;
    place->config.ping_ms = 8;
    place->config.pong_ms = 40;
    return 0;
}

static void a_peer_that_answers_pings_stays(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    for (int i = 0; i < 5; i++) {
        ws_place_expect(place, WS_OPCODE_PING, bytes_of(NULL, 0));
        ws_place_frame(place, WS_OPCODE_PONG, bytes_of(NULL, 0));
    }
    assert_int_equal(place->closed, 0);
}

static void a_peer_that_answers_no_ping_is_ended(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_place_expect(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    ws_place_wait(place, ws_place_is_gone);
    assert_int_equal(place->closed, 1);
}

static void a_paused_peer_is_not_ended_for_its_silence(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    ws_channel_pause(place->channel);
    for (int i = 0; i < 3; i++) {
        ws_place_expect(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    }
    assert_int_equal(place->closed, 0);
}

static bool is_held(const struct ws_place *place)
{
    return place->requests.held_bytes > 4096;
}

/* A frame's head that announces more than comes. */
static void send_part(struct ws_place *place, size_t size, size_t sent)
{
    static const uint8_t key[WS_FRAME_KEY_BYTES];
    uint8_t head[WS_FRAME_HEAD_MAX];
    uint8_t *part = mem_zeroed(1, sent);

    size_t head_size = ws_frame_head(head, WS_OPCODE_BINARY, size, key);
    ws_place_send(place, bytes_of(head, head_size));
    ws_place_send(place, bytes_of(part, sent));
    free(part);
}

static void a_message_that_drips_is_ended(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    send_part(place, 100000, 10000);
    ws_place_wait(place, is_held);
    ws_place_expect(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    ws_place_send(place, bytes_text("x"));
    ws_place_expect(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    ws_place_send(place, bytes_text("x"));
    ws_place_expect_close(place, WS_CLOSE_POLICY);
    assert_int_equal(place->messages, 0);
}

/* ---- the room of all ---- */

static void a_large_message_without_room_is_told_to_come_again(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    place->requests.max_bytes = 70000;
    send_part(place, 150000, 80000);
    ws_place_expect_close(place, WS_CLOSE_TRY_LATER);
    assert_int_equal(place->messages, 0);
}

static void a_small_message_has_room_beside_large_ones(void **state)
{
    struct ws_place *place = *state;

    ws_place_upgrade(place);
    place->requests.max_bytes = 70000;
    allowance_count(&place->requests, 0, 70001);
    send_part(place, 30000, 20000);
    ws_place_wait(place, is_held);
    uint8_t *rest = mem_zeroed(1, 10000);
    ws_place_send(place, bytes_of(rest, 10000));
    ws_place_wait(place, has_message);
    assert_int_equal(place->closed, 0);
    assert_int_equal(place->requests.held_bytes, 70001);
    allowance_count(&place->requests, 70001, 0);
    free(rest);
}

#define ON_A_PLACE(test) cmocka_unit_test_setup_teardown(test, ws_place_open, ws_place_close)
#define WITH_PINGS(test) \
    cmocka_unit_test_setup_teardown(test, open_with_short_pings, ws_place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_PLACE(frames_right_behind_the_request_are_read),
        ON_A_PLACE(messages_of_all_sizes_come_back),
        ON_A_PLACE(many_messages_in_one_write_come_back_in_order),
        ON_A_PLACE(a_message_that_comes_byte_by_byte_is_whole),
        ON_A_PLACE(pings_are_answered_with_their_payload),
        ON_A_PLACE(the_peers_close_is_answered_with_its_code),
        ON_A_PLACE(a_close_without_a_code_is_answered_without_one),
        ON_A_PLACE(a_bad_close_reason_is_1007),
        ON_A_PLACE(text_is_1003),
        ON_A_PLACE(a_broken_frame_is_1002),
        ON_A_PLACE(a_message_above_the_limit_is_1009),
        ON_A_PLACE(our_close_ends_reading_and_sending),
        ON_A_PLACE(a_close_in_the_middle_of_a_message_frees_it),
        ON_A_PLACE(a_peer_that_hangs_up_is_heard_once),
        ON_A_PLACE(a_paused_channel_hears_nothing_until_it_is_resumed),
        ON_A_PLACE(on_room_comes_once_when_the_peer_takes_its_output),
        WITH_PINGS(a_peer_that_answers_pings_stays),
        WITH_PINGS(a_peer_that_answers_no_ping_is_ended),
        WITH_PINGS(a_message_that_drips_is_ended),
        ON_A_PLACE(a_large_message_without_room_is_told_to_come_again),
        ON_A_PLACE(a_small_message_has_room_beside_large_ones),
        WITH_PINGS(a_paused_peer_is_not_ended_for_its_silence),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
