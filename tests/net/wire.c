/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/loop.h"
#include "tests/support/unit.h"

enum {
    PROXIED_CONNECTIONS = 10
};

static size_t on_bytes(void *arg, struct conn *conn, struct bytes input)
{
    struct wire *wire = arg;

    buf_append(&wire->seen, input);
    if (!wire->is_bare) {
        buf_append_u8(&wire->seen, '|');
    }
    wire->calls++;
    if (wire->react != NULL) {
        wire->react(wire, conn);
    }
    return input.size < wire->take_max ? input.size : wire->take_max;
}

static void on_drained(void *arg, struct conn *conn)
{
    struct wire *wire = arg;

    assert_true(conn_output_bytes(conn) <= WIRE_LOW_BYTES);
    wire->drained++;
}

static void on_peer_end(void *arg, struct conn *conn)
{
    struct wire *wire = arg;

    (void)conn;
    wire->peer_ends++;
}

static void on_deadline(void *arg, struct conn *conn)
{
    struct wire *wire = arg;

    (void)conn;
    wire->deadlines++;
}

static void on_closed(void *arg, struct conn *conn, enum conn_end end)
{
    struct wire *wire = arg;

    wire->closed++;
    wire->end = end;
    if (wire->conn == conn) {
        wire->conn = NULL;
    }
}

const struct conn_protocol wire_protocol = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_peer_end = on_peer_end,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

static void on_accept(void *arg, struct conn *conn)
{
    struct wire *wire = arg;

    wire->accepted++;
    wire->conn = conn;
    conn_set_protocol(conn, &wire_protocol, wire);
}

static void open_with(struct wire *wire, const struct net_limits *limits)
{
    char error[200];

    *wire = (struct wire){ .take_max = SIZE_MAX, .until = clock_steady_ms() + WIRE_PATIENCE_MS };
    wire->loop = loop_create();
    wire->net = net_create(wire->loop, limits);
    wire->listener =
        net_listen(wire->net, "127.0.0.1:0", true, on_accept, wire, error, sizeof error);
    assert_non_null(wire->listener);
}

void wire_open(struct wire *wire, int64_t max_connections, int64_t write_timeout_ms)
{
    const struct net_limits limits = {
        .max_connections = max_connections,
        .output_high_bytes = WIRE_HIGH_BYTES,
        .output_low_bytes = WIRE_LOW_BYTES,
        .write_timeout_ms = write_timeout_ms,
        .input = &wire->input,
        .output = &wire->output,
    };

    open_with(wire, &limits);
}

void wire_open_proxied(struct wire *wire, const struct wire_proxied *proxied)
{
    const struct net_limits limits = {
        .max_connections = PROXIED_CONNECTIONS,
        .max_per_address = proxied->max_per_address,
        .output_high_bytes = WIRE_HIGH_BYTES,
        .output_low_bytes = WIRE_LOW_BYTES,
        .write_timeout_ms = WIRE_PATIENCE_MS,
        .input = &wire->input,
        .output = &wire->output,
        .trusted_proxies = proxied->trusted,
        .proxy_timeout_ms = proxied->timeout_ms,
    };

    open_with(wire, &limits);
    listener_set_proxied(wire->listener);
}

void wire_close(struct wire *wire)
{
    net_destroy(wire->net);
    loop_destroy(wire->loop);
    buf_clear(&wire->seen);
}

int wire_connect(const struct wire *wire)
{
    struct sockaddr_in where = { .sin_family = AF_INET,
                                 .sin_port = htons(listener_port(wire->listener)) };
    int small = 4096;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(fd, (const struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

int wire_connect_and_meet(struct wire *wire)
{
    size_t before = wire->accepted;
    int fd = wire_connect(wire);

    while (wire->accepted == before) {
        wire_turn(wire);
    }
    return fd;
}

void wire_send(int peer, const char *text)
{
    assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

long wire_receive(int peer, struct buf *out)
{
    uint8_t some[8192];
    ssize_t size = recv(peer, some, sizeof some, 0);

    if (size > 0) {
        buf_append(out, bytes_of(some, (size_t)size));
        return size;
    }
    return size == 0 ? -1 : 0;
}

void wire_turn(struct wire *wire)
{
    assert_true(clock_steady_ms() < wire->until);
    loop_turn(wire->loop, 1);
}

void wire_wait(struct wire *wire, wire_test_fn *test)
{
    while (!test(wire)) {
        wire_turn(wire);
    }
}

bool wire_is_closed(const struct wire *wire)
{
    return wire->closed > 0;
}

void wire_wait_for_seen(struct wire *wire, const char *text)
{
    while (!bytes_equal(buf_view(&wire->seen), bytes_text(text)) &&
           clock_steady_ms() < wire->until - 1000) {
        wire_turn(wire);
    }
    assert_int_equal(wire->seen.size, strlen(text));
    assert_memory_equal(wire->seen.at, text, strlen(text));
}
