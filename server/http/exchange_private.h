/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of struct exchange, for the files of this room.
 *
 * An exchange is one block: the struct, a copy of the request's head behind it,
 * and, only when a field name was repeated, the joined values behind that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "server/http/exchange.h"
#include "server/http/parser.h"
#include "server/http/response.h"

struct allowance;
struct crowd_member;
struct http_server;
struct talk;

struct exchange {
    LIST_ENTRY(exchange) link;
    struct http_server *server;     /* NULL once the server has gone */
    struct talk *talk;              /* NULL once the peer has gone */
    struct crowd_member *member;    /* the request, counted for its client; while talk is there */
    const struct http_route *route; /* NULL when none was found */
    void *caller;
    exchange_peer_end_fn *on_peer_end; /* NULL: nobody waits for it */
    void *on_peer_end_arg;
    struct buf body;
    struct buf headers; /* field lines that the handler added */
    struct bytes path;  /* less base prefix and query; in bytes */
    struct bytes query;
    int64_t began_ms;
    bool head_only;         /* HEAD: no body in the reply */
    bool close;             /* the connection ends with the reply */
    bool waiting;           /* the request is whole: counted in server->waiting */
    bool has_cache_control; /* among headers */
    char request_id[RESPONSE_ID_BYTES];
    char peer[EXCHANGE_PEER_BYTES];
    struct head head;
    size_t head_size;
    struct allowance *requests; /* of the server, which may go before it */
    size_t block_bytes;         /* of this block */
    uint8_t bytes[];
};

/* Copy the head that was read from bytes. */
struct exchange *exchange_create(struct talk *talk, struct http_server *server, struct bytes bytes);

/* Free it without a reply. */
void exchange_destroy(struct exchange *exchange);

/*
 * Find the client's name while its connection is there; false when it has as many requests
 * and streams as one may.
 */
bool exchange_find_peer(struct exchange *exchange);

/* The peer has gone: the reply goes nowhere. */
void exchange_lose_peer(struct exchange *exchange);

/* Tell whoever waits for it that the peer ended; the exchange may be gone when it returns. */
void exchange_tell_peer_end(struct exchange *exchange);

/* The head's copy. */
struct bytes exchange_head_bytes(const struct exchange *exchange);

/* Say whether some query parameter stands twice or there are too many; *out is its name. */
bool exchange_query_repeats(const struct exchange *exchange, struct bytes *out);
