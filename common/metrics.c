/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each value is an atomic of its own, so a reading is exact for one metric and
 * only nearly simultaneous across several, which is what monitoring expects.  A
 * histogram keeps one count a bucket; they are summed up when it is shown.
 */
#include "common/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/check.h"

enum metric_kind {
    METRIC_KIND_COUNTER = 0,
    METRIC_KIND_GAUGE,
    METRIC_KIND_HISTOGRAM
};

struct metric_row {
    enum metric_kind kind;
    const char *name;
    const char *help;
};

static const struct metric_row rows[METRIC_COUNT] = {
#define COUNTER(name, help) { METRIC_KIND_COUNTER, #name, help },
#define GAUGE(name, help) { METRIC_KIND_GAUGE, #name, help },
#define HISTOGRAM(name, help) { METRIC_KIND_HISTOGRAM, #name, help },
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};

/* The upper ends of the buckets; after the last comes +Inf. */
static const struct metric_bound {
    int64_t us;
    const char *le; /* the same in seconds, as OpenMetrics writes numbers */
} bounds[] = {
    { 1000, "0.001" },    { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },
    { 25000, "0.025" },   { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" },
    { 500000, "0.5" },    { 1000000, "1.0" }, { 2500000, "2.5" }, { 5000000, "5.0" },
    { 10000000, "10.0" },
};

enum {
    METRIC_BOUNDS = sizeof bounds / sizeof bounds[0]
};

enum {
    US_PER_S = 1000000
};

static struct metric_value {
    _Atomic int64_t value;                      /* of a histogram: the sum in us */
    _Atomic int64_t buckets[METRIC_BOUNDS + 1]; /* of a histogram: observations in each */
} values[METRIC_COUNT];

void metrics_add(enum metric metric, int64_t delta)
{
    CHECK(rows[metric].kind != METRIC_KIND_HISTOGRAM);
    CHECK(rows[metric].kind != METRIC_KIND_COUNTER || delta >= 0);
    (void)atomic_fetch_add_explicit(&values[metric].value, delta, memory_order_relaxed);
}

void metrics_set(enum metric metric, int64_t value)
{
    CHECK(rows[metric].kind == METRIC_KIND_GAUGE);
    atomic_store_explicit(&values[metric].value, value, memory_order_relaxed);
}

void metrics_observe_us(enum metric metric, int64_t us)
{
    int64_t counted_us = us < 0 ? 0 : us;
    size_t bucket = 0;

    CHECK(rows[metric].kind == METRIC_KIND_HISTOGRAM);
    while (bucket < METRIC_BOUNDS && counted_us > bounds[bucket].us) {
        bucket++;
    }
    (void)atomic_fetch_add_explicit(&values[metric].buckets[bucket], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&values[metric].value, counted_us, memory_order_relaxed);
}

int64_t metrics_value(enum metric metric)
{
    CHECK(rows[metric].kind != METRIC_KIND_HISTOGRAM);
    return atomic_load_explicit(&values[metric].value, memory_order_relaxed);
}

/* suffix is the rest of the family's name: nothing, a unit, or what a counter's has in plain text. */
static void metrics_render_head(struct buf *out, const struct metric_row *row, const char *suffix,
                                const char *type)
{
    buf_append_format(out, "# HELP sealpost_%s%s %s\n", row->name, suffix, row->help);
    buf_append_format(out, "# TYPE sealpost_%s%s %s\n", row->name, suffix, type);
}

static void metrics_render_histogram(struct buf *out, const struct metric_row *row,
                                     struct metric_value *value)
{
    int64_t count = 0;
    int64_t sum_us;

    metrics_render_head(out, row, "_seconds", "histogram");
    for (size_t i = 0; i <= METRIC_BOUNDS; i++) {
        const char *le = i < METRIC_BOUNDS ? bounds[i].le : "+Inf";
        count += atomic_load_explicit(&value->buckets[i], memory_order_relaxed);
        buf_append_format(out, "sealpost_%s_seconds_bucket{le=\"%s\"} %" PRId64 "\n", row->name, le,
                          count);
    }
    sum_us = atomic_load_explicit(&value->value, memory_order_relaxed);
    buf_append_format(out, "sealpost_%s_seconds_count %" PRId64 "\n", row->name, count);
    buf_append_format(out, "sealpost_%s_seconds_sum %" PRId64 ".%06" PRId64 "\n", row->name,
                      sum_us / US_PER_S, sum_us % US_PER_S);
}

static void metrics_render_row(struct buf *out, const struct metric_row *row,
                               struct metric_value *value, bool plain)
{
    int64_t now = atomic_load_explicit(&value->value, memory_order_relaxed);

    switch (row->kind) {
    case METRIC_KIND_COUNTER:
        metrics_render_head(out, row, plain ? "_total" : "", "counter");
        buf_append_format(out, "sealpost_%s_total %" PRId64 "\n", row->name, now);
        return;
    case METRIC_KIND_GAUGE:
        metrics_render_head(out, row, "", "gauge");
        buf_append_format(out, "sealpost_%s %" PRId64 "\n", row->name, now);
        return;
    case METRIC_KIND_HISTOGRAM:
        metrics_render_histogram(out, row, value);
        return;
    }
    CHECK_UNREACHABLE();
}

static void metrics_render_rows(struct buf *out, bool plain)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        metrics_render_row(out, &rows[i], &values[i], plain);
    }
}

void metrics_render(struct buf *out)
{
    metrics_render_rows(out, false);
    buf_append_text(out, "# EOF\n");
}

void metrics_render_plain(struct buf *out)
{
    metrics_render_rows(out, true);
}
