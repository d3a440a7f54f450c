/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler reads from a request.  The replies are in exchange_reply.c. */
#include "server/http/exchange.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/network.h"
#include "server/http/exchange_private.h"
#include "server/http/parser.h"
#include "server/http/response.h"
#include "server/http/router.h"
#include "server/http/server.h"
#include "server/http/server_private.h"
#include "server/http/talk.h"
#include "server/net/conn.h"
#include "server/net/peer.h"

enum {
    QUERY_PARAMS = 16
};

struct bytes exchange_head_bytes(const struct exchange *exchange)
{
    return bytes_of(exchange->bytes, exchange->head_size);
}

/* Put the joined values of the field at place behind the head; *at is where. */
static void join_field(struct exchange *exchange, size_t place, size_t *at)
{
    struct head_field *first = &exchange->head.fields[place];
    struct bytes name = bytes_of(exchange->bytes + first->name.at, first->name.size);
    size_t from = *at;
    size_t count = 0;

    for (size_t i = place; i < exchange->head.field_count; i++) {
        struct head_field *field = &exchange->head.fields[i];
        struct bytes other = bytes_of(exchange->bytes + field->name.at, field->name.size);
        if (other.size != name.size ||
            strncasecmp((const char *)other.at, (const char *)name.at, name.size) != 0) {
            continue;
        }
        if (count++ > 0) {
            memcpy(exchange->bytes + *at, ", ", 2);
            *at += 2;
            field->name.size = 0; /* stands in the first one now */
        }
        memcpy(exchange->bytes + *at, exchange->bytes + field->value.at, field->value.size);
        *at += field->value.size;
    }
    first->value = (struct head_span){ .at = (uint16_t)from, .size = (uint16_t)(*at - from) };
}

/* Each field of a head has four bytes besides name and value (": " may be ":", CR, LF), so
 * all values with their ", " fit into as many bytes again as the head has. */
static void join_repeated(struct exchange *exchange)
{
    size_t at = exchange->head_size;

    for (size_t i = 0; i < exchange->head.field_count; i++) {
        if (exchange->head.fields[i].name.size > 0) {
            join_field(exchange, i, &at);
        }
    }
}

static void split_target(struct exchange *exchange)
{
    struct bytes target = head_view(exchange_head_bytes(exchange), exchange->head.target);
    const uint8_t *mark = memchr(target.at, '?', target.size);
    size_t size = mark == NULL ? target.size : (size_t)(mark - target.at);
    struct bytes base = bytes_text(exchange->server->base_path);

    if (mark != NULL) {
        exchange->query = bytes_of(mark + 1, target.size - size - 1);
    }
    /* A path outside the prefix stays empty, and no route has that. */
    if (size > base.size && memcmp(target.at, base.at, base.size) == 0 &&
        target.at[base.size] == '/') {
        exchange->path = bytes_of(target.at + base.size, size - base.size);
    }
}

struct exchange *exchange_create(struct talk *talk, struct http_server *server, struct bytes bytes)
{
    const struct head *head = &server->head;
    size_t size = head->repeats ? 2 * bytes.size : bytes.size;
    size_t block = sizeof(struct exchange) + size;
    struct exchange *exchange = mem_zeroed(1, block);

    exchange->talk = talk;
    exchange->requests = server->config.requests;
    exchange->block_bytes = block;
    allowance_count(exchange->requests, 0, block);
    exchange->server = server;
    memcpy(&exchange->head, head,
           offsetof(struct head, fields) + head->field_count * sizeof head->fields[0]);
    exchange->head_size = bytes.size;
    memcpy(exchange->bytes, bytes.at, bytes.size);
    if (head->repeats) {
        join_repeated(exchange);
    }
    split_target(exchange);
    response_make_id(exchange->request_id);
    exchange->began_ms = loop_steady_ms(server->loop);
    exchange->head_only = bytes_equal(exchange_method(exchange), bytes_text("HEAD"));
    exchange->close = !head->keep_alive;
    LIST_INSERT_HEAD(&server->exchanges, exchange, link);
    return exchange;
}

void exchange_destroy(struct exchange *exchange)
{
    if (exchange->talk != NULL) {
        exchange_lose_peer(exchange);
    }
    if (exchange->server != NULL) {
        exchange->server->waiting -= exchange->waiting ? 1 : 0;
        LIST_REMOVE(exchange, link);
    }
    allowance_count(exchange->requests, exchange->block_bytes + exchange->body.room, 0);
    free(exchange->caller);
    buf_clear(&exchange->body);
    buf_clear(&exchange->headers);
    free(exchange);
}

static_assert((int)EXCHANGE_PEER_BYTES == (int)NETWORK_NAME_BYTES, "both are the longest name");

bool exchange_find_peer(struct exchange *exchange)
{
    return peer_of_request(talk_conn(exchange->talk), exchange_header(exchange, "forwarded"),
                           exchange_header(exchange, "x-forwarded-for"), exchange->peer,
                           &exchange->member);
}

void exchange_lose_peer(struct exchange *exchange)
{
    if (exchange->member != NULL) {
        peer_leave(talk_conn(exchange->talk), exchange->member);
        exchange->member = NULL;
    }
    conn_watch_end(talk_conn(exchange->talk), false);
    exchange->talk = NULL;
}

void exchange_tell_peer_end(struct exchange *exchange)
{
    exchange_peer_end_fn *fn = exchange->on_peer_end;

    exchange->on_peer_end = NULL;
    if (fn != NULL) {
        fn(exchange->on_peer_end_arg);
    }
}

void exchange_watch_peer(struct exchange *exchange, exchange_peer_end_fn *fn, void *arg)
{
    exchange->on_peer_end = fn;
    exchange->on_peer_end_arg = arg;
    if (exchange->talk != NULL) {
        conn_watch_end(talk_conn(exchange->talk), true);
    }
}

const struct http_route *exchange_route(const struct exchange *exchange)
{
    return exchange->route;
}

const char *exchange_request_id(const struct exchange *exchange)
{
    return exchange->request_id;
}

struct bytes exchange_method(const struct exchange *exchange)
{
    return head_view(exchange_head_bytes(exchange), exchange->head.method);
}

bool exchange_is_http10(const struct exchange *exchange)
{
    return exchange->head.http10;
}

struct bytes exchange_path_param(const struct exchange *exchange, const char *name)
{
    return router_param(exchange->route, exchange->path, name);
}

/* Step through "a=1&b=2"; false at the end. */
static bool next_param(struct bytes *rest, struct bytes *out_name, struct bytes *out_value)
{
    if (rest->size == 0) {
        return false;
    }
    const uint8_t *end = memchr(rest->at, '&', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->at);
    const uint8_t *equals = size == 0 ? NULL : memchr(rest->at, '=', size);
    size_t name_size = equals == NULL ? size : (size_t)(equals - rest->at);
    size_t value_at = equals == NULL ? size : name_size + 1;
    size_t step = end == NULL ? size : size + 1;

    *out_name = bytes_of(rest->at, name_size);
    *out_value = bytes_of(rest->at + value_at, size - value_at);
    *rest = bytes_of(rest->at + step, rest->size - step);
    return true;
}

bool exchange_query(const struct exchange *exchange, const char *name, struct bytes *out)
{
    struct bytes rest = exchange->query;
    struct bytes found;
    struct bytes value;

    while (next_param(&rest, &found, &value)) {
        if (bytes_equal(found, bytes_text(name))) {
            *out = value;
            return true;
        }
    }
    return false;
}

bool exchange_query_unknown(const struct exchange *exchange, const char *const *names,
                            struct bytes *out)
{
    struct bytes rest = exchange->query;
    struct bytes name;
    struct bytes value;

    while (next_param(&rest, &name, &value)) {
        size_t i = 0;
        while (names[i] != NULL && !bytes_equal(name, bytes_text(names[i]))) {
            i++;
        }
        if (names[i] == NULL) {
            *out = name;
            return true;
        }
    }
    return false;
}

bool exchange_query_repeats(const struct exchange *exchange, struct bytes *out)
{
    struct bytes names[QUERY_PARAMS];
    struct bytes rest = exchange->query;
    struct bytes name;
    struct bytes value;
    size_t count = 0;

    while (next_param(&rest, &name, &value)) {
        bool again = count == QUERY_PARAMS;
        for (size_t i = 0; i < count; i++) {
            again |= bytes_equal(names[i], name);
        }
        if (again) {
            *out = name;
            return true;
        }
        names[count++] = name;
    }
    return false;
}

struct bytes exchange_header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->head.field_count; i++) {
        const struct head_field *field = &exchange->head.fields[i];
        struct bytes found = bytes_of(exchange->bytes + field->name.at, field->name.size);
        if (head_name_is(found, name)) {
            return bytes_of(exchange->bytes + field->value.at, field->value.size);
        }
    }
    return bytes_of(NULL, 0);
}

struct bytes exchange_body(const struct exchange *exchange)
{
    return buf_view(&exchange->body);
}

const char *exchange_peer(const struct exchange *exchange)
{
    return exchange->peer;
}

void exchange_set_caller(struct exchange *exchange, void *caller)
{
    free(exchange->caller);
    exchange->caller = caller;
}

void *exchange_caller(const struct exchange *exchange)
{
    return exchange->caller;
}
