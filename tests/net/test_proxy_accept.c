/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that begin with a PROXY header: whose they are, and which are not served. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/network.h"
#include "server/net/conn.h"
#include "server/net/peer.h"
#include "server/net/tls.h"
#include "tests/net/tls_peer.h"
#include "tests/net/wire.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    ALL = 1 << 30,
    SHORT_MS = 300,
    LONG_MS = 600,
    HANDSHAKES = 1,
    MONTH_S = 2592000
};

static const char line[] = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
static const char other_line[] = "PROXY TCP4 192.0.2.2 198.51.100.1 56324 443\r\n";

static int open_room(void **state, const struct wire_proxied *proxied)
{
    struct wire *wire = mem_zeroed(1, sizeof *wire);

    (void)signal(SIGPIPE, SIG_IGN);
    wire_open_proxied(wire, proxied);
    *state = wire;
    return 0;
}

static int open_wire(void **state)
{
    return open_room(state, &(struct wire_proxied){ "127.0.0.1", WIRE_PATIENCE_MS, 1 });
}

static int open_hurried(void **state)
{
    return open_room(state, &(struct wire_proxied){ "127.0.0.1", SHORT_MS, 0 });
}

static int open_elsewhere(void **state)
{
    return open_room(state, &(struct wire_proxied){ "192.0.2.0/24,unix", WIRE_PATIENCE_MS, 0 });
}

static int close_wire(void **state)
{
    wire_close(*state);
    free(*state);
    return 0;
}

/* Turn until the metric is more than before. */
static void wait_for(struct wire *wire, enum metric metric, int64_t before)
{
    while (metrics_value(metric) == before) {
        wire_turn(wire);
    }
    assert_int_equal(metrics_value(metric), before + 1);
}

static void expect_origin(const struct wire *wire, const char *name, enum peer_word word)
{
    const struct peer_origin *origin = conn_origin(wire->conn);
    char shown[NETWORK_NAME_BYTES];

    network_name(&origin->address, shown);
    assert_string_equal(shown, name);
    assert_int_equal(origin->word, word);
    assert_false(origin->is_unix);
}

/* Turn until the relay has closed peer. */
static void expect_closed(struct wire *wire, int peer)
{
    char byte = 0;

    while (recv(peer, &byte, 1, 0) < 0 && errno == EAGAIN) {
        wire_turn(wire);
    }
    (void)close(peer);
}

static void the_header_names_the_client_and_what_follows_is_its_own(void **state)
{
    struct wire *wire = *state;
    int64_t before = metrics_value(METRIC_proxy_headers);
    int peer = wire_connect(wire);

    wire_send(peer, "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nPROXY hello");
    wire_wait_for_seen(wire, "PROXY hello|");
    expect_origin(wire, "192.0.2.1", PEER_NAMED);
    assert_int_equal(metrics_value(METRIC_proxy_headers), before + 1);
    wire_send(peer, "more");
    wire_wait_for_seen(wire, "PROXY hello|more|");
    assert_int_equal(wire->accepted, 1);
    (void)close(peer);
}

static void a_header_may_come_byte_by_byte(void **state)
{
    static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\2\1\xc6\x33\x64\1\0\1\0\2"
                             "\4\0\0";
    struct wire *wire = *state;
    int peer = wire_connect(wire);

    for (size_t i = 0; i < sizeof v2 - 1; i++) {
        assert_int_equal(wire->accepted, 0);
        assert_int_equal(send(peer, v2 + i, 1, MSG_NOSIGNAL), 1);
        for (int turn = 0; turn < 3; turn++) {
            wire_turn(wire);
        }
    }
    wire_send(peer, "x");
    wire_wait_for_seen(wire, "x|");
    expect_origin(wire, "192.0.2.1", PEER_NAMED);
    assert_int_equal(wire->input.held_bytes, 0);
    (void)close(peer);
}

/* What is there of a header is taken, so that nobody is woken for it again. */
static void the_loop_sleeps_while_a_header_is_not_complete(void **state)
{
    enum {
        WAIT_MS = 100
    };
    struct wire *wire = *state;
    int peer = wire_connect(wire);

    wire_send(peer, "PROXY TCP4 192");
    while (wire->input.held_bytes == 0) {
        wire_turn(wire);
    }
    loop_turn(wire->loop, 0);
    int64_t began = clock_steady_ms();
    loop_turn(wire->loop, WAIT_MS);
    assert_true(clock_steady_ms() - began >= WAIT_MS - 2);
    (void)close(peer);
}

static void a_header_that_names_nobody_leaves_the_proxys_address(void **state)
{
    struct wire *wire = *state;
    int first = wire_connect(wire);

    wire_send(first, "PROXY UNKNOWN\r\na");
    wire_wait_for_seen(wire, "a|");
    expect_origin(wire, "127.0.0.1", PEER_UNNAMED);
    int second = wire_connect(wire);
    assert_int_equal(send(second, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0b", 17, MSG_NOSIGNAL), 17);
    wire_wait_for_seen(wire, "a|b|");
    expect_origin(wire, "127.0.0.1", PEER_UNNAMED);
    (void)close(first);
    (void)close(second);
}

static void without_a_header_nobody_is_served(void **state)
{
    static const char *const firsts[] = { "GET /v1/server HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nx",
                                          "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
                                          "PROXY UNKNOWNX\r\n" };
    struct wire *wire = *state;

    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        int64_t before = metrics_value(METRIC_proxy_headers_refused);
        int peer = wire_connect(wire);
        wire_send(peer, firsts[i]);
        wait_for(wire, METRIC_proxy_headers_refused, before);
        expect_closed(wire, peer);
    }
    assert_int_equal(wire->accepted, 0);
    assert_int_equal(net_connection_count(wire->net), 0);
    assert_int_equal(wire->input.held_bytes, 0);
}

/* As checks of a proxy's do. */
static void a_proxy_that_only_knocks_is_no_failure(void **state)
{
    struct wire *wire = *state;
    int64_t before = metrics_value(METRIC_proxy_headers_refused);
    int64_t accepted = metrics_value(METRIC_connections_accepted);
    int peer = wire_connect(wire);

    wire_send(peer, "PROXY");
    wait_for(wire, METRIC_connections_accepted, accepted);
    (void)close(peer);
    while (net_connection_count(wire->net) > 0) {
        wire_turn(wire);
    }
    assert_int_equal(metrics_value(METRIC_proxy_headers_refused), before);
    assert_int_equal(wire->input.held_bytes, 0);
}

static void a_header_is_awaited_until_the_deadline(void **state)
{
    struct wire *wire = *state;
    int64_t before = metrics_value(METRIC_proxy_headers_refused);
    int64_t began = clock_steady_ms();
    int peer = wire_connect(wire);

    for (size_t i = 0; metrics_value(METRIC_proxy_headers_refused) == before; i++) {
        if (i < sizeof line - 3) {
            (void)send(peer, line + i, 1, MSG_NOSIGNAL);
        }
        wire_turn(wire);
    }
    assert_true(clock_steady_ms() - began >= SHORT_MS - 2);
    expect_closed(wire, peer);
    assert_int_equal(wire->accepted, 0);
}

static void after_the_header_its_deadline_is_over(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect(wire);

    wire_send(peer, line);
    while (wire->accepted == 0) {
        wire_turn(wire);
    }
    for (int64_t began = clock_steady_ms(); clock_steady_ms() - began < LONG_MS;) {
        wire_turn(wire);
    }
    assert_int_equal(wire->deadlines, 0);
    wire_send(peer, "x");
    wire_wait_for_seen(wire, "x|");
    (void)close(peer);
}

static void who_is_no_trusted_proxy_is_refused_with_any_header(void **state)
{
    struct wire *wire = *state;
    int64_t before = metrics_value(METRIC_proxy_headers_refused);
    int peer = wire_connect(wire);

    (void)send(peer, line, sizeof line - 1, MSG_NOSIGNAL);
    wait_for(wire, METRIC_proxy_headers_refused, before);
    expect_closed(wire, peer);
    assert_int_equal(wire->accepted, 0);
}

static void the_client_is_held_to_its_addresses_connections(void **state)
{
    struct wire *wire = *state;
    int64_t before = metrics_value(METRIC_connections_refused_address);
    int first = wire_connect(wire);

    wire_send(first, line);
    while (wire->accepted == 0) {
        wire_turn(wire);
    }
    int second = wire_connect(wire);
    wire_send(second, line);
    wait_for(wire, METRIC_connections_refused_address, before);
    expect_closed(wire, second);
    int other = wire_connect(wire);
    wire_send(other, other_line);
    while (wire->accepted == 1) {
        wire_turn(wire);
    }
    (void)close(first);
    wire_wait(wire, wire_is_closed);
    int third = wire_connect(wire);
    wire_send(third, line);
    while (wire->accepted == 2) {
        wire_turn(wire);
    }
    (void)close(other);
    (void)close(third);
}

/* ---- TLS behind it ---- */

struct room {
    struct wire *wire;
    char folder[TEMP_DIR_BYTES];
    struct tls *tls;
    struct tls_peer peer;
};

static void on_plain(void *arg, struct conn *conn)
{
    (void)arg;
    conn_close(conn, CONN_END_OURS);
}

static void room_open(struct room *room, struct wire *wire)
{
    const struct tls_limits limits = { .handshake_timeout_ms = WIRE_PATIENCE_MS,
                                       .handshakes_max = HANDSHAKES };
    struct tls_paths paths;
    char error[TLS_ERROR_BYTES];

    *room = (struct room){ .wire = wire };
    temp_dir_create(room->folder);
    tls_paths_make(&paths, room->folder, "relay.example", clock_now_ms() / 1000 + MONTH_S);
    const struct tls_files files = tls_paths_files(&paths);
    room->tls = tls_create(&files, &limits, error, sizeof error);
    assert_non_null(room->tls);
    listener_set_tls(wire->listener, room->tls, on_plain);
    tls_peer_init(&room->peer, wire);
}

/* Its connections are closed. */
static void room_close(struct room *room)
{
    tls_peer_clear(&room->peer);
    while (net_connection_count(room->wire->net) > 0) {
        wire_turn(room->wire);
    }
    tls_destroy(room->tls);
    temp_dir_remove(room->folder);
}

static void tls_begins_behind_the_header(void **state)
{
    struct wire *wire = *state;
    struct room room;

    room_open(&room, wire);
    tls_peer_connect(&room.peer, NULL);
    wire_send(room.peer.fd, line); /* the greeting of TLS comes right behind */
    assert_true(tls_peer_shake(&room.peer, ALL));
    tls_peer_say(&room.peer, "hello");
    wire_wait_for_seen(wire, "hello|");
    expect_origin(wire, "192.0.2.1", PEER_NAMED);
    assert_true(conn_is_tls(wire->conn));
    room_close(&room);
}

static void header_and_handshake_have_one_deadline(void **state)
{
    struct wire *wire = *state;
    struct room room;
    int64_t before = metrics_value(METRIC_tls_handshakes_failed);

    room_open(&room, wire);
    tls_peer_connect(&room.peer, NULL);
    wire_send(room.peer.fd, line);
    wait_for(wire, METRIC_tls_handshakes_failed,
             before); /* its own would take until patience ends */
    assert_int_equal(wire->accepted, 0);
    room_close(&room);
}

static void handshakes_behind_headers_are_counted(void **state)
{
    struct wire *wire = *state;
    struct room room;
    int64_t before = metrics_value(METRIC_tls_handshakes_refused);
    int64_t headers = metrics_value(METRIC_proxy_headers);

    room_open(&room, wire);
    int first = wire_connect(wire); /* both knock before either has begun */
    int second = wire_connect(wire);
    for (int turn = 0; turn < 3; turn++) {
        wire_turn(wire);
    }
    wire_send(first, line);
    wait_for(wire, METRIC_proxy_headers, headers);
    wire_send(second, other_line);
    wait_for(wire, METRIC_tls_handshakes_refused, before);
    expect_closed(wire, second);
    (void)close(first);
    room_close(&room);
}

static void a_net_may_end_while_a_header_is_awaited(void **state)
{
    struct wire *wire = *state;
    int peer = wire_connect(wire);

    wire_send(peer, "PROXY TCP4 192");
    while (wire->input.held_bytes == 0) {
        wire_turn(wire);
    }
    net_destroy(wire->net);
    wire->net = NULL;
    assert_int_equal(wire->input.held_bytes, 0);
    (void)close(peer);
}

int main(void)
{
#define ON(open, test) cmocka_unit_test_setup_teardown(test, open, close_wire)
    const struct CMUnitTest tests[] = {
        ON(open_wire, the_header_names_the_client_and_what_follows_is_its_own),
        ON(open_wire, a_header_may_come_byte_by_byte),
        ON(open_wire, the_loop_sleeps_while_a_header_is_not_complete),
        ON(open_wire, a_header_that_names_nobody_leaves_the_proxys_address),
        ON(open_wire, without_a_header_nobody_is_served),
        ON(open_wire, a_proxy_that_only_knocks_is_no_failure),
        ON(open_hurried, a_header_is_awaited_until_the_deadline),
        ON(open_hurried, after_the_header_its_deadline_is_over),
        ON(open_elsewhere, who_is_no_trusted_proxy_is_refused_with_any_header),
        ON(open_wire, the_client_is_held_to_its_addresses_connections),
        ON(open_wire, tls_begins_behind_the_header),
        ON(open_hurried, header_and_handshake_have_one_deadline),
        ON(open_wire, handshakes_behind_headers_are_counted),
        ON(open_wire, a_net_may_end_while_a_header_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
