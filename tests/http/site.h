/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real http_server on a real listener, and plain sockets as its clients, all in
 * this process: a client's step turns the loop, so nothing runs beside the test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/bytes.h"

struct exchange;

enum {
    SITE_SMALL_BYTES = 10,    /* body_max of POST /small */
    SITE_BIG_BYTES = 1000000, /* size of what GET /big answers */
    SITE_BODY_BYTES = 200000, /* body_max of POST /large */
    SITE_PATIENCE_MS = 20000, /* beyond this what is waited for does not happen */
};

struct site {
    struct loop *loop;
    struct net *net;
    struct http_server *http;
    uint16_t port;
    struct exchange *later[8]; /* of GET and POST /later: whoever tests replies */
    size_t later_count;
    size_t handled; /* requests that reached a handler */
    struct allowance requests;
    struct buf taken; /* bytes that reached the protocol after GET /take */
};

struct site_options {
    const char *base_path;
    const char *cors_origins;
    int64_t head_timeout_ms; /* 0: SITE_PATIENCE_MS */
    int64_t body_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t output_high_bytes;
    int64_t requests_max_bytes; /* of heads and bodies; 0: any */
};

void site_open(struct site *site, const struct site_options *options);
void site_close(struct site *site);

struct client {
    struct site *site;
    int fd;
    struct buf got; /* all it has received */
    bool ended;     /* and then the server closed or reset */
};

void client_open(struct client *client, struct site *site);
void client_close(struct client *client);

/* Send all, turning the loop meanwhile. */
void client_send(struct client *client, struct bytes bytes);
void client_send_text(struct client *client, const char *text);

/* Send no more. */
void client_shut(struct client *client);

/* Turn the loop until the client has received text, or until the server closed. */
void client_wait_for(struct client *client, const char *text);
void client_wait_for_end(struct client *client);

/* Turn the loop until count exchanges wait in site->later. */
void site_wait_for_later(struct site *site, size_t count);

/* Receive what is there and turn the loop once. */
void client_turn(struct client *client);

/* How often text stands in what was received. */
size_t client_count(const struct client *client, const char *text);
bool client_has(const struct client *client, const char *text);

/* Send text on a connection of its own, close our direction, wait for the end.  The answer is
 * NUL-terminated; the caller frees it. */
char *site_ask(struct site *site, const char *text);
