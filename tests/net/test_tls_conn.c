/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of conn.h under TLS: bytes, pauses, ends. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/net/conn_private.h"
#include "server/net/net_private.h"
#include "tests/net/tls_room.h"
#include "tests/support/unit.h"

enum {
    ALL = 1 << 30,
    MANY_BYTES = 3000000,
    SHORT_MS = 50,
    ANSWER_BYTES = 150000,
    RECORD_HEAD_BYTES = 5,
    RECORD_APPLICATION = 23,
    RECORD_PLAIN_MAX = 16384
};

/* Fill with bytes that tell where they stand. */
static uint8_t *many_bytes(void)
{
    uint8_t *many = mem_raw(MANY_BYTES);

    for (size_t i = 0; i < MANY_BYTES; i++) {
        many[i] = (uint8_t)(i * 31 + i / 251);
    }
    return many;
}

static void a_handshake_and_bytes_that_come_one_by_one_are_read(void **state)
{
    struct tls_room *room = *state;
    size_t sent = 0;

    tls_peer_connect(&room->peer, NULL);
    assert_true(tls_peer_shake(&room->peer, 1));
    assert_int_equal(SSL_write(room->peer.ssl, "hello", 5), 5);
    do {
        sent = tls_peer_send(&room->peer, 1);
        wire_turn(&room->wire);
    } while (sent > 0);
    wire_wait_for_seen(&room->wire, "hello|");
}

/* Two records, cut at each place once. */
static void records_cut_anywhere_are_read(void **state)
{
    struct tls_room *room = *state;
    size_t size = SIZE_MAX;

    tls_peer_meet(&room->peer);
    room->wire.is_bare = true;
    for (size_t cut = 1; cut < size; cut++) {
        assert_int_equal(SSL_write(room->peer.ssl, "first", 5), 5);
        assert_int_equal(SSL_write(room->peer.ssl, "second", 6), 6);
        size = BIO_ctrl_pending(SSL_get_wbio(room->peer.ssl));
        assert_int_equal(tls_peer_send(&room->peer, cut), cut);
        wire_turn(&room->wire);
        wire_turn(&room->wire);
        assert_int_equal(tls_peer_send(&room->peer, ALL), size - cut);
        wire_wait_for_seen(&room->wire, "firstsecond");
        buf_empty(&room->wire.seen);
    }
}

static void what_came_with_the_end_of_the_handshake_is_read(void **state)
{
    struct tls_room *room = *state;
    int result = 0;

    tls_peer_connect(&room->peer, NULL);
    while (result != 1) {
        result = SSL_do_handshake(room->peer.ssl);
        if (result != 1) {
            (void)tls_peer_send(&room->peer, ALL);
            wire_turn(&room->wire);
            tls_peer_receive(&room->peer);
        }
    }
    tls_peer_say(&room->peer, "early"); /* in one segment with our Finished */
    wire_wait_for_seen(&room->wire, "early|");
}

static void bytes_not_taken_are_given_again_with_more_behind(void **state)
{
    struct tls_room *room = *state;

    tls_peer_meet(&room->peer);
    room->wire.take_max = 1;
    tls_peer_say(&room->peer, "abc");
    wire_wait_for_seen(&room->wire, "abc|");
    tls_peer_say(&room->peer, "de");
    wire_wait_for_seen(&room->wire, "abc|bcde|");
}

static void pause_in_on_bytes(struct wire *wire, struct conn *conn)
{
    (void)wire;
    conn_pause(conn, CONN_PAUSE_REQUEST);
}

/* More than one reading takes is in the library by then; no byte comes to wake the loop. */
static void what_the_library_holds_is_given_after_a_pause(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();
    size_t before = 0;

    tls_peer_meet(&room->peer);
    room->wire.react = pause_in_on_bytes;
    assert_int_equal(SSL_write(room->peer.ssl, many, 100000), 100000);
    while (room->wire.seen.size < 100000) {
        while (tls_peer_send(&room->peer, ALL) > 0) {
        }
        wire_turn(&room->wire);
        wire_turn(&room->wire);
        if (room->wire.seen.size > before) {
            before = room->wire.seen.size;
            assert_true(conn_is_paused(room->wire.conn));
            wire_turn(&room->wire);
            assert_int_equal(room->wire.seen.size, before);
        }
        conn_resume(room->wire.conn, CONN_PAUSE_REQUEST);
    }
    free(many);
}

static void a_paused_connection_lets_the_loop_sleep(void **state)
{
    struct tls_room *room = *state;

    tls_peer_meet(&room->peer);
    room->wire.react = pause_in_on_bytes;
    tls_peer_say(&room->peer, "a");
    wire_wait_for_seen(&room->wire, "a|");
    tls_peer_say(&room->peer, "b");
    for (int i = 0; i < 5; i++) {
        wire_turn(&room->wire);
    }
    int64_t began = clock_steady_ms();
    loop_turn(room->wire.loop, SHORT_MS);
    assert_true(clock_steady_ms() - began >= SHORT_MS - 1);
    assert_true(bytes_equal(buf_view(&room->wire.seen), bytes_text("a|")));
}

/* Size of the record at the front, less its head; 0 when it is not whole. */
static size_t record_size(const struct buf *raw)
{
    if (raw->size < RECORD_HEAD_BYTES) {
        return 0;
    }
    size_t size = (size_t)(raw->at[3] << 8 | raw->at[4]);
    return raw->size < RECORD_HEAD_BYTES + size ? 0 : size;
}

/* What the peer gets, record by record; the payload of each with what TLS adds. */
static size_t next_record(struct tls_room *room, struct buf *raw)
{
    while (record_size(raw) == 0) {
        wire_turn(&room->wire);
        assert_true(wire_receive(room->peer.fd, raw) >= 0);
    }
    size_t size = record_size(raw);
    assert_int_equal(raw->at[0], RECORD_APPLICATION);
    buf_drop_front(raw, RECORD_HEAD_BYTES + size);
    return size;
}

static void meet_and_hear_the_ticket(struct tls_room *room)
{
    struct buf got = { 0 };

    tls_peer_meet(&room->peer);
    conn_write(room->wire.conn, bytes_text("x"));
    tls_peer_hear_all(&room->peer, &got, 1);
    buf_clear(&got);
}

static void what_a_turn_wrote_leaves_in_full_records(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();
    struct buf raw = { 0 };

    meet_and_hear_the_ticket(room);
    for (size_t i = 0; i < 40; i++) {
        conn_write(room->wire.conn, bytes_of(many + i * 1000, 1000));
    }
    assert_true(next_record(room, &raw) > RECORD_PLAIN_MAX);
    assert_true(next_record(room, &raw) > RECORD_PLAIN_MAX);
    assert_true(next_record(room, &raw) < RECORD_PLAIN_MAX / 2 + 100);
    assert_int_equal(raw.size, 0);
    buf_clear(&raw);
    free(many);
}

/* A wire's sockets take little at once, so that output piles up; enough of that. */
static void take_more(const struct tls_peer *peer)
{
    const int large = 1048576;

    assert_int_equal(setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large), 0);
}

static void much_goes_out_at_the_pace_of_the_peer(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();
    struct buf got = { 0 };

    tls_peer_meet(&room->peer);
    conn_write(room->wire.conn, bytes_of(many, MANY_BYTES));
    for (int i = 0; i < 10; i++) {
        wire_turn(&room->wire);
    }
    assert_true(conn_output_bytes(room->wire.conn) > WIRE_HIGH_BYTES);
    assert_true(conn_is_paused(room->wire.conn));
    take_more(&room->peer);
    tls_peer_hear_all(&room->peer, &got, MANY_BYTES / 2);
    conn_write(room->wire.conn, bytes_text("appended while a record waits"));
    tls_peer_hear_all(&room->peer, &got, MANY_BYTES + 29);
    assert_memory_equal(got.at, many, MANY_BYTES);
    assert_memory_equal(got.at + MANY_BYTES, "appended while a record waits", 29);
    assert_int_equal(room->wire.drained, 1);
    assert_int_equal(conn_output_bytes(room->wire.conn), 0);
    buf_clear(&got);
    free(many);
}

static void send_all(struct tls_peer *peer)
{
    while (tls_peer_send(peer, ALL) > 0) {
    }
}

static void much_comes_in_whole(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();

    tls_peer_meet(&room->peer);
    room->wire.is_bare = true;
    assert_int_equal(SSL_write(room->peer.ssl, many, MANY_BYTES), MANY_BYTES);
    while (room->wire.seen.size < MANY_BYTES) {
        send_all(&room->peer);
        wire_turn(&room->wire);
    }
    assert_int_equal(room->wire.seen.size, MANY_BYTES);
    assert_memory_equal(room->wire.seen.at, many, MANY_BYTES);
    free(many);
}

static void answer_much(struct wire *wire, struct conn *conn)
{
    static const uint8_t zeros[ANSWER_BYTES];

    (void)wire;
    conn_write(conn, bytes_of(zeros, sizeof zeros));
}

/* The peer sends on and takes nothing for a while: the relay waits, nothing is lost. */
static void both_ways_at_once_under_back_pressure(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();
    struct buf got = { 0 };

    tls_peer_meet(&room->peer);
    room->wire.is_bare = true;
    room->wire.react = answer_much;
    assert_int_equal(SSL_write(room->peer.ssl, many, MANY_BYTES), MANY_BYTES);
    for (int i = 0; i < 200; i++) {
        send_all(&room->peer);
        wire_turn(&room->wire);
    }
    assert_true(conn_is_paused(room->wire.conn));
    assert_true(room->wire.seen.size < MANY_BYTES);
    take_more(&room->peer);
    while (room->wire.seen.size < MANY_BYTES || got.size < room->wire.calls * ANSWER_BYTES) {
        send_all(&room->peer);
        if (tls_peer_hear(&room->peer, &got) == 0) {
            wire_turn(&room->wire);
        }
    }
    assert_memory_equal(room->wire.seen.at, many, MANY_BYTES);
    assert_int_equal(got.size, room->wire.calls * ANSWER_BYTES);
    buf_clear(&got);
    free(many);
}

static void a_peer_that_takes_nothing_is_ended_as_stalled(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();

    tls_peer_meet(&room->peer);
    room->wire.net->limits.write_timeout_ms = SHORT_MS;
    conn_write(room->wire.conn, bytes_of(many, MANY_BYTES));
    wire_wait(&room->wire, wire_is_closed);
    assert_int_equal(room->wire.end, CONN_END_STALLED);
    free(many);
}

/* ---- ends ---- */

static void answer_in_on_bytes(struct wire *wire, struct conn *conn)
{
    (void)wire;
    conn_write(conn, bytes_text("one "));
    conn_write(conn, bytes_text("two"));
}

static void a_peer_that_says_good_bye_gets_what_it_is_owed(void **state)
{
    struct tls_room *room = *state;
    struct buf got = { 0 };
    long size = 0;

    tls_peer_meet(&room->peer);
    room->wire.react = answer_in_on_bytes;
    tls_peer_say(&room->peer, "x");
    assert_int_equal(SSL_shutdown(room->peer.ssl), 0);
    (void)tls_peer_send(&room->peer, ALL);
    (void)shutdown(room->peer.fd, SHUT_WR);
    while (size >= 0) {
        wire_turn(&room->wire);
        size = tls_peer_hear(&room->peer, &got);
    }
    assert_true(bytes_equal(buf_view(&got), bytes_text("one two")));
    wire_wait(&room->wire, wire_is_closed);
    assert_int_equal(room->wire.end, CONN_END_PEER);
    buf_clear(&got);
}

static void a_peer_that_is_cut_off_did_not_say_good_bye(void **state)
{
    struct tls_room *room = *state;

    tls_peer_meet(&room->peer);
    tls_peer_say(&room->peer, "half a mess");
    (void)shutdown(room->peer.fd, SHUT_WR);
    wire_wait(&room->wire, wire_is_closed);
    assert_int_equal(room->wire.end, CONN_END_ERROR);
    assert_true(bytes_equal(buf_view(&room->wire.seen), bytes_text("half a mess|")));
}

static void a_forged_record_ends_the_connection(void **state)
{
    struct tls_room *room = *state;
    char *at = NULL;

    tls_peer_meet(&room->peer);
    assert_int_equal(SSL_write(room->peer.ssl, "hello", 5), 5);
    assert_true(BIO_get_mem_data(SSL_get_wbio(room->peer.ssl), &at) > 8);
    at[8] ^= 1;
    (void)tls_peer_send(&room->peer, ALL);
    wire_wait(&room->wire, wire_is_closed);
    assert_int_equal(room->wire.end, CONN_END_ERROR);
    assert_int_equal(room->wire.seen.size, 0);
}

static void finish_writes_all_and_says_good_bye(void **state)
{
    struct tls_room *room = *state;
    uint8_t *many = many_bytes();
    struct buf got = { 0 };
    long size = 0;

    tls_peer_meet(&room->peer);
    conn_write(room->wire.conn, bytes_of(many, MANY_BYTES));
    conn_finish(room->wire.conn);
    take_more(&room->peer);
    while (size >= 0) {
        size = tls_peer_hear(&room->peer, &got);
        if (size == 0) {
            wire_turn(&room->wire);
        }
    }
    assert_int_equal(got.size, MANY_BYTES);
    assert_memory_equal(got.at, many, MANY_BYTES);
    tls_peer_say(&room->peer, "still talking");
    wire_turn(&room->wire);
    wire_turn(&room->wire);
    assert_int_equal(room->wire.closed, 0);
    assert_int_equal(room->wire.seen.size, 0);
    tls_peer_drop(&room->peer);
    wire_wait(&room->wire, wire_is_closed);
    assert_int_equal(room->wire.end, CONN_END_OURS);
    buf_clear(&got);
    free(many);
}

static void destroying_the_net_says_good_bye(void **state)
{
    struct tls_room *room = *state;
    struct buf got = { 0 };
    long size = 0;

    tls_peer_meet(&room->peer);
    conn_write(room->wire.conn, bytes_text("last words"));
    net_destroy(room->wire.net);
    room->wire.net = NULL;
    while (size >= 0) {
        size = tls_peer_hear(&room->peer, &got);
    }
    assert_true(bytes_equal(buf_view(&got), bytes_text("last words")));
    buf_clear(&got);
}

static void a_handshake_under_way_ends_with_the_net(void **state)
{
    struct tls_room *room = *state;

    tls_peer_connect(&room->peer, NULL);
    (void)SSL_do_handshake(room->peer.ssl);
    (void)tls_peer_send(&room->peer, 30);
    while (net_connection_count(room->wire.net) == 0) {
        wire_turn(&room->wire);
    }
    wire_turn(&room->wire);
    net_destroy(room->wire.net);
    room->wire.net = NULL;
    assert_int_equal(room->wire.accepted, 0);
}

/* A client may ask for new keys at any time; it costs nobody the connection. */
static void keys_are_updated_on_request(void **state)
{
    struct tls_room *room = *state;
    struct buf got = { 0 };

    tls_peer_meet(&room->peer);
    assert_int_equal(SSL_key_update(room->peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    tls_peer_say(&room->peer, "new keys");
    wire_wait_for_seen(&room->wire, "new keys|");
    conn_write(room->wire.conn, bytes_text("mine too"));
    tls_peer_hear_all(&room->peer, &got, 8);
    assert_true(bytes_equal(buf_view(&got), bytes_text("mine too")));
    buf_clear(&got);
}

int main(void)
{
#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, tls_room_open, tls_room_close)
    const struct CMUnitTest tests[] = {
        IN_ROOM(a_handshake_and_bytes_that_come_one_by_one_are_read),
        IN_ROOM(records_cut_anywhere_are_read),
        IN_ROOM(what_came_with_the_end_of_the_handshake_is_read),
        IN_ROOM(bytes_not_taken_are_given_again_with_more_behind),
        IN_ROOM(what_the_library_holds_is_given_after_a_pause),
        IN_ROOM(a_paused_connection_lets_the_loop_sleep),
        IN_ROOM(what_a_turn_wrote_leaves_in_full_records),
        IN_ROOM(much_goes_out_at_the_pace_of_the_peer),
        IN_ROOM(much_comes_in_whole),
        IN_ROOM(both_ways_at_once_under_back_pressure),
        IN_ROOM(a_peer_that_takes_nothing_is_ended_as_stalled),
        IN_ROOM(a_peer_that_says_good_bye_gets_what_it_is_owed),
        IN_ROOM(a_peer_that_is_cut_off_did_not_say_good_bye),
        IN_ROOM(a_forged_record_ends_the_connection),
        IN_ROOM(finish_writes_all_and_says_good_bye),
        IN_ROOM(destroying_the_net_says_good_bye),
        IN_ROOM(a_handshake_under_way_ends_with_the_net),
        IN_ROOM(keys_are_updated_on_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
