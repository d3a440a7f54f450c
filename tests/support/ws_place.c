/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ws_place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/http/exchange.h"
#include "server/http/server.h"
#include "server/net/net.h"
#include "tests/support/unit.h"

const char ws_place_request[] = "GET /ws HTTP/1.1\r\nHost: relay.example\r\n"
                                "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                                "Sec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                "Sec-WebSocket-Protocol: sealpost.v1, other\r\n\r\n";

enum {
    PATIENCE_MS = 20000, /* beyond this the thing waited for does not happen */
    TURN_MS = 5,
};

/* ---- the relay's side ---- */

static void on_message(void *arg, struct bytes message)
{
    struct ws_place *place = arg;

    assert_int_equal(place->closed, 0);
    place->messages++;
    buf_append_u32(&place->heard, (uint32_t)message.size);
    buf_append(&place->heard, message);
    if (bytes_equal(message, bytes_text("close"))) {
        ws_channel_close(place->channel, WS_CLOSE_POLICY, "as asked");
        ws_channel_send(place->channel, bytes_text("late"), bytes_of(NULL, 0));
    } else if (bytes_equal(message, bytes_text("pause"))) {
        ws_channel_pause(place->channel);
    } else if (place->echo) {
        ws_channel_send(place->channel, bytes_of(message.at, message.size / 2),
                        bytes_of(message.at + message.size / 2, message.size - message.size / 2));
    }
}

static void on_room(void *arg)
{
    struct ws_place *place = arg;

    place->rooms++;
}

static void on_closed(void *arg)
{
    struct ws_place *place = arg;

    place->closed++;
    place->channel = NULL;
}

static const struct ws_handler handler = {
    .on_message = on_message,
    .on_room = on_room,
    .on_closed = on_closed,
};

static void on_upgrade(void *arg, struct exchange *exchange)
{
    struct ws_place *place = arg;
    struct bytes offered;
    size_t cursor = 0;

    while (ws_handshake_next_protocol(exchange, &cursor, &offered)) {
        buf_append(&place->protocols, offered);
        buf_append_text(&place->protocols, "|");
    }
    place->verdict = ws_handshake_check(exchange);
    if (place->verdict != WS_HANDSHAKE_OK) {
        exchange_reply_empty(exchange, 400);
        return;
    }
    place->channel =
        ws_channel_accept(exchange, place->loop, "sealpost.v1", &place->config, &handler, place);
}

static const struct http_route routes[] = {
    { .method = "GET", .path = "/ws", .handler = on_upgrade },
    { .method = "POST", .path = "/ws", .body_max = 100, .handler = on_upgrade },
};

static void on_accept(void *arg, struct conn *conn)
{
    struct ws_place *place = arg;

    http_server_accept(place->http, conn);
}

static void client_connect(struct ws_place *place, uint16_t port)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(port) };
    int small = 4096;

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(place->client >= 0);
    (void)setsockopt(place->client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(place->client, (const struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(fcntl(place->client, F_SETFL, O_NONBLOCK), 0);
}

int ws_place_open(void **state)
{
    struct ws_place *place = mem_zeroed(1, sizeof *place);
    const struct net_limits limits = {
        .input = &place->requests,
        .max_connections = 10,
        .output_high_bytes = WS_PLACE_OUTPUT_MAX,
        .output_low_bytes = WS_PLACE_OUTPUT_MAX / 4,
        .write_timeout_ms = PATIENCE_MS,
    };
    struct http_config http = {
        .routes = &place->routes,
        .base_path = "",
        .cors_origins = "",
        .head_timeout_ms = PATIENCE_MS,
        .body_timeout_ms = PATIENCE_MS,
        .idle_timeout_ms = PATIENCE_MS,
    };
    char error[200];

    place->routes = (struct http_routes){ .at = routes, .count = 2, .arg = place };
    place->config = (struct ws_config){
        .message_max = WS_PLACE_MESSAGE_MAX,
        .ping_ms = PATIENCE_MS,
        .pong_ms = PATIENCE_MS,
        .output_max = WS_PLACE_OUTPUT_MAX / 2,
    };
    place->loop = loop_create();
    place->net = net_create(place->loop, &limits);
    place->http = http_server_create(place->loop, &http);
    struct listener *listener =
        net_listen(place->net, "127.0.0.1:0", true, on_accept, place, error, sizeof error);
    assert_non_null(listener);
    client_connect(place, listener_port(listener));
    *state = place;
    return 0;
}

int ws_place_close(void **state)
{
    struct ws_place *place = *state;

    (void)close(place->client);
    net_destroy(place->net);
    http_server_destroy(place->http);
    loop_destroy(place->loop);
    assert_int_equal(place->requests.held_bytes, 0);
    buf_clear(&place->answer);
    buf_clear(&place->heard);
    buf_clear(&place->protocols);
    free(place);
    return 0;
}

/* ---- the client's side ---- */

static void client_receive(struct ws_place *place)
{
    uint8_t some[4096];

    for (;;) {
        ssize_t size = recv(place->client, some, sizeof some, 0);
        if (size <= 0) {
            place->answer_ended = place->answer_ended || size == 0 || errno != EAGAIN;
            return;
        }
        buf_append(&place->answer, bytes_of(some, (size_t)size));
    }
}

/* Send all of bytes, turning the loop while the relay does not take them. */
void ws_place_send(struct ws_place *place, struct bytes bytes)
{
    size_t sent = 0;

    while (sent < bytes.size) {
        ssize_t size = send(place->client, bytes.at + sent, bytes.size - sent, MSG_NOSIGNAL);
        if (size > 0) {
            sent += (size_t)size;
        } else {
            assert_int_equal(errno, EAGAIN);
        }
        loop_turn(place->loop, 0);
        client_receive(place);
    }
}

void ws_place_frame(struct ws_place *place, enum ws_opcode opcode, struct bytes payload)
{
    static const uint8_t key[WS_FRAME_KEY_BYTES] = { 0x12, 0x34, 0x56, 0x78 };
    uint8_t head[WS_FRAME_HEAD_MAX];
    struct buf frame = { 0 };
    size_t size = ws_frame_head(head, opcode, payload.size, key);

    buf_append(&frame, bytes_of(head, size));
    buf_reserve(&frame, payload.size + 1);
    ws_frame_mask(frame.at + frame.size, payload, key);
    frame.size += payload.size;
    ws_place_send(place, buf_view(&frame));
    buf_clear(&frame);
}

void ws_place_text(struct ws_place *place, const char *text)
{
    ws_place_frame(place, WS_OPCODE_BINARY, bytes_text(text));
}

void ws_place_wait(struct ws_place *place, ws_place_is_fn *condition)
{
    int64_t until = clock_steady_ms() + PATIENCE_MS;

    for (;;) {
        client_receive(place);
        if (condition(place)) {
            return;
        }
        assert_true(clock_steady_ms() < until);
        loop_turn(place->loop, TURN_MS);
    }
}

bool ws_place_is_answered(const struct ws_place *place)
{
    return place->answer.size > 0 && memmem(place->answer.at, place->answer.size, "\r\n\r\n", 4);
}

bool ws_place_is_open(const struct ws_place *place)
{
    return place->channel != NULL && ws_place_is_answered(place);
}

bool ws_place_is_gone(const struct ws_place *place)
{
    return place->closed > 0;
}

bool ws_place_is_ended(const struct ws_place *place)
{
    return place->answer_ended;
}

static bool has_frame(const struct ws_place *place)
{
    struct ws_framer framer;
    struct ws_piece piece;

    ws_framer_init(&framer, WS_ROLE_CLIENT, WS_PLACE_MESSAGE_MAX);
    return ws_framer_next(&framer, buf_view(&place->answer), &piece) == WS_FRAME_PIECE &&
           (piece.is_last || piece.opcode >= WS_OPCODE_CLOSE);
}

/* Take the head of the answer to the upgrade; returns it, to be freed. */
char *ws_place_take_head(struct ws_place *place)
{
    const uint8_t *end = memmem(place->answer.at, place->answer.size, "\r\n\r\n", 4);

    assert_non_null(end);
    size_t size = (size_t)(end - place->answer.at) + 4;
    char *head = mem_text_of(place->answer.at, size);
    buf_drop_front(&place->answer, size);
    return head;
}

void ws_place_upgrade(struct ws_place *place)
{
    ws_place_send(place, bytes_text(ws_place_request));
    ws_place_wait(place, ws_place_is_open);
    free(ws_place_take_head(place));
}

/* Take one frame from the relay and hold it against what is wanted. */
void ws_place_expect(struct ws_place *place, enum ws_opcode opcode, struct bytes payload)
{
    struct ws_framer framer;
    struct ws_piece piece;

    ws_place_wait(place, has_frame);
    ws_framer_init(&framer, WS_ROLE_CLIENT, WS_PLACE_MESSAGE_MAX);
    assert_int_equal(ws_framer_next(&framer, buf_view(&place->answer), &piece), WS_FRAME_PIECE);
    assert_int_equal(piece.opcode, opcode);
    assert_int_equal(piece.payload.size, payload.size);
    assert_true(bytes_equal(piece.payload, payload));
    buf_drop_front(&place->answer, piece.used);
}

void ws_place_expect_close(struct ws_place *place, int code)
{
    struct ws_framer framer;
    struct ws_piece piece;
    int got = 0;

    ws_place_wait(place, has_frame);
    ws_framer_init(&framer, WS_ROLE_CLIENT, WS_PLACE_MESSAGE_MAX);
    assert_int_equal(ws_framer_next(&framer, buf_view(&place->answer), &piece), WS_FRAME_PIECE);
    assert_int_equal(piece.opcode, WS_OPCODE_CLOSE);
    assert_int_equal(ws_frame_close_check(piece.payload, &got), 0);
    assert_int_equal(got, code);
    buf_drop_front(&place->answer, piece.used);
    ws_place_wait(place, ws_place_is_ended);
    assert_int_equal(place->answer.size, 0); /* nothing comes after a close frame */
    assert_int_equal(shutdown(place->client, SHUT_WR), 0);
    ws_place_wait(place, ws_place_is_gone);
    assert_int_equal(place->closed, 1);
}
