/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place where a WebSocket channel runs on a real connection: loop, net and http in
 * this process, and a plain socket as the client.  GET and POST /ws are the upgrade.
 * A message is kept, and sent back when echo is set; "close" closes the channel and
 * "pause" pauses it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "server/http/route.h"
#include "server/ws/channel.h"
#include "server/ws/frame.h"

struct http_server;
struct loop;
struct net;

enum {
    WS_PLACE_MESSAGE_MAX = 200000,
    WS_PLACE_OUTPUT_MAX = 65536, /* the high mark of net; the channel's is half of it */
};

/* A request that asks for the upgrade as it should, offering sealpost.v1 and other. */
extern const char ws_place_request[];

struct ws_place {
    struct loop *loop;
    struct net *net;
    struct http_server *http;
    struct http_routes routes;
    struct ws_config config;
    struct ws_channel *channel; /* NULL before and after */
    int client;
    struct allowance requests; /* any, until a test says else */
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

typedef bool ws_place_is_fn(const struct ws_place *place);

/* Setup and teardown of cmocka: *state is a struct ws_place. */
int ws_place_open(void **state);
int ws_place_close(void **state);

/* Send bytes as the client, turning the loop until they are taken. */
void ws_place_send(struct ws_place *place, struct bytes bytes);

/* Send one masked frame, or one binary message. */
void ws_place_frame(struct ws_place *place, enum ws_opcode opcode, struct bytes payload);
void ws_place_text(struct ws_place *place, const char *text);

/* Turn the loop and receive until condition holds; fails the test when it never does. */
void ws_place_wait(struct ws_place *place, ws_place_is_fn *condition);
ws_place_is_fn ws_place_is_answered; /* a response head has come */
ws_place_is_fn ws_place_is_open;     /* and a channel is there */
ws_place_is_fn ws_place_is_gone;     /* the channel has closed */
ws_place_is_fn ws_place_is_ended;    /* the relay has closed the connection */

/* Take the head of the answer; to be freed. */
char *ws_place_take_head(struct ws_place *place);

/* Upgrade as it should be and take the head. */
void ws_place_upgrade(struct ws_place *place);

/* Wait for the relay's next frame and hold it against what is wanted. */
void ws_place_expect(struct ws_place *place, enum ws_opcode opcode, struct bytes payload);

/* Wait for a close frame with code, and for nothing behind it, and end the connection. */
void ws_place_expect_close(struct ws_place *place, int code);
