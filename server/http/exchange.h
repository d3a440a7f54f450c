/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its one reply.  The exchange outlives its peer: it stays
 * until it is replied to, and a reply to a peer that hung up goes nowhere.
 * So a handler may wait on the store without watching the connection.
 * The handler is called when the whole body is there.  Loop thread.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"
#include "server/http/problem.h"

struct exchange;

const struct http_route *exchange_route(const struct exchange *exchange);

/* The random id that is in Sealpost-Request-Id and in the log line.  Borrowed until the reply. */
const char *exchange_request_id(const struct exchange *exchange);

/* "GET", "POST", ... as received; the raw target's path less the base prefix. */
struct bytes exchange_method(const struct exchange *exchange);

/* Say whether the request came as HTTP/1.0, in which an Upgrade means nothing. */
bool exchange_is_http10(const struct exchange *exchange);

/* The path segment that stands for {name}, undecoded.  Borrowed until the reply. */
struct bytes exchange_path_param(const struct exchange *exchange, const char *name);

/* The raw value of query parameter name; false when absent.  Twice the same name: 400 before. */
bool exchange_query(const struct exchange *exchange, const char *name, struct bytes *out);

/* Say whether the query has a name that is not in names (NULL-ended); *out is that name. */
bool exchange_query_unknown(const struct exchange *exchange, const char *const *names,
                            struct bytes *out);

/* Value of the header field name (lower case); more than one: joined with ", ".  Size 0: absent. */
struct bytes exchange_header(const struct exchange *exchange, const char *name);

/* The whole body.  Borrowed until the reply. */
struct bytes exchange_body(const struct exchange *exchange);

enum {
    EXCHANGE_PEER_BYTES = 24
};

/*
 * The client's name for limits, behind whatever proxies (server/net/peer.h), at most
 * EXCHANGE_PEER_BYTES with its NUL; "" when it has none.  Borrowed until the reply; never logged.
 */
const char *exchange_peer(const struct exchange *exchange);

/*
 * Call fn(arg) once if the peer hangs up, or sends no more, before the reply: for a handler that makes
 * it wait.  fn may reply.
 */
typedef void exchange_peer_end_fn(void *arg);
void exchange_watch_peer(struct exchange *exchange, exchange_peer_end_fn *fn, void *arg);

/* A place for whoever authenticates to leave who calls; freed with free() after the reply. */
void exchange_set_caller(struct exchange *exchange, void *caller);
void *exchange_caller(const struct exchange *exchange);

/* Add a header field to the reply.  Both are copied; CHECKs that they hold no CR or LF. */
void exchange_add_header(struct exchange *exchange, const char *name, const char *value);

/* Finish the exchange; it may be gone when these return.  Call exactly one, once. */
void exchange_reply(struct exchange *exchange, int status, const char *content_type,
                    struct bytes body);
void exchange_reply_empty(struct exchange *exchange, int status);

/*
 * Reply application/problem+json for code.  members is "" or JSON members with a
 * leading comma (,"max":1024).  For 429 and 503, retry_after_s > 0 adds
 * Retry-After and retry_after.
 */
void exchange_reply_problem(struct exchange *exchange, enum problem code, int retry_after_s,
                            const char *members);

/*
 * Take the connection out of HTTP, after writing head (a whole response head)
 * when it is not empty.  The exchange is gone; NULL when the peer has gone.
 */
struct conn *exchange_take(struct exchange *exchange, struct bytes head);
