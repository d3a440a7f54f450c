/* SPDX-License-Identifier: Apache-2.0 */
/* One connection's life: order, deadlines, bodies, and what happens when somebody leaves. */
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/http/exchange.h"
#include "server/http/server.h"
#include "server/net/net.h"
#include "tests/http/site.h"
#include "tests/support/unit.h"

#define HOST "Host: relay.example\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#define POST(path, length) "POST " path " HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n\r\n"

enum {
    HASTY_MS = 100,
    BODIES_BYTES = 100000,
    ROOM_BYTES = 140000, /* one such body with its head; its buffer is a power of two */
    LARGE_BYTES = 70000
};

static const struct site_options plain = { 0 };

static int open_plain(void **state)
{
    struct site *site = mem_zeroed(1, sizeof *site);

    site_open(site, &plain);
    *state = site;
    return 0;
}

static int open_hasty(void **state)
{
    struct site *site = mem_zeroed(1, sizeof *site);

    site_open(site, &(struct site_options){ .head_timeout_ms = HASTY_MS,
                                            .body_timeout_ms = HASTY_MS,
                                            .idle_timeout_ms = HASTY_MS });
    *state = site;
    return 0;
}

static int open_narrow(void **state)
{
    struct site *site = mem_zeroed(1, sizeof *site);

    site_open(site, &(struct site_options){ .requests_max_bytes = ROOM_BYTES });
    *state = site;
    return 0;
}

static int close_site(void **state)
{
    site_close(*state);
    free(*state);
    return 0;
}

static void a_request_that_is_not_answered_holds_back_the_next(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/later") GET("/v1/server") GET("/later"));
    site_wait_for_later(site, 1);
    client_turn(&client);
    assert_int_equal(site->handled, 0);
    assert_int_equal(client.got.size, 0);
    assert_int_equal(http_server_waiting(site->http), 1);
    exchange_reply(site->later[0], 200, "text/plain", bytes_text("first"));
    site_wait_for_later(site, 2);
    client_wait_for(&client, "{\"name\":\"x\"}");
    assert_true(client_has(&client, "first"));
    exchange_reply(site->later[1], 200, "text/plain", bytes_text("third"));
    client_wait_for(&client, "third");
    assert_int_equal(http_server_waiting(site->http), 0);
    client_close(&client);
}

static void a_reply_to_a_peer_that_left_goes_nowhere(void **state)
{
    struct site *site = *state;
    struct client client;
    struct client other;

    client_open(&client, site);
    client_open(&other, site);
    client_send_text(&client, GET("/later"));
    site_wait_for_later(site, 1);
    assert_string_equal(exchange_peer(site->later[0]), "127.0.0.1");
    net_destroy(site->net); /* whatever way the connection ends */
    site->net = NULL;
    assert_string_equal(exchange_peer(site->later[0]), "127.0.0.1"); /* who asked still counts */
    assert_int_equal(http_server_waiting(site->http), 1);
    exchange_set_caller(site->later[0], mem_zeroed(1, 1));
    exchange_reply(site->later[0], 200, "text/plain", bytes_text("late"));
    assert_int_equal(http_server_waiting(site->http), 0);
    client_wait_for_end(&client);
    assert_int_equal(client.got.size, 0);
    client_close(&client);
    client_close(&other);
}

static void a_reply_may_come_after_the_server_was_destroyed(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/later"));
    site_wait_for_later(site, 1);
    net_destroy(site->net);
    http_server_destroy(site->http);
    site->net = NULL;
    site->http = NULL;
    exchange_reply_problem(site->later[0], PROBLEM_unavailable, 1, "");
    client_close(&client);
}

static void a_peer_that_shut_its_direction_still_gets_its_answer(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/later"));
    client_shut(&client);
    site_wait_for_later(site, 1);
    client_turn(&client);
    exchange_reply(site->later[0], 200, "text/plain", bytes_text("yours"));
    client_wait_for_end(&client);
    assert_true(client_has(&client, "yours"));
    client_close(&client);
}

static void send_part(struct client *client, size_t size)
{
    uint8_t *part = mem_zeroed(size, 1);

    client_send(client, bytes_of(part, size));
    free(part);
}

static void bodies_that_are_too_many_together_are_told_to_come_again(void **state)
{
    struct site *site = *state;
    struct client first;
    struct client second;

    client_open(&first, site);
    client_open(&second, site);
    client_send_text(&first, POST("/large", "100001"));
    send_part(&first, BODIES_BYTES);
    client_send_text(&second, POST("/large", "70001"));
    send_part(&second, LARGE_BYTES);
    client_wait_for_end(&second);
    assert_int_equal(client_count(&second, "HTTP/1.1 503 "), 1);
    assert_true(client_has(&second, "Retry-After: 2\r\n"));
    assert_true(client_has(&second, "urn:sealpost:problem:unavailable"));
    client_close(&second);
    client_send_text(&first, "x"); /* what was there first goes on */
    site_wait_for_later(site, 1);
    exchange_reply(site->later[0], 200, "text/plain", bytes_text("first"));
    client_wait_for(&first, "first");
    client_open(&second, site);
    client_send_text(&second, POST("/large", "70001"));
    send_part(&second, LARGE_BYTES);
    client_send_text(&second, "x"); /* the room is free again */
    site_wait_for_later(site, 2);
    exchange_reply(site->later[1], 200, "text/plain", bytes_text("again"));
    client_wait_for(&second, "again");
    client_close(&first);
    client_close(&second);
}

static void a_small_body_has_room_beside_large_ones(void **state)
{
    struct site *site = *state;
    struct client large;
    struct client small;

    client_open(&large, site);
    client_open(&small, site);
    client_send_text(&large, POST("/large", "100001"));
    send_part(&large, BODIES_BYTES);
    client_send_text(&small, POST("/later", "4") "ac");
    client_turn(&small);
    client_send_text(&small, "k!");
    site_wait_for_later(site, 1);
    exchange_reply(site->later[0], 200, "text/plain", bytes_text("done"));
    client_wait_for(&small, "done");
    assert_int_equal(large.got.size, 0);
    client_close(&small);
    client_close(&large);
}

static void a_slow_head_is_answered_408_and_closed(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, "GET /v1/server HTTP/1.1\r\nHost");
    client_wait_for_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 408 "), 1);
    assert_true(client_has(&client, "urn:sealpost:problem:request_timeout"));
    client_close(&client);
}

/* The deadline is absolute: bytes that drip in do not move it. */
static void a_dripping_head_is_answered_408_too(void **state)
{
    struct site *site = *state;
    struct client client;
    size_t sent = 0;

    client_open(&client, site);
    client_send_text(&client, "GET /v1/server HTTP/1.1\r\nX: ");
    while (!client.ended && sent < SITE_PATIENCE_MS) {
        client_send_text(&client, "a");
        client_turn(&client);
        sent++;
    }
    assert_true(client.ended);
    assert_int_equal(client_count(&client, "HTTP/1.1 408 "), 1);
    client_close(&client);
}

static void a_slow_body_is_answered_408_and_closed(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    client_wait_for_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 408 "), 1);
    client_close(&client);
}

static void a_silent_peer_is_closed_without_an_answer(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_wait_for_end(&client);
    assert_int_equal(client.got.size, 0);
    client_close(&client);
}

static void an_idle_connection_is_closed_without_a_second_answer(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/v1/server"));
    client_wait_for_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    client_close(&client);
}

static void a_request_in_hand_has_no_deadline(void **state)
{
    struct site *site = *state;
    struct client client;
    struct client watch;

    client_open(&client, site);
    client_send_text(&client, GET("/later"));
    site_wait_for_later(site, 1);
    client_open(&watch, site); /* its deadline is later than any the first can have */
    client_wait_for_end(&watch);
    assert_false(client.ended);
    exchange_reply(site->later[0], 200, "text/plain", bytes_text("at last"));
    client_wait_for(&client, "at last");
    client_close(&client);
    client_close(&watch);
}

static void continue_is_sent_before_the_body_and_then_the_answer(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, "POST /small HTTP/1.1\r\n" HOST
                              "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client_wait_for(&client, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send_text(&client, "hello");
    client_wait_for(&client, "\r\n\r\nhello");
    assert_int_equal(client_count(&client, "HTTP/1.1 200 "), 1);
    client_close(&client);
}

static void a_body_at_the_limit_passes_and_one_byte_more_is_413(void **state)
{
    struct site *site = *state;
    char *fits =
        site_ask(site, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
    char *chunks =
        site_ask(site, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                       "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n");
    char *declared =
        site_ask(site, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n01234567890");
    char *chunked =
        site_ask(site, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                       "a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n");

    assert_non_null(strstr(fits, "\r\n\r\n0123456789"));
    assert_non_null(strstr(chunks, "\r\n\r\n0123456789"));
    assert_non_null(strstr(declared, "HTTP/1.1 413 "));
    assert_non_null(strstr(declared, "\"max\":10"));
    assert_non_null(strstr(chunked, "HTTP/1.1 413 "));
    assert_int_equal(site->handled, 2);
    free(fits);
    free(chunks);
    free(declared);
    free(chunked);
}

/* A client that sends its whole body before it reads must not lose the refusal to a reset. */
static void a_refusal_reaches_a_client_that_goes_on_sending(void **state)
{
    struct site *site = *state;
    struct client client;
    uint8_t *much = mem_zeroed(1, 500000);

    client_open(&client, site);
    client_send_text(&client, "POST /small HTTP/1.1\r\n" HOST "Content-Length: 500000\r\n\r\n");
    client_send(&client, bytes_of(much, 500000));
    client_shut(&client);
    client_wait_for_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 413 "), 1);
    assert_true(client_has(&client, "\"max\":10"));
    client_close(&client);
    free(much);
}

static void a_taken_connection_gets_the_bytes_behind_its_request(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/v1/server") GET("/take") "behind");
    client_wait_for(&client, "seen.");
    assert_true(client_has(&client, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nseen."));
    assert_true(bytes_equal(buf_view(&site->taken), bytes_text("behind")));
    client_send_text(&client, " and later");
    client_wait_for(&client, "seen.seen.");
    assert_true(bytes_equal(buf_view(&site->taken), bytes_text("behind and later")));
    client_close(&client);
}

static void a_taken_connection_has_no_deadline_of_http(void **state)
{
    struct site *site = *state;
    struct client client;
    struct client watch;

    client_open(&client, site);
    client_send_text(&client, GET("/take"));
    client_wait_for(&client, "101");
    client_open(&watch, site);
    client_wait_for_end(&watch);
    client_send_text(&client, "still here");
    client_wait_for(&client, "seen.");
    client_close(&client);
    client_close(&watch);
}

static void an_exchange_of_a_peer_that_left_cannot_be_taken(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/later"));
    site_wait_for_later(site, 1);
    net_destroy(site->net);
    site->net = NULL;
    assert_null(exchange_take(site->later[0], bytes_text("HTTP/1.1 101 x\r\n\r\n")));
    client_close(&client);
}

static void a_draining_server_closes_with_each_answer(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/v1/server"));
    client_wait_for(&client, "{\"name\"");
    http_server_drain(site->http);
    client_send_text(&client, GET("/v1/server"));
    client_wait_for_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 200 "), 2);
    assert_int_equal(client_count(&client, "Connection: close\r\n"), 1);
    client_close(&client);
}

static void a_large_answer_arrives_whole_and_the_next_request_is_served(void **state)
{
    struct site *site = *state;
    struct client client;

    client_open(&client, site);
    client_send_text(&client, GET("/big") GET("/v1/server"));
    client_wait_for(&client, "{\"name\":\"x\"}");
    assert_int_equal(client_count(&client, "Content-Length: 1000000\r\n"), 1);
    assert_true(client.got.size > SITE_BIG_BYTES);
    client_close(&client);
}

static void framing_faults_are_counted_as_refused_and_answers_as_requests(void **state)
{
    struct site *site = *state;
    int64_t refused = metrics_value(METRIC_http_refused);
    int64_t requests = metrics_value(METRIC_http_requests);

    free(site_ask(site, "GET /v1/server HTTP/1.1\r\n\r\n"));
    assert_int_equal(metrics_value(METRIC_http_refused), refused + 1);
    assert_int_equal(metrics_value(METRIC_http_requests), requests);
    free(site_ask(site, GET("/v1/server")));
    assert_int_equal(metrics_value(METRIC_http_refused), refused + 1);
    assert_int_equal(metrics_value(METRIC_http_requests), requests + 1);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_site)
#define HASTY(test) cmocka_unit_test_setup_teardown(test, open_hasty, close_site)
#define NARROW(test) cmocka_unit_test_setup_teardown(test, open_narrow, close_site)
    const struct CMUnitTest tests[] = {
        PLAIN(a_request_that_is_not_answered_holds_back_the_next),
        PLAIN(a_reply_to_a_peer_that_left_goes_nowhere),
        PLAIN(a_reply_may_come_after_the_server_was_destroyed),
        PLAIN(a_peer_that_shut_its_direction_still_gets_its_answer),
        NARROW(bodies_that_are_too_many_together_are_told_to_come_again),
        NARROW(a_small_body_has_room_beside_large_ones),
        HASTY(a_slow_head_is_answered_408_and_closed),
        HASTY(a_dripping_head_is_answered_408_too),
        HASTY(a_slow_body_is_answered_408_and_closed),
        HASTY(a_silent_peer_is_closed_without_an_answer),
        HASTY(an_idle_connection_is_closed_without_a_second_answer),
        HASTY(a_request_in_hand_has_no_deadline),
        PLAIN(continue_is_sent_before_the_body_and_then_the_answer),
        PLAIN(a_body_at_the_limit_passes_and_one_byte_more_is_413),
        PLAIN(a_refusal_reaches_a_client_that_goes_on_sending),
        PLAIN(a_taken_connection_gets_the_bytes_behind_its_request),
        HASTY(a_taken_connection_has_no_deadline_of_http),
        PLAIN(an_exchange_of_a_peer_that_left_cannot_be_taken),
        PLAIN(a_draining_server_closes_with_each_answer),
        PLAIN(a_large_answer_arrives_whole_and_the_next_request_is_served),
        PLAIN(framing_faults_are_counted_as_refused_and_answers_as_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
