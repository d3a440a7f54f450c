/* SPDX-License-Identifier: Apache-2.0 */
/* Values live for the life of the process, so the tests look at differences. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "tests/support/unit.h"

typedef void render_fn(struct buf *out);

/* Return the whole text, NUL-terminated.  The caller frees it. */
static char *rendered(render_fn *render)
{
    struct buf out = { .at = NULL };

    render(&out);
    buf_append_u8(&out, '\0');
    assert_int_equal(strlen((const char *)out.at), out.size - 1);
    return (char *)out.at;
}

/* Return the value of the sample whose line begins with name and a space. */
static double sample(const char *name)
{
    char *text = rendered(metrics_render);
    char start[160];
    const char *line;
    double value;

    (void)snprintf(start, sizeof start, "\n%s ", name);
    line = strstr(text, start);
    assert_non_null(line);
    value = strtod(line + strlen(start), NULL);
    free(text);
    return value;
}

static void expect_near(double value, double expected)
{
    assert_true(value >= expected - 0.0000005 && value <= expected + 0.0000005);
}

static void a_counter_counts_up(void **state)
{
    int64_t before = metrics_value(METRIC_http_requests);

    (void)state;
    metrics_add(METRIC_http_requests, 1);
    metrics_add(METRIC_http_requests, 41);
    metrics_add(METRIC_http_requests, 0);
    assert_int_equal(metrics_value(METRIC_http_requests), before + 42);
    expect_near(sample("sealpost_http_requests_total"), (double)(before + 42));
}

static void a_gauge_goes_both_ways(void **state)
{
    (void)state;
    metrics_set(METRIC_streams_open, 5);
    metrics_add(METRIC_streams_open, -7);
    assert_int_equal(metrics_value(METRIC_streams_open), -2);
    expect_near(sample("sealpost_streams_open"), -2);
    metrics_set(METRIC_streams_open, INT64_C(1) << 50);
    expect_near(sample("sealpost_streams_open"), (double)(INT64_C(1) << 50));
}

static void metrics_do_not_mix(void **state)
{
    int64_t before = metrics_value(METRIC_store_batches);

    (void)state;
    metrics_add(METRIC_store_commits, 3);
    assert_int_equal(metrics_value(METRIC_store_batches), before);
}

static double bucket(const char *le)
{
    char name[80];

    (void)snprintf(name, sizeof name, "sealpost_store_commit_seconds_bucket{le=\"%s\"}", le);
    return sample(name);
}

static void an_observation_is_in_every_bucket_that_holds_it(void **state)
{
    static const struct {
        int64_t us;
        const char *below; /* the greatest bound that does not hold it */
        const char *in;
    } cases[] = {
        { 1001, "0.001", "0.0025" },  { 2500, "0.001", "0.0025" }, { 9999, "0.005", "0.01" },
        { 1000000, "0.5", "1.0" },    { 1000001, "1.0", "2.5" },   { 10000000, "5.0", "10.0" },
        { 10000001, "10.0", "+Inf" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double below = bucket(cases[i].below);
        double in = bucket(cases[i].in);
        double all = bucket("+Inf");
        double count = sample("sealpost_store_commit_seconds_count");
        double sum = sample("sealpost_store_commit_seconds_sum");

        metrics_observe_us(METRIC_store_commit, cases[i].us);
        expect_near(bucket(cases[i].below), below);
        expect_near(bucket(cases[i].in), in + 1);
        expect_near(bucket("+Inf"), all + 1);
        expect_near(sample("sealpost_store_commit_seconds_count"), count + 1);
        expect_near(sample("sealpost_store_commit_seconds_sum"),
                    sum + (double)cases[i].us / 1000000);
    }
}

static void the_smallest_times_are_in_the_first_bucket(void **state)
{
    double first = bucket("0.001");

    (void)state;
    metrics_observe_us(METRIC_store_commit, 0);
    metrics_observe_us(METRIC_store_commit, 1000);
    metrics_observe_us(METRIC_store_commit, -3); /* a clock that was wrong */
    expect_near(bucket("0.001"), first + 3);
}

/* Check one line of the text against the family that the last # TYPE named. */
static void expect_line(const char *line, size_t size, char family[128])
{
    char word[128];

    if (sscanf(line, "# HELP %127s", word) == 1) {
        assert_true(size > strlen("# HELP ") + strlen(word) + 1);
        (void)snprintf(family, 128, "%s", word);
        assert_memory_equal(family, "sealpost_", 9);
    } else if (sscanf(line, "# TYPE %127s", word) == 1) {
        assert_string_equal(word, family);
    } else {
        assert_memory_equal(line, family, strlen(family));
        assert_true(sscanf(line, "%*s %127[0-9.-]", word) == 1);
    }
}

static void expect_families(char *text)
{
    char family[128] = "";
    char *rest = text;
    size_t count = 0;

    while (*rest != '\0') {
        char *end = strchr(rest, '\n');
        assert_non_null(end);
        *end = '\0';
        if (strcmp(rest, "# EOF") != 0) {
            expect_line(rest, strlen(rest), family);
        }
        count += strncmp(rest, "# TYPE ", 7) == 0 ? 1 : 0;
        rest = end + 1;
    }
    assert_int_equal(count, METRIC_COUNT);
}

static void every_sample_follows_the_help_and_type_of_its_family(void **state)
{
    char *open = rendered(metrics_render);
    char *plain = rendered(metrics_render_plain);

    (void)state;
    expect_families(open);
    expect_families(plain);
    free(open);
    free(plain);
}

static void openmetrics_names_a_counter_without_total_and_ends_with_eof(void **state)
{
    char *text = rendered(metrics_render);

    (void)state;
    assert_non_null(strstr(text, "\n# HELP sealpost_http_requests HTTP requests answered\n"
                                 "# TYPE sealpost_http_requests counter\n"
                                 "sealpost_http_requests_total "));
    assert_non_null(strstr(text, "# TYPE sealpost_connections_open gauge\n"
                                 "sealpost_connections_open "));
    assert_non_null(strstr(text, "# TYPE sealpost_store_commit_seconds histogram\n"
                                 "sealpost_store_commit_seconds_bucket{le=\"0.001\"} "));
    assert_string_equal(strstr(text, "# EOF"), "# EOF\n");
    free(text);
}

static void plain_text_names_a_counter_with_total_and_has_no_eof(void **state)
{
    char *text = rendered(metrics_render_plain);

    (void)state;
    assert_non_null(strstr(text, "\n# HELP sealpost_http_requests_total HTTP requests answered\n"
                                 "# TYPE sealpost_http_requests_total counter\n"
                                 "sealpost_http_requests_total "));
    assert_null(strstr(text, "# EOF"));
    free(text);
}

static void buckets_never_fall_and_end_with_the_count(void **state)
{
    static const char *const les[] = {
        "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
        "0.25",  "0.5",    "1.0",   "2.5",  "5.0",   "10.0", "+Inf"
    };
    double before = 0;

    (void)state;
    for (int64_t us = 300; us < 30000000; us *= 3) {
        metrics_observe_us(METRIC_store_commit, us);
    }
    for (size_t i = 0; i < sizeof les / sizeof les[0]; i++) {
        double now = bucket(les[i]);
        assert_true(now >= before);
        before = now;
    }
    expect_near(sample("sealpost_store_commit_seconds_count"), before);
}

static const int64_t rounds = 20000;

static void count_many(void *arg)
{
    (void)arg;
    for (int64_t i = 0; i < rounds; i++) {
        metrics_add(METRIC_sessions_created, 1);
        metrics_observe_us(METRIC_envelope_accept, 5);
    }
}

static void counted(void *arg)
{
    (void)arg;
}

static void nothing_is_lost_between_threads(void **state)
{
    struct loop *loop = loop_create();
    int64_t before = metrics_value(METRIC_sessions_created);
    double observed = sample("sealpost_envelope_accept_seconds_count");

    (void)state;
    loop_offload(loop, count_many, counted, NULL);
    count_many(NULL);
    loop_destroy(loop);
    assert_int_equal(metrics_value(METRIC_sessions_created), before + 2 * rounds);
    expect_near(sample("sealpost_envelope_accept_seconds_count"), observed + (double)(2 * rounds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_counts_up),
        cmocka_unit_test(a_gauge_goes_both_ways),
        cmocka_unit_test(metrics_do_not_mix),
        cmocka_unit_test(an_observation_is_in_every_bucket_that_holds_it),
        cmocka_unit_test(the_smallest_times_are_in_the_first_bucket),
        cmocka_unit_test(every_sample_follows_the_help_and_type_of_its_family),
        cmocka_unit_test(openmetrics_names_a_counter_without_total_and_ends_with_eof),
        cmocka_unit_test(plain_text_names_a_counter_with_total_and_has_no_eof),
        cmocka_unit_test(buckets_never_fall_and_end_with_the_count),
        cmocka_unit_test(nothing_is_lost_between_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
