/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms for /metrics (OpenMetrics text).  They are
 * listed in one table, common/metrics.def: a metric that is not there does not
 * exist.  No label is about a person.  Any thread: values are atomics.
 *
 * metrics.def has lines
 *   COUNTER(name, "help")             sealpost_<name>_total
 *   GAUGE(name, "help")               sealpost_<name>
 *   HISTOGRAM(name, "help")           sealpost_<name>_seconds, fixed buckets 1 ms .. 10 s
 */
#pragma once

#include <stdint.h>

struct buf;

enum metric {
#define COUNTER(name, help) METRIC_##name,
#define GAUGE(name, help) METRIC_##name,
#define HISTOGRAM(name, help) METRIC_##name,
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
    METRIC_COUNT
};

/* Add to a counter (delta is not negative) or a gauge. */
void metrics_add(enum metric metric, int64_t delta);

/* Set a gauge. */
void metrics_set(enum metric metric, int64_t value);

/* Count one observation of a histogram, in microseconds. */
void metrics_observe_us(enum metric metric, int64_t us);

/* Read a counter or gauge back, for tests and stats. */
int64_t metrics_value(enum metric metric);

/*
 * Append the whole table as OpenMetrics 1.0 text, with its "# EOF": for who accepts
 * application/openmetrics-text.  Content type: METRICS_TYPE.
 */
#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
void metrics_render(struct buf *out);

/*
 * The same as Prometheus text 0.0.4, in which a counter's family has _total in its name: for
 * everybody else.  Content type: METRICS_PLAIN_TYPE.
 */
#define METRICS_PLAIN_TYPE "text/plain; version=0.0.4; charset=utf-8"
void metrics_render_plain(struct buf *out);
