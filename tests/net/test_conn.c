/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of conn.h on real sockets. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/net/conn_private.h"
#include "tests/net/wire.h"
#include "tests/support/unit.h"

enum {
    IDLE_CONN_BYTES = 1024,
    SOON_MS = 20,
    MANY_BYTES = 8000000
};

static int open_wire(void **state)
{
    struct wire *wire = mem_zeroed(1, sizeof *wire);

    wire_open(wire, 10, WIRE_PATIENCE_MS);
    *state = wire;
    return 0;
}

static int close_wire(void **state)
{
    wire_close(*state);
    free(*state);
    return 0;
}

static void bytes_not_taken_are_given_again_with_more_behind(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    wire->take_max = 1;
    wire_send(peer, "abc");
    wire_wait_for_seen(wire, "abc|");
    wire_send(peer, "de");
    wire_wait_for_seen(wire, "abc|bcde|");
    wire->take_max = 100;
    wire_send(peer, "f");
    wire_wait_for_seen(wire, "abc|bcde|cdef|");
    wire_send(peer, "g");
    wire_wait_for_seen(wire, "abc|bcde|cdef|g|");
    (void)close(peer);
}

static void an_idle_connection_holds_no_buffer(void **state)
{
    struct wire *wire = *state;
    struct buf got = { 0 };
    int peer = wire_connect_and_meet(wire);

    assert_true(sizeof(struct conn) <= IDLE_CONN_BYTES);
    wire_send(peer, "hello");
    wire_wait_for_seen(wire, "hello|");
    conn_write(wire->conn, bytes_text("answer"));
    while (got.size < strlen("answer")) {
        wire_turn(wire);
        assert_true(wire_receive(peer, &got) >= 0);
    }
    assert_null(wire->conn->kept.at);
    assert_null(wire->conn->output.at);
    buf_clear(&got);
    (void)close(peer);
}

static void pause_reasons_add_up_and_kept_bytes_come_after_the_last(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    wire->take_max = 1;
    wire_send(peer, "ab");
    wire_wait_for_seen(wire, "ab|");
    conn_pause(wire->conn, CONN_PAUSE_REQUEST);
    conn_pause(wire->conn, CONN_PAUSE_STORE);
    wire_send(peer, "c");
    for (int i = 0; i < 5; i++) {
        wire_turn(wire);
    }
    conn_resume(wire->conn, CONN_PAUSE_REQUEST);
    assert_true(conn_is_paused(wire->conn));
    for (int i = 0; i < 5; i++) {
        wire_turn(wire);
    }
    assert_true(bytes_equal(buf_view(&wire->seen), bytes_text("ab|")));
    wire->take_max = 100;
    conn_resume(wire->conn, CONN_PAUSE_STORE);
    assert_false(conn_is_paused(wire->conn));
    wire_wait_for_seen(wire, "ab|b|c|");
    (void)close(peer);
}

static bool has_heard_the_end(const struct wire *wire)
{
    return wire->peer_ends > 0;
}

/* A client that shut its direction may still read: what it is owed reaches it. */
static void a_peers_end_is_told_once_while_nothing_is_read(void **state)
{
    struct wire *wire = *state;
    struct buf got = { 0 };
    int peer = wire_connect_and_meet(wire);

    conn_pause(wire->conn, CONN_PAUSE_REQUEST);
    conn_watch_end(wire->conn, true);
    wire_send(peer, "unread");
    for (int i = 0; i < 5; i++) {
        wire_turn(wire);
    }
    assert_int_equal(wire->peer_ends, 0);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    wire_wait(wire, has_heard_the_end);
    for (int i = 0; i < 5; i++) {
        wire_turn(wire);
    }
    assert_int_equal(wire->peer_ends, 1);
    assert_int_equal(wire->calls, 0);
    conn_write(wire->conn, bytes_text("answer"));
    while (got.size < strlen("answer")) {
        wire_turn(wire);
        assert_true(wire_receive(peer, &got) >= 0);
    }
    conn_resume(wire->conn, CONN_PAUSE_REQUEST);
    wire_wait_for_seen(wire, "unread|");
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->peer_ends, 1);
    buf_clear(&got);
    (void)close(peer);
}

static void who_watches_no_more_is_not_told_of_the_end(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    conn_watch_end(wire->conn, true);
    wire_turn(wire);
    conn_watch_end(wire->conn, false);
    (void)close(peer);
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->peer_ends, 0);
}

static void pause_in_on_bytes(struct wire *wire, struct conn *conn)
{
    (void)wire;
    conn_pause(conn, CONN_PAUSE_REQUEST);
}

/* A paused peer that sends on must not keep the loop awake. */
static void a_paused_connection_lets_the_loop_sleep(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    wire->react = pause_in_on_bytes;
    wire_send(peer, "a");
    wire_wait_for_seen(wire, "a|");
    wire_send(peer, "b");
    wire_turn(wire);
    wire_turn(wire);
    int64_t began = clock_steady_ms();
    loop_turn(wire->loop, SOON_MS);
    assert_true(clock_steady_ms() - began >= SOON_MS - 1);
    assert_true(bytes_equal(buf_view(&wire->seen), bytes_text("a|")));
    (void)close(peer);
}

static void close_in_on_bytes(struct wire *wire, struct conn *conn)
{
    conn_write(conn, bytes_text("lost"));
    conn_close(conn, CONN_END_OURS);
    conn_write(conn, bytes_text("lost too"));
    conn_pause(conn, CONN_PAUSE_REQUEST);
    conn_resume(conn, CONN_PAUSE_REQUEST);
    conn_set_deadline(conn, 1);
    conn_finish(conn);
    conn_close(conn, CONN_END_ERROR);
    assert_int_equal(wire->closed, 0); /* later, not inside */
}

static void a_connection_may_be_closed_from_its_own_callback(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);
    struct buf got = { 0 };

    wire->react = close_in_on_bytes;
    wire->take_max = 0;
    wire_send(peer, "x");
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_OURS);
    assert_int_equal(net_connection_count(wire->net), 0);
    assert_int_equal(wire_receive(peer, &got), -1);
    wire_turn(wire);
    assert_int_equal(wire->closed, 1);
    (void)close(peer);
}

static size_t on_bytes_next(void *arg, struct conn *conn, struct bytes input)
{
    struct wire *wire = arg;

    (void)conn;
    buf_append_text(&wire->seen, "next:");
    buf_append(&wire->seen, input);
    return input.size;
}

static void on_closed_next(void *arg, struct conn *conn, enum conn_end end)
{
    wire_protocol.on_closed(arg, conn, end);
}

static const struct conn_protocol next_protocol = {
    .on_bytes = on_bytes_next,
    .on_closed = on_closed_next,
};

static void switch_in_on_bytes(struct wire *wire, struct conn *conn)
{
    conn_set_protocol(conn, &next_protocol, wire);
}

static void another_protocol_gets_what_the_first_left(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    wire->react = switch_in_on_bytes;
    wire->take_max = 2;
    wire_send(peer, "abcd");
    wire_wait_for_seen(wire, "abcd|next:cd");
    wire_send(peer, "e");
    wire_wait_for_seen(wire, "abcd|next:cdnext:e");
    (void)close(peer);
}

/* Give the peer more than it takes; what it was sent comes whole when it reads. */
static void output_above_the_high_mark_pauses_reading_until_the_low_mark(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);
    uint8_t *many = mem_zeroed(1, MANY_BYTES);
    struct buf got = { 0 };

    conn_write(wire->conn, bytes_of(many, MANY_BYTES));
    wire_turn(wire);
    assert_true(conn_output_bytes(wire->conn) > WIRE_HIGH_BYTES);
    assert_true(conn_is_paused(wire->conn));
    wire_send(peer, "unread");
    wire_turn(wire);
    wire_turn(wire);
    assert_int_equal(wire->seen.size, 0);
    assert_int_equal(wire->drained, 0);
    while (got.size < MANY_BYTES) {
        wire_turn(wire);
        while (wire_receive(peer, &got) > 0) {
        }
    }
    wire_wait_for_seen(wire, "unread|");
    assert_int_equal(wire->drained, 1);
    assert_int_equal(conn_output_bytes(wire->conn), 0);
    buf_clear(&got);
    free(many);
    (void)close(peer);
}

static void a_peer_that_takes_no_byte_is_ended_as_stalled(void **state)
{
    struct wire wire;
    uint8_t *many = mem_zeroed(1, MANY_BYTES);

    (void)state;
    wire_open(&wire, 10, SOON_MS);
    int peer = wire_connect_and_meet(&wire);
    conn_write(wire.conn, bytes_of(many, MANY_BYTES));
    wire_wait(&wire, wire_is_closed);
    assert_int_equal(wire.end, CONN_END_STALLED);
    free(many);
    (void)close(peer);
    wire_close(&wire);
}

static bool deadline_passed(const struct wire *wire)
{
    return wire->deadlines > 0;
}

static void a_deadline_is_told_once_and_may_be_taken_away(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    conn_set_deadline(wire->conn, 1);
    conn_set_deadline(wire->conn, 0);
    loop_turn(wire->loop, SOON_MS);
    loop_turn(wire->loop, SOON_MS);
    assert_int_equal(wire->deadlines, 0);
    int64_t began = clock_steady_ms();
    conn_set_deadline(wire->conn, 1);
    conn_set_deadline(wire->conn, SOON_MS); /* the later call holds */
    wire_wait(wire, deadline_passed);
    assert_true(clock_steady_ms() - began >= SOON_MS);
    loop_turn(wire->loop, SOON_MS);
    assert_int_equal(wire->deadlines, 1);
    assert_int_equal(wire->closed, 0);
    (void)close(peer);
}

static void without_a_callback_a_deadline_closes(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    conn_set_protocol(wire->conn, &next_protocol, wire);
    conn_set_deadline(wire->conn, 1);
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_DEADLINE);
    (void)close(peer);
}

static void finish_writes_all_and_waits_for_the_peer(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);
    uint8_t *many = mem_zeroed(1, MANY_BYTES);
    struct buf got = { 0 };
    long size = 0;

    conn_write(wire->conn, bytes_of(many, MANY_BYTES));
    conn_finish(wire->conn);
    conn_write(wire->conn, bytes_text("too late"));
    while (size >= 0) {
        wire_turn(wire);
        size = wire_receive(peer, &got);
    }
    assert_int_equal(got.size, MANY_BYTES);
    wire_send(peer, "still talking");
    wire_turn(wire);
    wire_turn(wire);
    assert_int_equal(wire->closed, 0);
    assert_int_equal(wire->seen.size, 0);
    (void)close(peer);
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_OURS);
    buf_clear(&got);
    free(many);
}

static void a_peer_that_closes_is_told_apart_from_one_that_resets(void **state)
{
    const struct linger at_once = { .l_onoff = 1 };
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);

    (void)close(peer);
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_PEER);
    wire->closed = 0;
    peer = wire_connect_and_meet(wire);
    (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(peer);
    wire_wait(wire, wire_is_closed);
    assert_int_equal(wire->end, CONN_END_ERROR);
}

static void answer_in_on_bytes(struct wire *wire, struct conn *conn)
{
    (void)wire;
    conn_write(conn, bytes_text("one "));
    conn_write(conn, bytes_text("two "));
    conn_write(conn, bytes_text("three"));
}

static void a_peer_that_shut_its_direction_gets_what_it_is_owed(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect_and_meet(wire);
    struct buf got = { 0 };

    wire->react = answer_in_on_bytes;
    wire_send(peer, "x");
    (void)shutdown(peer, SHUT_WR);
    wire_wait(wire, wire_is_closed);
    while (wire_receive(peer, &got) > 0) {
    }
    assert_true(bytes_equal(buf_view(&got), bytes_text("one two three")));
    assert_int_equal(wire->end, CONN_END_PEER);
    buf_clear(&got);
    (void)close(peer);
}

static void destroying_the_net_ends_all_as_shutdown(void **state)
{
    struct wire *wire = *state;
    int first = wire_connect_and_meet(wire);
    int second = wire_connect_and_meet(wire);
    struct buf got = { 0 };

    conn_write(wire->conn, bytes_text("last words"));
    net_destroy(wire->net);
    wire->net = NULL;
    assert_int_equal(wire->closed, 2);
    assert_int_equal(wire->end, CONN_END_SHUTDOWN);
    while (wire_receive(second, &got) > 0) {
    }
    assert_true(bytes_equal(buf_view(&got), bytes_text("last words")));
    wire_turn(wire); /* the loop goes on without it */
    buf_clear(&got);
    (void)close(first);
    (void)close(second);
}

int main(void)
{
#define ON_WIRE(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)
    const struct CMUnitTest tests[] = {
        ON_WIRE(bytes_not_taken_are_given_again_with_more_behind),
        ON_WIRE(an_idle_connection_holds_no_buffer),
        ON_WIRE(pause_reasons_add_up_and_kept_bytes_come_after_the_last),
        ON_WIRE(a_peers_end_is_told_once_while_nothing_is_read),
        ON_WIRE(who_watches_no_more_is_not_told_of_the_end),
        ON_WIRE(a_paused_connection_lets_the_loop_sleep),
        ON_WIRE(a_connection_may_be_closed_from_its_own_callback),
        ON_WIRE(another_protocol_gets_what_the_first_left),
        ON_WIRE(output_above_the_high_mark_pauses_reading_until_the_low_mark),
        cmocka_unit_test(a_peer_that_takes_no_byte_is_ended_as_stalled),
        ON_WIRE(a_deadline_is_told_once_and_may_be_taken_away),
        ON_WIRE(without_a_callback_a_deadline_closes),
        ON_WIRE(finish_writes_all_and_waits_for_the_peer),
        ON_WIRE(a_peer_that_closes_is_told_apart_from_one_that_resets),
        ON_WIRE(a_peer_that_shut_its_direction_gets_what_it_is_owed),
        ON_WIRE(destroying_the_net_ends_all_as_shutdown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
