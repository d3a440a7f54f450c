/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket on a connection (RFC 6455): whole binary messages in and out,
 * pings, the closing handshake, and a bounded output.  Loop thread.
 *
 * A message is given as one view.  One of at most 8 KiB that came in one frame
 * and was wholly in the input is unmasked on the stack; others are gathered on
 * the heap, which is given back with the message's end, so that an idle channel
 * holds no buffer.  What is gathered is taken from the connection's allowance; a
 * message that does not fit ends the channel with 1013, and one that is not whole
 * when two waits for pings or their answers have passed with 1008.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct exchange;
struct loop;
struct ws_channel;

enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_UNSUPPORTED = 1003, /* a text message */
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_RESTARTING = 1012,
    WS_CLOSE_TRY_LATER = 1013,
    WS_CLOSE_SESSION_OVER = 4401,
    WS_CLOSE_REVOKED = 4403,
    WS_CLOSE_REPLACED = 4409,
};

struct ws_handler {
    /* A whole binary message; the view lives until return. */
    void (*on_message)(void *arg, struct bytes message);
    /* Output has drained to the low mark after ws_channel_has_room was false. */
    void (*on_room)(void *arg);
    /* The channel is over; last call.  arg is the handler's to free. */
    void (*on_closed)(void *arg);
};

struct ws_config {
    size_t message_max; /* a larger message is closed with 1009 */
    int64_t ping_ms;    /* a ping this often, less up to a quarter at random */
    int64_t pong_ms;    /* a peer that sent nothing for this long after a ping is ended */
    size_t output_max;  /* ws_channel_has_room is false from this on; above the net's low mark */
};

enum ws_handshake {
    WS_HANDSHAKE_OK = 0,
    WS_HANDSHAKE_NOT_ASKED,   /* no upgrade to websocket: answer 426 */
    WS_HANDSHAKE_BAD_VERSION, /* not version 13: answer 426 with Sec-WebSocket-Version: 13 */
    WS_HANDSHAKE_MALFORMED,   /* method or key is wrong: answer 400 */
};

/* Judge an upgrade request (RFC 6455 section 4.2.1).  The caller answers refusals. */
enum ws_handshake ws_handshake_check(const struct exchange *exchange);

/*
 * Accept an upgrade that ws_handshake_check found OK; the exchange is gone.
 * protocol is the subprotocol to name.  NULL when the peer has gone.  handler and
 * config are borrowed for the channel's life.
 */
struct ws_channel *ws_channel_accept(struct exchange *exchange, struct loop *loop,
                                     const char *protocol, const struct ws_config *config,
                                     const struct ws_handler *handler, void *arg);

/* Step through Sec-WebSocket-Protocol: *cursor starts at 0; false at the end. */
bool ws_handshake_next_protocol(const struct exchange *exchange, size_t *cursor, struct bytes *out);

/* Send one binary message made of head and tail; copies both. */
void ws_channel_send(struct ws_channel *channel, struct bytes head, struct bytes tail);

/* Say whether less than output_max bytes wait to be taken by the peer. */
bool ws_channel_has_room(const struct ws_channel *channel);

/* Stop and go on reading from the peer, see conn_pause. */
void ws_channel_pause(struct ws_channel *channel);
void ws_channel_resume(struct ws_channel *channel);

/*
 * Send a close frame with code and reason (ASCII, at most 123 bytes), then close as
 * conn_finish does; nothing is read or sent after it.  on_closed comes later, once.
 */
void ws_channel_close(struct ws_channel *channel, enum ws_close_code code, const char *reason);
