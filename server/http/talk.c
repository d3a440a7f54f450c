/* SPDX-License-Identifier: Apache-2.0 */
/*
 *           whole head, body to come          whole body
 *   HEAD ---------------------------> BODY ---------------> WAITING
 *    ^ |  whole head, no body                                  |
 *    | +-------------------------------------------------> WAITING
 *    +------------------- answered ----------------------------+
 *
 *   any but RELEASED -> ENDING: the last answer is written, nothing more is read
 *   WAITING -> RELEASED: the connection belongs to another protocol
 *
 * While the state is WAITING the connection is paused, so requests that were
 * sent ahead wait in the kernel or in the connection, and are read in order.
 */
#include "server/http/talk.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/http/body.h"
#include "server/http/cors.h"
#include "server/http/exchange.h"
#include "server/http/exchange_private.h"
#include "server/http/guard.h"
#include "server/http/parser.h"
#include "server/http/problem.h"
#include "server/http/response.h"
#include "server/http/route.h"
#include "server/http/router.h"
#include "server/http/server.h"
#include "server/http/server_private.h"
#include "server/net/conn.h"

enum talk_state {
    HEAD = 0,
    BODY,
    WAITING,
    ENDING,
    RELEASED
};

enum {
    BODY_SMALL_BYTES = 65536,
    RETRY_S = 2,
    RETRY_CROWD_S = 10
};

struct talk {
    struct http_server *server;
    struct conn *conn;
    struct exchange *exchange; /* the request in hand; NULL while HEAD and at the end */
    struct guard guard;
    struct body body;
    enum talk_state state;
    bool began; /* the head's deadline is running */
    bool busy;  /* inside on_bytes, which frees a released talk itself */
};

static void talk_enter(struct talk *talk, enum talk_state state)
{
    static const unsigned steps[] = {
        [HEAD] = 1U << BODY | 1U << WAITING | 1U << ENDING,
        [BODY] = 1U << WAITING | 1U << ENDING,
        [WAITING] = 1U << HEAD | 1U << ENDING | 1U << RELEASED,
        [ENDING] = 0,
        [RELEASED] = 0,
    };

    CHECK((steps[talk->state] >> state & 1U) != 0);
    talk->state = state;
}

struct conn *talk_conn(const struct talk *talk)
{
    return talk->conn;
}

/* Answer a request that has no exchange, because its head could not be read. */
static void refuse(struct http_server *server, struct conn *conn, enum problem problem)
{
    struct buf body = { 0 };
    char id[RESPONSE_ID_BYTES];

    metrics_add(METRIC_http_refused, 1);
    response_make_id(id);
    problem_append(&body, problem, 0, "");
    const struct response response = {
        .status = problem_status(problem),
        .content_type = "application/problem+json",
        .body = buf_view(&body),
        .request_id = id,
        .close = true,
    };
    response_write(server, conn, &response);
    buf_clear(&body);
    log_debug("http.refused", "problem=%s id=%s", problem_code(problem), id);
}

static void talk_refuse(struct talk *talk, enum problem problem)
{
    refuse(talk->server, talk->conn, problem);
    talk_enter(talk, ENDING);
    conn_finish(talk->conn);
}

/* Hand the request in hand to nobody, answer with a problem, and end when bytes of it may
 * still come. */
static void talk_turn_down(struct talk *talk, enum problem problem, const char *members)
{
    struct exchange *exchange = talk->exchange;
    bool has_body = exchange->head.chunked || exchange->head.length > 0;

    if (problem != PROBLEM_not_found && problem != PROBLEM_method_not_allowed) {
        metrics_add(METRIC_http_refused, 1);
    }
    exchange->close |= has_body;
    talk_enter(talk, WAITING);
    conn_pause(talk->conn, CONN_PAUSE_REQUEST);
    exchange_reply_problem(exchange, problem, problem == PROBLEM_unavailable ? RETRY_S : 0,
                           members);
}

static void turn_down_too_large(struct talk *talk, size_t max)
{
    char members[32];

    (void)snprintf(members, sizeof members, ",\"max\":%zu", max);
    talk_turn_down(talk, PROBLEM_too_large, members);
}

static void turn_down_repeated(struct talk *talk, struct bytes name)
{
    struct buf members = { 0 };

    buf_append_text(&members, ",\"member\":");
    json_append_quoted(&members, name);
    buf_append_u8(&members, 0);
    talk_turn_down(talk, PROBLEM_malformed, (const char *)members.at);
    buf_clear(&members);
}

/* OPTIONS is answered here: with the methods, and to a web page with what it may send. */
static void talk_answer_options(struct talk *talk)
{
    struct exchange *exchange = talk->exchange;
    const char *origins = talk->server->cors_origins;
    struct buf allow = { 0 };

    router_append_allow(talk->server->config.routes, exchange->path, &allow);
    if (cors_allows(origins, exchange_header(exchange, "origin")) &&
        exchange_header(exchange, "access-control-request-method").size > 0) {
        cors_append_preflight(&exchange->headers, buf_view(&allow));
    }
    buf_append_u8(&allow, 0);
    exchange_add_header(exchange, "Allow", (const char *)allow.at);
    buf_clear(&allow);
    talk_enter(talk, WAITING);
    conn_pause(talk->conn, CONN_PAUSE_REQUEST);
    exchange_reply_empty(exchange, 204);
}

static void turn_down_method(struct talk *talk)
{
    struct buf allow = { 0 };

    router_append_allow(talk->server->config.routes, talk->exchange->path, &allow);
    buf_append_u8(&allow, 0);
    exchange_add_header(talk->exchange, "Allow", (const char *)allow.at);
    buf_clear(&allow);
    talk_turn_down(talk, PROBLEM_method_not_allowed, "");
}

/* Find who serves the request; false when it was answered here. */
static bool talk_route(struct talk *talk)
{
    struct exchange *exchange = talk->exchange;
    struct bytes method = exchange_method(exchange);
    struct router_match match = router_find(talk->server->config.routes, method, exchange->path);

    exchange->route = match.route;
    if (!match.path_known) {
        talk_turn_down(talk, PROBLEM_not_found, "");
        return false;
    }
    if (match.route != NULL) {
        return true;
    }
    if (!bytes_equal(method, bytes_text("OPTIONS"))) {
        turn_down_method(talk);
    } else if (exchange->head.chunked || exchange->head.length > 0) {
        turn_down_too_large(talk, 0);
    } else {
        talk_answer_options(talk);
    }
    return false;
}

/* Whoever fills the room with large bodies leaves some for small ones: to sign in, to acknowledge. */
static bool talk_fits(const struct talk *talk)
{
    bool is_small = talk->exchange->body.size <= BODY_SMALL_BYTES;

    return !allowance_is_spent(talk->exchange->requests, is_small ? 2 : 1);
}

/* All that can be refused before the body is read; false when it was. */
static bool talk_admit(struct talk *talk)
{
    const struct head *head = &talk->exchange->head;
    struct bytes name;

    if (head->expects_other) {
        talk_turn_down(talk, PROBLEM_expectation_failed, "");
        return false;
    }
    if (head->coded) {
        talk_turn_down(talk, PROBLEM_media_type, "");
        return false;
    }
    if (!talk_route(talk)) {
        return false;
    }
    size_t max = talk->exchange->route->body_max;
    if (head->length > max || (head->chunked && max == 0)) {
        turn_down_too_large(talk, max);
        return false;
    }
    if (exchange_query_repeats(talk->exchange, &name)) {
        turn_down_repeated(talk, name);
        return false;
    }
    if (!talk_fits(talk)) {
        talk_turn_down(talk, PROBLEM_unavailable, "");
        return false;
    }
    return true;
}

/* The request is whole. */
static void talk_dispatch(struct talk *talk)
{
    struct exchange *exchange = talk->exchange;
    const struct http_routes *routes = talk->server->config.routes;
    http_handler_fn *handler = routes->before != NULL ? routes->before : exchange->route->handler;

    talk_enter(talk, WAITING);
    conn_pause(talk->conn, CONN_PAUSE_REQUEST);
    conn_set_deadline(talk->conn, 0);
    exchange->waiting = true;
    talk->server->waiting++;
    if (exchange_find_peer(exchange)) {
        handler(routes->arg, exchange);
    } else {
        exchange_reply_problem(exchange, PROBLEM_rate_limited, RETRY_CROWD_S, "");
    }
}

static void talk_begin_body(struct talk *talk, bool some_is_here)
{
    const struct head *head = &talk->exchange->head;

    body_begin(&talk->body, head->chunked, (size_t)head->length, talk->exchange->route->body_max);
    if (!head->chunked && head->length == 0) {
        talk_dispatch(talk);
        return;
    }
    talk_enter(talk, BODY);
    conn_set_deadline(talk->conn, talk->server->config.body_timeout_ms);
    if (head->expects_continue && !head->http10 && !some_is_here) {
        conn_write(talk->conn, bytes_text("HTTP/1.1 100 Continue\r\n\r\n"));
    }
}

/* The deadline runs from the first byte of a head, however slowly the others come. */
static void talk_head_goes_on(struct talk *talk)
{
    if (!talk->began) {
        talk->began = true;
        conn_set_deadline(talk->conn, talk->server->config.head_timeout_ms);
    }
}

static size_t talk_read_head(struct talk *talk, struct bytes input)
{
    enum problem problem = PROBLEM_bad_request;
    enum parse_step step = guard_scan(&talk->guard, input, &problem);

    if (step == PARSE_MORE) {
        talk_head_goes_on(talk);
        return 0;
    }
    size_t size = talk->guard.size;
    struct bytes bytes = bytes_of(input.at, size);
    talk->guard = (struct guard){ 0 };
    talk->began = true;
    if (step == PARSE_BAD || !parser_read(bytes, &talk->server->head, &problem)) {
        talk_refuse(talk, problem);
        return input.size;
    }
    talk->exchange = exchange_create(talk, talk->server, bytes);
    if (talk_admit(talk)) {
        talk_begin_body(talk, input.size > size);
    }
    return size;
}

static size_t talk_read_body(struct talk *talk, struct bytes input)
{
    enum problem problem = PROBLEM_bad_request;
    struct buf *body = &talk->exchange->body;
    size_t room = body->room;
    size_t used = 0;
    enum parse_step step = body_take(&talk->body, input, &used, body, &problem);

    allowance_count(talk->exchange->requests, room, body->room);
    switch (step) {
    case PARSE_DONE:
        talk_dispatch(talk);
        break;
    case PARSE_MORE:
        if (!talk_fits(talk)) {
            talk_turn_down(talk, PROBLEM_unavailable, "");
        }
        break;
    case PARSE_BAD:
        if (problem == PROBLEM_too_large) {
            turn_down_too_large(talk, talk->body.max);
        } else {
            talk->exchange->close = true;
            talk_turn_down(talk, problem, "");
        }
        break;
    }
    return used;
}

static size_t on_bytes(void *arg, struct conn *conn, struct bytes input)
{
    struct talk *talk = arg;
    size_t used = 0;
    size_t step = 1;

    talk->busy = true;
    while (step > 0 && used < input.size && talk->state < WAITING && !conn_is_paused(conn)) {
        struct bytes rest = bytes_of(input.at + used, input.size - used);
        step = talk->state == HEAD ? talk_read_head(talk, rest) : talk_read_body(talk, rest);
        used += step;
    }
    talk->busy = false;
    if (talk->state == RELEASED) {
        free(talk);
    }
    return used;
}

static void on_deadline(void *arg, struct conn *conn)
{
    struct talk *talk = arg;

    if (talk->state < WAITING && conn_is_paused(conn)) {
        /* It is we who do not read: the peer gets the time again. */
        conn_set_deadline(conn, talk->server->config.head_timeout_ms);
    } else if (talk->state == BODY) {
        talk->exchange->close = true;
        talk_turn_down(talk, PROBLEM_request_timeout, "");
    } else if (talk->state == HEAD && talk->guard.size > 0) {
        talk_refuse(talk, PROBLEM_request_timeout);
    } else {
        conn_close(conn, CONN_END_DEADLINE);
    }
}

static void on_peer_end(void *arg, struct conn *conn)
{
    const struct talk *talk = arg;

    (void)conn;
    if (talk->exchange != NULL && talk->state == WAITING) {
        exchange_tell_peer_end(talk->exchange);
    }
}

static void on_closed(void *arg, struct conn *conn, enum conn_end end)
{
    struct talk *talk = arg;
    struct exchange *exchange = talk->exchange;

    (void)conn;
    (void)end;
    if (exchange != NULL && talk->state == WAITING) {
        exchange_lose_peer(exchange); /* it is replied to later */
        exchange_tell_peer_end(exchange);
    } else if (talk->exchange != NULL) {
        exchange_destroy(talk->exchange);
    }
    free(talk);
}

static const struct conn_protocol http_protocol = {
    .on_bytes = on_bytes,
    .on_peer_end = on_peer_end,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void talk_begin(struct http_server *server, struct conn *conn)
{
    struct talk *talk = mem_zeroed(1, sizeof *talk);

    talk->server = server;
    talk->conn = conn;
    talk->began = true; /* the first head's deadline runs from the accept */
    conn_set_protocol(conn, &http_protocol, talk);
    conn_set_deadline(conn, server->config.head_timeout_ms);
}

void talk_answered(struct talk *talk, bool close)
{
    talk->exchange = NULL;
    if (close) {
        talk_enter(talk, ENDING);
        conn_finish(talk->conn);
        return;
    }
    talk_enter(talk, HEAD);
    talk->began = false;
    conn_set_deadline(talk->conn, talk->server->config.idle_timeout_ms);
    conn_resume(talk->conn, CONN_PAUSE_REQUEST);
}

static size_t on_bytes_for_nobody(void *arg, struct conn *conn, struct bytes input)
{
    (void)arg;
    conn_close(conn, CONN_END_OURS);
    return input.size;
}

static void on_closed_for_nobody(void *arg, struct conn *conn, enum conn_end end)
{
    (void)arg;
    (void)conn;
    (void)end;
}

/* Between HTTP and what comes after it; whoever takes a connection replaces this. */
static const struct conn_protocol no_protocol = {
    .on_bytes = on_bytes_for_nobody,
    .on_closed = on_closed_for_nobody,
};

void talk_refuse_plain(struct http_server *server, struct conn *conn)
{
    conn_set_protocol(conn, &no_protocol, NULL);
    refuse(server, conn, PROBLEM_tls_required);
    conn_finish(conn);
}

struct conn *talk_release(struct talk *talk)
{
    struct conn *conn = talk->conn;

    talk->exchange = NULL;
    talk_enter(talk, RELEASED);
    conn_set_deadline(conn, 0);
    conn_set_protocol(conn, &no_protocol, NULL);
    conn_resume(conn, CONN_PAUSE_REQUEST);
    if (!talk->busy) {
        free(talk);
    }
    return conn;
}
