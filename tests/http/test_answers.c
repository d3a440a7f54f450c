/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in an answer, and what a handler reads from a request. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "server/http/exchange.h"
#include "tests/http/site.h"
#include "tests/support/unit.h"

#define HOST "Host: relay.example\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static struct site site;

static void open_with(const char *base_path, const char *cors_origins)
{
    site_open(&site,
              &(struct site_options){ .base_path = base_path, .cors_origins = cors_origins });
}

static void expect_text(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL) {
        fail_msg("no \"%s\" in\n%s", text, answer);
    }
}

static void expect_in(const char *request, const char *const *texts)
{
    char *answer = site_ask(&site, request);

    for (size_t i = 0; texts[i] != NULL; i++) {
        expect_text(answer, texts[i]);
    }
    free(answer);
}

static void expect_not_in(const char *request, const char *text)
{
    char *answer = site_ask(&site, request);

    assert_int_equal(strncmp(answer, "HTTP/1.1 ", 9), 0);
    if (strstr(answer, text) != NULL) {
        fail_msg("\"%s\" in\n%s", text, answer);
    }
    free(answer);
}

#define EXPECT_IN(request, ...) expect_in(request, (const char *const[]){ __VA_ARGS__, NULL })

static void every_answer_has_date_id_length_and_guards(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN(GET("/v1/server"), "HTTP/1.1 200 OK\r\n", "\r\nDate: ", " GMT\r\n",
              "\r\nSealpost-Request-Id: ", "\r\nContent-Length: 12\r\n",
              "\r\nCache-Control: no-store\r\n", "\r\nX-Content-Type-Options: nosniff\r\n",
              "\r\nContent-Type: application/json\r\n");
    EXPECT_IN(GET("/nothing"), "HTTP/1.1 404 ",
              "\r\nSealpost-Request-Id: ", "\r\nContent-Type: application/problem+json\r\n",
              "\"status\":404", "\"type\":\"urn:sealpost:problem:not_found\"");
    EXPECT_IN("GET /v1/server HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ",
              "\r\nSealpost-Request-Id: ", "\r\nDate: ", "\r\nConnection: close\r\n");
    expect_not_in(GET("/v1/server"), "Connection:");
    expect_not_in(GET("/v1/server"), "Server:");
    site_close(&site);
}

static void request_ids_differ(void **state)
{
    static const char field[] = "Sealpost-Request-Id: ";
    char *first = NULL;
    char *second = NULL;

    (void)state;
    open_with("", "");
    first = site_ask(&site, GET("/v1/server"));
    second = site_ask(&site, GET("/v1/server"));
    const char *a = strstr(first, field) + strlen(field);
    const char *b = strstr(second, field) + strlen(field);
    assert_int_equal(strspn(a, "0123456789abcdef"), 16);
    assert_int_equal(strspn(b, "0123456789abcdef"), 16);
    assert_memory_not_equal(a, b, 16);
    free(first);
    free(second);
    site_close(&site);
}

static void head_has_the_length_and_not_the_body(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN("HEAD /v1/server HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n",
              "\r\nContent-Length: 12\r\n");
    expect_not_in("HEAD /v1/server HTTP/1.1\r\n" HOST "\r\n", "name");
    expect_not_in("HEAD /nothing HTTP/1.1\r\n" HOST "\r\n", "urn:");
    site_close(&site);
}

static void no_content_and_not_modified_have_no_length(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN("DELETE /items/7 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 No Content\r\n");
    expect_not_in("DELETE /items/7 HTTP/1.1\r\n" HOST "\r\n", "Content-Length");
    EXPECT_IN("GET /cached HTTP/1.1\r\n" HOST "If-None-Match: \"1\"\r\n\r\n",
              "HTTP/1.1 304 Not Modified\r\n", "\r\nETag: \"1\"\r\n");
    expect_not_in("GET /cached HTTP/1.1\r\n" HOST "If-None-Match: \"1\"\r\n\r\n", "Content-Length");
    site_close(&site);
}

static void a_handler_s_cache_control_takes_the_place_of_no_store(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN(GET("/cached"), "\r\ncache-control: max-age=60\r\n");
    expect_not_in(GET("/cached"), "no-store");
    site_close(&site);
}

static void a_problem_says_when_to_come_back(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN(GET("/busy"), "HTTP/1.1 429 Too Many Requests\r\n", "\r\nRetry-After: 7\r\n",
              "\"retry_after\":7,\"seen\":\"yes\"}");
    site_close(&site);
}

static void a_wrong_method_is_told_which_are_right(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN("PATCH /items/7 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 ",
              "\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n",
              "urn:sealpost:problem:method_not_allowed");
    EXPECT_IN("OPTIONS /items/7 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 204 ",
              "\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n");
    EXPECT_IN("OPTIONS /nothing HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404 ");
    site_close(&site);
}

static void a_path_parameter_comes_as_it_was_sent(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN(GET("/items/aB-_9"), "\r\n\r\naB-_9");
    EXPECT_IN(GET("/items/seven/parts/8"), "\r\n\r\nseven");
    EXPECT_IN(GET("/items/"), "HTTP/1.1 404 ");
    EXPECT_IN(GET("/items/a/"), "HTTP/1.1 404 ");
    EXPECT_IN(GET("/items/a%2Fb"), "HTTP/1.1 404 ");
    EXPECT_IN(GET("/items/a%41"), "HTTP/1.1 404 ");
    site_close(&site);
}

static void a_repeated_field_is_joined(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN("GET /field HTTP/1.1\r\nX-Tested: a\r\n" HOST "x-tested: \tb \r\nY: c\r\n"
              "y: d\r\nX-TESTED:\r\nX-Tested: e\r\n\r\n",
              "\r\n\r\na, b, , e");
    EXPECT_IN("GET /field HTTP/1.1\r\nX-Tested: only\r\n" HOST "\r\n", "\r\n\r\nonly");
    EXPECT_IN("GET /field HTTP/1.1\r\n" HOST "\r\n", "\r\nContent-Length: 0\r\n");
    site_close(&site);
}

static void query_parameters_are_found_and_unknown_ones_named(void **state)
{
    (void)state;
    open_with("", "");
    EXPECT_IN(GET("/query?b=2&a=1"), "HTTP/1.1 200 ", "\r\n\r\n1");
    EXPECT_IN(GET("/query?a=%20x"), "\r\n\r\n%20x");
    EXPECT_IN(GET("/query?a"), "HTTP/1.1 200 ", "\r\nContent-Length: 0\r\n");
    EXPECT_IN(GET("/query"), "\r\n\r\n(absent)");
    EXPECT_IN(GET("/query?"), "\r\n\r\n(absent)");
    EXPECT_IN(GET("/query?a=1&c=2"), "HTTP/1.1 400 ", "\r\n\r\nc");
    EXPECT_IN(GET("/query?a=1&b=2&a=3"), "HTTP/1.1 400 ", "problem:malformed", "\"member\":\"a\"");
    site_close(&site);
}

static void paths_outside_the_base_path_are_not_found(void **state)
{
    (void)state;
    open_with("/relay", "");
    EXPECT_IN(GET("/relay/v1/server"), "HTTP/1.1 200 ");
    EXPECT_IN(GET("/relay/v1/server?a=1"), "HTTP/1.1 200 ");
    EXPECT_IN(GET("/v1/server"), "HTTP/1.1 404 ");
    EXPECT_IN(GET("/relayv1/server"), "HTTP/1.1 404 ");
    EXPECT_IN(GET("/relay"), "HTTP/1.1 404 ");
    EXPECT_IN(GET("/relay?/relay/v1/server"), "HTTP/1.1 404 ");
    site_close(&site);
}

#define ORIGIN "Origin: https://app.example\r\n"

static void without_cors_no_origin_is_let_in(void **state)
{
    (void)state;
    open_with("", "");
    expect_not_in("GET /v1/server HTTP/1.1\r\n" HOST ORIGIN "\r\n", "Access-Control");
    expect_not_in("OPTIONS /v1/server HTTP/1.1\r\n" HOST ORIGIN
                  "Access-Control-Request-Method: GET\r\n\r\n",
                  "Access-Control");
    expect_not_in("GET /v1/server HTTP/1.1\r\n" HOST ORIGIN "\r\n", "Vary");
    site_close(&site);
}

static void listed_origins_are_let_in_and_others_not(void **state)
{
    (void)state;
    open_with("", "https://other.example, https://app.example");
    EXPECT_IN(
        "GET /v1/server HTTP/1.1\r\n" HOST ORIGIN "\r\n",
        "\r\nAccess-Control-Allow-Origin: https://app.example\r\n", "\r\nVary: Origin\r\n",
        "\r\nAccess-Control-Expose-Headers: Sealpost-Request-Id, Retry-After, ETag, Date\r\n");
    EXPECT_IN("GET /nothing HTTP/1.1\r\n" HOST ORIGIN "\r\n", "HTTP/1.1 404 ",
              "\r\nAccess-Control-Allow-Origin: https://app.example\r\n");
    EXPECT_IN("GET /v1/server HTTP/1.1\r\n" HOST "\r\n", "\r\nVary: Origin\r\n");
    expect_not_in("GET /v1/server HTTP/1.1\r\n" HOST "Origin: https://app.example.evil\r\n\r\n",
                  "Access-Control");
    expect_not_in("GET /v1/server HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n", "Access-Control");
    site_close(&site);
}

static void a_preflight_is_told_methods_and_fields(void **state)
{
    (void)state;
    open_with("", "https://app.example");
    EXPECT_IN("OPTIONS /items/7 HTTP/1.1\r\n" HOST ORIGIN
              "Access-Control-Request-Method: DELETE\r\n\r\n",
              "HTTP/1.1 204 ", "\r\nAccess-Control-Allow-Origin: https://app.example\r\n",
              "\r\nAccess-Control-Allow-Methods: GET, HEAD, DELETE, OPTIONS\r\n",
              "Headers: Authorization, Content-Type, Sealpost-Command, If-None-Match\r\n");
    expect_not_in("OPTIONS /items/7 HTTP/1.1\r\n" HOST "Origin: https://evil.example\r\n"
                  "Access-Control-Request-Method: DELETE\r\n\r\n",
                  "Access-Control");
    site_close(&site);
}

static void a_star_lets_all_origins_in(void **state)
{
    (void)state;
    open_with("", "*");
    EXPECT_IN("GET /v1/server HTTP/1.1\r\n" HOST ORIGIN "\r\n",
              "\r\nAccess-Control-Allow-Origin: *\r\n");
    expect_not_in("GET /v1/server HTTP/1.1\r\n" HOST "\r\n", "Access-Control");
    site_close(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_date_id_length_and_guards),
        cmocka_unit_test(request_ids_differ),
        cmocka_unit_test(head_has_the_length_and_not_the_body),
        cmocka_unit_test(no_content_and_not_modified_have_no_length),
        cmocka_unit_test(a_handler_s_cache_control_takes_the_place_of_no_store),
        cmocka_unit_test(a_problem_says_when_to_come_back),
        cmocka_unit_test(a_wrong_method_is_told_which_are_right),
        cmocka_unit_test(a_path_parameter_comes_as_it_was_sent),
        cmocka_unit_test(a_repeated_field_is_joined),
        cmocka_unit_test(query_parameters_are_found_and_unknown_ones_named),
        cmocka_unit_test(paths_outside_the_base_path_are_not_found),
        cmocka_unit_test(without_cors_no_origin_is_let_in),
        cmocka_unit_test(listed_origins_are_let_in_and_others_not),
        cmocka_unit_test(a_preflight_is_told_methods_and_fields),
        cmocka_unit_test(a_star_lets_all_origins_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
