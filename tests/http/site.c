/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/http/site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/http/exchange.h"
#include "server/http/route.h"
#include "server/http/server.h"
#include "server/net/conn.h"
#include "server/net/net.h"
#include "tests/support/unit.h"

static void say(struct exchange *exchange, struct bytes body)
{
    exchange_reply(exchange, 200, "text/plain", body);
}

static void on_server(void *arg, struct exchange *exchange)
{
    struct site *site = arg;

    site->handled++;
    exchange_reply(exchange, 200, "application/json", bytes_text("{\"name\":\"x\"}"));
}

static void on_echo(void *arg, struct exchange *exchange)
{
    struct site *site = arg;

    site->handled++;
    say(exchange, exchange_body(exchange));
}

static void on_item(void *arg, struct exchange *exchange)
{
    (void)arg;
    say(exchange, exchange_path_param(exchange, "item_id"));
}

static void on_erase(void *arg, struct exchange *exchange)
{
    struct site *site = arg;

    site->handled++;
    exchange_reply_empty(exchange, 204);
}

static void on_later(void *arg, struct exchange *exchange)
{
    struct site *site = arg;

    site->later[site->later_count++] = exchange;
}

static size_t on_taken_bytes(void *arg, struct conn *conn, struct bytes input)
{
    struct site *site = arg;

    buf_append(&site->taken, input);
    conn_write(conn, bytes_text("seen."));
    return input.size;
}

static void on_taken_closed(void *arg, struct conn *conn, enum conn_end end)
{
    (void)arg;
    (void)conn;
    (void)end;
}

static const struct conn_protocol taken_protocol = {
    .on_bytes = on_taken_bytes,
    .on_closed = on_taken_closed,
};

static void on_take(void *arg, struct exchange *exchange)
{
    struct conn *conn = exchange_take(
        exchange, bytes_text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"));

    conn_set_protocol(conn, &taken_protocol, arg);
}

static void on_cached(void *arg, struct exchange *exchange)
{
    (void)arg;
    exchange_add_header(exchange, "ETag", "\"1\"");
    exchange_add_header(exchange, "cache-control", "max-age=60");
    if (exchange_header(exchange, "if-none-match").size > 0) {
        exchange_reply_empty(exchange, 304);
        return;
    }
    say(exchange, bytes_text("cached"));
}

static void on_big(void *arg, struct exchange *exchange)
{
    uint8_t *big = mem_zeroed(SITE_BIG_BYTES, 1);

    (void)arg;
    memset(big, 'b', SITE_BIG_BYTES);
    say(exchange, bytes_of(big, SITE_BIG_BYTES));
    free(big);
}

static void on_field(void *arg, struct exchange *exchange)
{
    (void)arg;
    say(exchange, exchange_header(exchange, "x-tested"));
}

static void on_query(void *arg, struct exchange *exchange)
{
    static const char *const known[] = { "a", "b", NULL };
    struct bytes value = bytes_text("(absent)");

    (void)arg;
    if (exchange_query_unknown(exchange, known, &value)) {
        exchange_reply(exchange, 400, "text/plain", value);
        return;
    }
    (void)exchange_query(exchange, "a", &value);
    say(exchange, value);
}

static void on_busy(void *arg, struct exchange *exchange)
{
    (void)arg;
    exchange_reply_problem(exchange, PROBLEM_rate_limited, 7, ",\"seen\":\"yes\"");
}

static const struct http_route routes[] = {
    { .method = "GET", .path = "/v1/server", .handler = on_server },
    { .method = "POST",
      .path = "/v1/auth/challenge",
      .body_max = LIMIT_BODY_SMALL_BYTES,
      .handler = on_echo },
    { .method = "GET", .path = "/items/{item_id}", .handler = on_item },
    { .method = "DELETE", .path = "/items/{item_id}", .body_max = 100, .handler = on_erase },
    { .method = "GET", .path = "/items/{item_id}/parts/{part_id}", .handler = on_item },
    { .method = "POST", .path = "/small", .body_max = SITE_SMALL_BYTES, .handler = on_echo },
    { .method = "GET", .path = "/later", .handler = on_later },
    { .method = "POST", .path = "/later", .body_max = 100, .handler = on_later },
    { .method = "POST", .path = "/large", .body_max = SITE_BODY_BYTES, .handler = on_later },
    { .method = "GET", .path = "/take", .handler = on_take },
    { .method = "GET", .path = "/cached", .handler = on_cached },
    { .method = "GET", .path = "/big", .handler = on_big },
    { .method = "GET", .path = "/field", .handler = on_field },
    { .method = "GET", .path = "/query", .handler = on_query },
    { .method = "GET", .path = "/busy", .handler = on_busy },
};

static struct http_routes table = { .at = routes, .count = sizeof routes / sizeof routes[0] };

static int64_t or_patience(int64_t ms)
{
    return ms == 0 ? SITE_PATIENCE_MS : ms;
}

void site_open(struct site *site, const struct site_options *options)
{
    const struct net_limits limits = {
        .max_connections = 100,
        .output_high_bytes = options->output_high_bytes == 0 ? 262144 : options->output_high_bytes,
        .output_low_bytes =
            options->output_high_bytes == 0 ? 65536 : options->output_high_bytes / 4,
        .write_timeout_ms = SITE_PATIENCE_MS,
    };
    const struct http_config config = {
        .routes = &table,
        .base_path = options->base_path == NULL ? "" : options->base_path,
        .cors_origins = options->cors_origins == NULL ? "" : options->cors_origins,
        .head_timeout_ms = or_patience(options->head_timeout_ms),
        .body_timeout_ms = or_patience(options->body_timeout_ms),
        .idle_timeout_ms = or_patience(options->idle_timeout_ms),
        .requests = &site->requests,
    };
    char error[200];

    *site = (struct site){ .requests.max_bytes = options->requests_max_bytes };
    table.arg = site;
    site->loop = loop_create();
    site->net = net_create(site->loop, &limits);
    site->http = http_server_create(site->loop, &config);
    struct listener *listener = net_listen(site->net, "127.0.0.1:0", true, http_server_accept,
                                           site->http, error, sizeof error);
    assert_non_null(listener);
    site->port = listener_port(listener);
}

void site_close(struct site *site)
{
    net_destroy(site->net);
    http_server_destroy(site->http);
    loop_destroy(site->loop);
    buf_clear(&site->taken);
    assert_int_equal(site->requests.held_bytes, 0);
}

void client_open(struct client *client, struct site *site)
{
    struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(site->port) };

    *client = (struct client){ .site = site };
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (const struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
}

void client_close(struct client *client)
{
    (void)close(client->fd);
    buf_clear(&client->got);
}

static void client_receive(struct client *client)
{
    uint8_t some[8192];
    ssize_t size;

    while (!client->ended && (size = recv(client->fd, some, sizeof some, 0)) != -1) {
        client->ended = size == 0;
        buf_append(&client->got, bytes_of(some, (size_t)size));
    }
    client->ended |= !client->ended && errno != EAGAIN;
}

void client_turn(struct client *client)
{
    client_receive(client);
    loop_turn(client->site->loop, 1);
    client_receive(client);
}

void client_send(struct client *client, struct bytes bytes)
{
    size_t sent = 0;

    while (sent < bytes.size && !client->ended) {
        ssize_t size = send(client->fd, bytes.at + sent, bytes.size - sent, MSG_NOSIGNAL);
        if (size > 0) {
            sent += (size_t)size;
        }
        loop_turn(client->site->loop, 0);
        client_receive(client);
    }
}

void client_send_text(struct client *client, const char *text)
{
    client_send(client, bytes_text(text));
}

void client_shut(struct client *client)
{
    (void)shutdown(client->fd, SHUT_WR);
}

size_t client_count(const struct client *client, const char *text)
{
    size_t size = strlen(text);
    size_t count = 0;

    for (size_t i = 0; i + size <= client->got.size; i++) {
        count += memcmp(client->got.at + i, text, size) == 0 ? 1 : 0;
    }
    return count;
}

bool client_has(const struct client *client, const char *text)
{
    return client_count(client, text) > 0;
}

void client_wait_for(struct client *client, const char *text)
{
    int64_t until = clock_steady_ms() + SITE_PATIENCE_MS;

    while (!client_has(client, text)) {
        assert_false(client->ended);
        assert_true(clock_steady_ms() < until);
        client_turn(client);
    }
}

void client_wait_for_end(struct client *client)
{
    int64_t until = clock_steady_ms() + SITE_PATIENCE_MS;

    while (!client->ended) {
        assert_true(clock_steady_ms() < until);
        client_turn(client);
    }
}

void site_wait_for_later(struct site *site, size_t count)
{
    int64_t until = clock_steady_ms() + SITE_PATIENCE_MS;

    while (site->later_count < count) {
        assert_true(clock_steady_ms() < until);
        loop_turn(site->loop, 1);
    }
}

char *site_ask(struct site *site, const char *text)
{
    struct client client;

    client_open(&client, site);
    client_send_text(&client, text);
    client_shut(&client);
    client_wait_for_end(&client);
    char *answer = mem_text_of(client.got.at, client.got.size);
    client_close(&client);
    return answer;
}
