/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "server/http/exchange.h"
#include "server/http/exchange_private.h"
#include "server/http/parser.h"
#include "server/http/problem.h"
#include "server/http/response.h"
#include "server/http/route.h"
#include "server/http/server_private.h"
#include "server/http/talk.h"
#include "server/net/conn.h"
#include "server/net/peer.h"

enum {
    STATUS_SWITCHING = 101,
    STATUS_UNAUTHORIZED = 401,
    STATUS_OWN_FAULT = 500
};

void exchange_add_header(struct exchange *exchange, const char *name, const char *value)
{
    CHECK(strpbrk(name, "\r\n") == NULL && strpbrk(value, "\r\n") == NULL);
    exchange->has_cache_control |= strcasecmp(name, "Cache-Control") == 0;
    buf_append_text(&exchange->headers, name);
    buf_append_text(&exchange->headers, ": ");
    buf_append_text(&exchange->headers, value);
    buf_append_text(&exchange->headers, "\r\n");
}

/* The bucket of a duration: the first of these that it is below, or -1 for beyond. */
static int64_t duration_bucket(int64_t ms)
{
    static const int64_t buckets[] = { 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000 };

    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        if (ms < buckets[i]) {
            return buckets[i];
        }
    }
    return -1;
}

/* One line a request, with nothing in it about who asked for what; exact times would tell sizes. */
static void exchange_log(const struct exchange *exchange, int status)
{
    enum log_level level = status >= STATUS_OWN_FAULT ? LOG_INFO : LOG_DEBUG;

    metrics_add(METRIC_http_requests, 1);
    if (exchange->server == NULL || !log_is_on(level)) {
        return;
    }
    log_line(level, "http.request", "route=\"%s %s\" status=%d id=%s below_ms=%" PRId64,
             exchange->route == NULL ? "-" : exchange->route->method,
             exchange->route == NULL ? "-" : exchange->route->path, status, exchange->request_id,
             duration_bucket(loop_steady_ms(exchange->server->loop) - exchange->began_ms));
}

static void exchange_send(struct exchange *exchange, int status, const char *content_type,
                          struct bytes body)
{
    struct talk *talk = exchange->talk;
    bool close = exchange->close;

    exchange_log(exchange, status);
    if (talk != NULL) {
        close |= exchange->server->draining;
        const struct response response = {
            .status = status,
            .content_type = content_type,
            .body = body,
            .fields = buf_view(&exchange->headers),
            .origin = exchange_header(exchange, "origin"),
            .request_id = exchange->request_id,
            .head_only = exchange->head_only,
            .close = close,
            .keep_alive_10 = exchange->head.http10,
            .has_cache_control = exchange->has_cache_control,
        };
        response_write(exchange->server, talk_conn(talk), &response);
    }
    exchange_destroy(exchange);
    if (talk != NULL) {
        talk_answered(talk, close);
    }
}

void exchange_reply(struct exchange *exchange, int status, const char *content_type,
                    struct bytes body)
{
    exchange_send(exchange, status, content_type, body);
}

void exchange_reply_empty(struct exchange *exchange, int status)
{
    exchange_send(exchange, status, NULL, bytes_of(NULL, 0));
}

void exchange_reply_problem(struct exchange *exchange, enum problem code, int retry_after_s,
                            const char *members)
{
    struct buf body = { 0 };

    if (retry_after_s > 0) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%d", retry_after_s);
        exchange_add_header(exchange, "Retry-After", seconds);
    }
    if (problem_status(code) == STATUS_UNAUTHORIZED) { /* RFC 9110 section 15.5.2 wants it */
        exchange_add_header(exchange, "WWW-Authenticate", "Bearer");
    }
    problem_append(&body, code, retry_after_s, members);
    exchange_send(exchange, problem_status(code), "application/problem+json", buf_view(&body));
    buf_clear(&body);
}

struct conn *exchange_take(struct exchange *exchange, struct bytes head)
{
    struct talk *talk = exchange->talk;
    struct conn *conn = NULL;

    exchange_log(exchange, STATUS_SWITCHING);
    if (talk != NULL) {
        peer_keep(talk_conn(talk), exchange->member);
        exchange->talk = NULL; /* it is released, and may be freed */
        exchange->member = NULL;
        conn = talk_release(talk);
        conn_write(conn, head);
    }
    exchange_destroy(exchange);
    return conn;
}
