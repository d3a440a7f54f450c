/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel on a real connection: loop, net and http run in this process, and a plain
 * socket is the client.  Nothing waits for time but the ping tests, whose times are a few
 * milliseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/http/exchange.h"
#include "server/http/route.h"
#include "server/http/server.h"
#include "server/net/net.h"
#include "server/ws/channel.h"
#include "server/ws/frame.h"
#include "server/ws/handshake.h"
#include "tests/support/unit.h"

enum {
    MESSAGE_MAX = 200000,
    OUTPUT_MAX = 65536,
    PATIENCE_MS = 20000, /* beyond this the thing waited for does not happen */
    TURN_MS = 5,
};

static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: relay.example\r\n"
                              "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Protocol: sealpost.v1, other\r\n\r\n";

struct place {
    struct loop *loop;
    struct net *net;
    struct http_server *http;
    struct http_routes routes;
    struct ws_config config;
    struct ws_channel *channel; /* NULL before and after */
    int client;
    struct buf answer;         /* what the client has received and not taken */
    bool answer_ended;         /* and then the relay closed */
    bool echo;                 /* send each message back */
    enum ws_handshake verdict; /* of the last upgrade request */
    struct buf protocols;      /* the offered protocols, each with '|' behind it */
    struct buf heard;          /* messages: size u32 and bytes */
    size_t messages;
    size_t rooms;
    size_t closed;
};

/* ---- the relay's side ---- */

static void on_message(void *arg, struct bytes message)
{
    struct place *place = arg;

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
    struct place *place = arg;

    place->rooms++;
}

static void on_closed(void *arg)
{
    struct place *place = arg;

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
    struct place *place = arg;
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
    struct place *place = arg;

    http_server_accept(place->http, conn);
}

static void client_connect(struct place *place, uint16_t port)
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

static int place_open(void **state)
{
    const struct net_limits limits = {
        .max_connections = 10,
        .output_high_bytes = OUTPUT_MAX,
        .output_low_bytes = OUTPUT_MAX / 4,
        .write_timeout_ms = PATIENCE_MS,
    };
    struct place *place = mem_zeroed(1, sizeof *place);
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
        .message_max = MESSAGE_MAX,
        .ping_ms = PATIENCE_MS,
        .pong_ms = PATIENCE_MS,
        .output_max = OUTPUT_MAX / 2,
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

static int place_close(void **state)
{
    struct place *place = *state;

    (void)close(place->client);
    net_destroy(place->net);
    http_server_destroy(place->http);
    loop_destroy(place->loop);
    buf_clear(&place->answer);
    buf_clear(&place->heard);
    buf_clear(&place->protocols);
    free(place);
    return 0;
}

/* ---- the client's side ---- */

static void client_receive(struct place *place)
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
static void client_send(struct place *place, struct bytes bytes)
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

static void client_frame(struct place *place, enum ws_opcode opcode, struct bytes payload)
{
    static const uint8_t key[WS_FRAME_KEY_BYTES] = { 0x12, 0x34, 0x56, 0x78 };
    uint8_t head[WS_FRAME_HEAD_MAX];
    struct buf frame = { 0 };
    size_t size = ws_frame_head(head, opcode, payload.size, key);

    buf_append(&frame, bytes_of(head, size));
    buf_reserve(&frame, payload.size + 1);
    ws_frame_mask(frame.at + frame.size, payload, key);
    frame.size += payload.size;
    client_send(place, buf_view(&frame));
    buf_clear(&frame);
}

static void client_text(struct place *place, const char *text)
{
    client_frame(place, WS_OPCODE_BINARY, bytes_text(text));
}

typedef bool condition_fn(const struct place *place);

static void wait_for(struct place *place, condition_fn *condition)
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

static bool is_answered(const struct place *place)
{
    return place->answer.size > 0 && memmem(place->answer.at, place->answer.size, "\r\n\r\n", 4);
}

static bool is_open(const struct place *place)
{
    return place->channel != NULL && is_answered(place);
}

static bool is_gone(const struct place *place)
{
    return place->closed > 0;
}

static bool is_ended(const struct place *place)
{
    return place->answer_ended;
}

static bool has_frame(const struct place *place)
{
    struct ws_framer framer;
    struct ws_piece piece;

    ws_framer_init(&framer, WS_ROLE_CLIENT, MESSAGE_MAX);
    return ws_framer_next(&framer, buf_view(&place->answer), &piece) == WS_FRAME_PIECE &&
           (piece.is_last || piece.opcode >= WS_OPCODE_CLOSE);
}

/* Take the head of the answer to the upgrade; returns it, to be freed. */
static char *take_head(struct place *place)
{
    const uint8_t *end = memmem(place->answer.at, place->answer.size, "\r\n\r\n", 4);

    assert_non_null(end);
    size_t size = (size_t)(end - place->answer.at) + 4;
    char *head = mem_text_of(place->answer.at, size);
    buf_drop_front(&place->answer, size);
    return head;
}

static void open_channel(struct place *place)
{
    client_send(place, bytes_text(upgrade));
    wait_for(place, is_open);
    free(take_head(place));
}

/* Take one frame from the relay and hold it against what is wanted. */
static void expect_frame(struct place *place, enum ws_opcode opcode, struct bytes payload)
{
    struct ws_framer framer;
    struct ws_piece piece;

    wait_for(place, has_frame);
    ws_framer_init(&framer, WS_ROLE_CLIENT, MESSAGE_MAX);
    assert_int_equal(ws_framer_next(&framer, buf_view(&place->answer), &piece), WS_FRAME_PIECE);
    assert_int_equal(piece.opcode, opcode);
    assert_int_equal(piece.payload.size, payload.size);
    assert_true(bytes_equal(piece.payload, payload));
    buf_drop_front(&place->answer, piece.used);
}

static void expect_close(struct place *place, int code)
{
    struct ws_framer framer;
    struct ws_piece piece;
    int got = 0;

    wait_for(place, has_frame);
    ws_framer_init(&framer, WS_ROLE_CLIENT, MESSAGE_MAX);
    assert_int_equal(ws_framer_next(&framer, buf_view(&place->answer), &piece), WS_FRAME_PIECE);
    assert_int_equal(piece.opcode, WS_OPCODE_CLOSE);
    assert_int_equal(ws_frame_close_check(piece.payload, &got), 0);
    assert_int_equal(got, code);
    buf_drop_front(&place->answer, piece.used);
    wait_for(place, is_ended);
    assert_int_equal(place->answer.size, 0); /* nothing comes after a close frame */
    assert_int_equal(shutdown(place->client, SHUT_WR), 0);
    wait_for(place, is_gone);
    assert_int_equal(place->closed, 1);
}

/* ---- the opening handshake ---- */

static void accept_is_the_one_of_the_rfc(void **state)
{
    char accept[WS_HANDSHAKE_ACCEPT_BYTES];

    (void)state;
    ws_handshake_accept_of(bytes_text("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void upgrade_is_answered_with_101(void **state)
{
    struct place *place = *state;

    client_send(place, bytes_text(upgrade));
    wait_for(place, is_open);
    char *head = take_head(place);
    assert_non_null(strstr(head, "HTTP/1.1 101 "));
    assert_non_null(strstr(head, "\r\nUpgrade: websocket\r\n"));
    assert_non_null(strstr(head, "\r\nConnection: Upgrade\r\n"));
    assert_non_null(strstr(head, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(head, "\r\nSec-WebSocket-Protocol: sealpost.v1\r\n"));
    assert_non_null(strstr(head, "\r\nSealpost-Request-Id: "));
    assert_null(strstr(head, "Sec-WebSocket-Extensions"));
    assert_true(bytes_equal(buf_view(&place->protocols), bytes_text("sealpost.v1|other|")));
    free(head);
}

struct refusal {
    const char *lines; /* the request line's method and the fields but Host */
    enum ws_handshake verdict;
};

#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static const struct refusal refusals[] = {
    { UPGRADE CONNECTION VERSION KEY, WS_HANDSHAKE_OK },
    { "upgrade: WebSocket\r\nCONNECTION: UPGRADE\r\n" VERSION KEY, WS_HANDSHAKE_OK },
    { "Upgrade: h2c, websocket\r\n" CONNECTION VERSION KEY, WS_HANDSHAKE_OK },
    { UPGRADE "Connection: keep-alive\r\nConnection: Upgrade\r\n" VERSION KEY, WS_HANDSHAKE_OK },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: ////////////////////+w==\r\n",
      WS_HANDSHAKE_OK },
    { "", WS_HANDSHAKE_NOT_ASKED },
    { CONNECTION VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { "Upgrade: h2c\r\n" CONNECTION VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { "Upgrade: websockets\r\n" CONNECTION VERSION KEY, WS_HANDSHAKE_NOT_ASKED },
    { UPGRADE CONNECTION KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE CONNECTION "Sec-WebSocket-Version: 8\r\n" KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE CONNECTION "Sec-WebSocket-Version: 130\r\n" KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE CONNECTION "Sec-WebSocket-Version: 8, 13\r\n" KEY, WS_HANDSHAKE_BAD_VERSION },
    { UPGRADE VERSION KEY, WS_HANDSHAKE_MALFORMED },
    { UPGRADE "Connection: keep-alive\r\n" VERSION KEY, WS_HANDSHAKE_MALFORMED },
    { UPGRADE "Connection: upgraded\r\n" VERSION KEY, WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION, WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key:\r\n", WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: ____________________-w==\r\n",
      WS_HANDSHAKE_MALFORMED },
    { UPGRADE CONNECTION VERSION KEY KEY, WS_HANDSHAKE_MALFORMED },
};

static enum ws_handshake verdict_on(struct place *place, const char *lines)
{
    struct buf request = { 0 };

    buf_append_format(&request, "GET /ws HTTP/1.1\r\nHost: relay.example\r\n%s\r\n", lines);
    client_send(place, buf_view(&request));
    buf_clear(&request);
    wait_for(place, is_answered);
    return place->verdict;
}

static void each_request_is_judged_as_the_rfc_says(void **state)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_int_equal(verdict_on(*state, refusals[i].lines), refusals[i].verdict);
        (void)place_close(state);
        (void)place_open(state);
    }
}

static void a_post_is_no_upgrade(void **state)
{
    struct place *place = *state;

    client_send(place, bytes_text("POST /ws HTTP/1.1\r\nHost: relay.example\r\nContent-Length: "
                                  "0\r\n" UPGRADE CONNECTION VERSION KEY "\r\n"));
    wait_for(place, is_answered);
    assert_int_equal(place->verdict, WS_HANDSHAKE_MALFORMED);
}

static bool has_message(const struct place *place)
{
    return place->messages > 0;
}

static void frames_right_behind_the_request_are_read(void **state)
{
    struct place *place = *state;
    struct buf both = { 0 };

    place->echo = true;
    buf_append_text(&both, upgrade);
    buf_append(&both, bytes_of("\x82\x82\x00\x00\x00\x00hi", 8));
    client_send(place, buf_view(&both));
    wait_for(place, has_message);
    wait_for(place, is_answered);
    free(take_head(place));
    expect_frame(place, WS_OPCODE_BINARY, bytes_text("hi"));
    buf_clear(&both);
}

/* ---- messages ---- */

static void messages_of_all_sizes_come_back(void **state)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 8192, 8193, 65535, 65536, MESSAGE_MAX };
    struct place *place = *state;
    uint8_t *payload = mem_raw(MESSAGE_MAX);

    place->echo = true;
    open_channel(place);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(payload, (int)i + 'a', sizes[i]);
        client_frame(place, WS_OPCODE_BINARY, bytes_of(payload, sizes[i]));
        expect_frame(place, WS_OPCODE_BINARY, bytes_of(payload, sizes[i]));
    }
    free(payload);
}

static void many_messages_in_one_write_come_back_in_order(void **state)
{
    struct place *place = *state;
    struct buf all = { 0 };

    place->echo = true;
    open_channel(place);
    for (unsigned i = 0; i < 100; i++) {
        buf_append(&all, bytes_of("\x82\x82\x00\x00\x00\x00", 6));
        buf_append_u16(&all, (uint16_t)i);
    }
    client_send(place, buf_view(&all));
    for (unsigned i = 0; i < 100; i++) {
        uint8_t want[2] = { 0, (uint8_t)i };
        expect_frame(place, WS_OPCODE_BINARY, bytes_of(want, 2));
    }
    buf_clear(&all);
}

static void a_message_that_comes_byte_by_byte_is_whole(void **state)
{
    static const char frames[] = "\x02\x83\x00\x00\x00\x00"
                                 "abc\x89\x81\x00\x00\x00\x00p\x80\x83\x00\x00\x00\x00"
                                 "def";
    struct place *place = *state;

    place->echo = true;
    open_channel(place);
    for (size_t i = 0; i < sizeof frames - 1; i++) {
        client_send(place, bytes_of(frames + i, 1));
    }
    expect_frame(place, WS_OPCODE_PONG, bytes_text("p"));
    expect_frame(place, WS_OPCODE_BINARY, bytes_text("abcdef"));
}

static void pings_are_answered_with_their_payload(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_frame(place, WS_OPCODE_PING, bytes_text("are you there"));
    expect_frame(place, WS_OPCODE_PONG, bytes_text("are you there"));
    client_frame(place, WS_OPCODE_PONG, bytes_text("unasked"));
    client_frame(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    expect_frame(place, WS_OPCODE_PONG, bytes_of(NULL, 0));
    assert_int_equal(place->messages, 0);
}

/* ---- the end ---- */

static void the_peers_close_is_answered_with_its_code(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_frame(place, WS_OPCODE_CLOSE, bytes_text("\x0b\xb8why")); /* 3000 */
    expect_close(place, 3000);
}

static void a_close_without_a_code_is_answered_without_one(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_frame(place, WS_OPCODE_CLOSE, bytes_of(NULL, 0));
    expect_close(place, WS_FRAME_CLOSE_NONE);
}

static void a_bad_close_reason_is_1007(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_frame(place, WS_OPCODE_CLOSE, bytes_text("\x03\xe8\xc3("));
    expect_close(place, 1007);
}

static void text_is_1003(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_frame(place, WS_OPCODE_TEXT, bytes_text("hello"));
    client_text(place, "not heard");
    expect_close(place, WS_CLOSE_UNSUPPORTED);
    assert_int_equal(place->messages, 0);
}

static void a_broken_frame_is_1002(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_send(place, bytes_of("\x82\x02hi", 4)); /* without a mask */
    expect_close(place, WS_CLOSE_PROTOCOL);
    assert_int_equal(place->messages, 0);
}

static void a_message_above_the_limit_is_1009(void **state)
{
    uint8_t head[WS_FRAME_HEAD_MAX];
    struct place *place = *state;

    open_channel(place);
    size_t size = ws_frame_head(head, WS_OPCODE_BINARY, MESSAGE_MAX + 1, (const uint8_t *)"key!");
    client_send(place, bytes_of(head, size));
    expect_close(place, WS_CLOSE_TOO_BIG);
}

static void our_close_ends_reading_and_sending(void **state)
{
    struct place *place = *state;

    place->echo = true;
    open_channel(place);
    client_text(place, "close");
    client_text(place, "not heard");
    expect_close(place, WS_CLOSE_POLICY);
    assert_int_equal(place->messages, 1);
}

static void a_close_in_the_middle_of_a_message_frees_it(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_send(place, bytes_of("\x02\x83\x00\x00\x00\x00"
                                "abc",
                                9));
    client_frame(place, WS_OPCODE_CLOSE, bytes_text("\x03\xe8"));
    expect_close(place, WS_CLOSE_NORMAL);
    assert_int_equal(place->messages, 0);
}

static void a_peer_that_hangs_up_is_heard_once(void **state)
{
    struct place *place = *state;

    open_channel(place);
    client_send(place, bytes_of("\x82\xfe\x10", 3));
    assert_int_equal(shutdown(place->client, SHUT_RDWR), 0);
    wait_for(place, is_gone);
    assert_int_equal(place->closed, 1);
}

/* ---- pausing and room ---- */

static bool has_three(const struct place *place)
{
    return place->messages >= 3;
}

static void a_paused_channel_hears_nothing_until_it_is_resumed(void **state)
{
    struct place *place = *state;
    struct buf both = { 0 };

    open_channel(place);
    buf_append(&both, bytes_of("\x82\x85\x00\x00\x00\x00pause\x82\x83\x00\x00\x00\x00two", 20));
    client_send(place, buf_view(&both));
    client_text(place, "three");
    wait_for(place, has_message);
    for (int i = 0; i < 20; i++) {
        loop_turn(place->loop, 1);
    }
    assert_int_equal(place->messages, 1);
    ws_channel_resume(place->channel);
    wait_for(place, has_three);
    assert_int_equal(place->messages, 3);
    assert_true(bytes_equal(buf_view(&place->heard),
                            bytes_of("\0\0\0\5pause\0\0\0\3two\0\0\0\5three", 25)));
    buf_clear(&both);
}

static bool has_room_again(const struct place *place)
{
    return place->rooms > 0;
}

static void on_room_comes_once_when_the_peer_takes_its_output(void **state)
{
    static const uint8_t block[4096];
    struct place *place = *state;
    size_t blocks = 0;

    open_channel(place);
    while (blocks < 10000 && ws_channel_has_room(place->channel)) {
        ws_channel_send(place->channel, bytes_of(block, sizeof block), bytes_of(NULL, 0));
        loop_turn(place->loop, 0);
        blocks++;
    }
    assert_false(ws_channel_has_room(place->channel)); /* the client has read nothing */
    assert_int_equal(place->rooms, 0);
    wait_for(place, has_room_again);
    assert_true(ws_channel_has_room(place->channel));
    for (size_t i = 0; i < blocks; i++) {
        expect_frame(place, WS_OPCODE_BINARY, bytes_of(block, sizeof block));
    }
    assert_int_equal(place->rooms, 1);
}

/* ---- pings ---- */

static int place_open_with_short_pings(void **state)
{
    (void)place_open(state);
    struct place *place = *state;
    place->config.ping_ms = 8;
    place->config.pong_ms = 40;
    return 0;
}

static void a_peer_that_answers_pings_stays(void **state)
{
    struct place *place = *state;

    open_channel(place);
    for (int i = 0; i < 5; i++) {
        expect_frame(place, WS_OPCODE_PING, bytes_of(NULL, 0));
        client_frame(place, WS_OPCODE_PONG, bytes_of(NULL, 0));
    }
    assert_int_equal(place->closed, 0);
}

static void a_peer_that_answers_no_ping_is_ended(void **state)
{
    struct place *place = *state;

    open_channel(place);
    expect_frame(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    wait_for(place, is_gone);
    assert_int_equal(place->closed, 1);
}

static void a_paused_peer_is_not_ended_for_its_silence(void **state)
{
    struct place *place = *state;

    open_channel(place);
    ws_channel_pause(place->channel);
    for (int i = 0; i < 3; i++) {
        expect_frame(place, WS_OPCODE_PING, bytes_of(NULL, 0));
    }
    assert_int_equal(place->closed, 0);
}

#define ON_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)
#define WITH_PINGS(test) \
    cmocka_unit_test_setup_teardown(test, place_open_with_short_pings, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_is_the_one_of_the_rfc),
        ON_A_PLACE(upgrade_is_answered_with_101),
        ON_A_PLACE(each_request_is_judged_as_the_rfc_says),
        ON_A_PLACE(a_post_is_no_upgrade),
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
        WITH_PINGS(a_paused_peer_is_not_ended_for_its_silence),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
