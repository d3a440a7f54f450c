/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/metrics.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/census.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/seqs.h"
#include "server/http/route.h"

struct counting {
    struct api *api;
    struct exchange *exchange;
};

static const struct named_metric {
    const char *name;
    enum metric metric;
} named_metrics[] = {
#define COUNTER(name, help) { #name, METRIC_##name },
#define GAUGE(name, help) COUNTER(name, help)
#define HISTOGRAM(name, help)
#include "common/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};

static json_t *metrics_json(void)
{
    json_t *values = json_object();

    for (size_t i = 0; i < sizeof named_metrics / sizeof named_metrics[0]; i++) {
        (void)json_object_set_new(values, named_metrics[i].name,
                                  json_integer(metrics_value(named_metrics[i].metric)));
    }
    return values;
}

static void on_counted(void *arg, const struct census *census)
{
    struct counting *counting = arg;
    const struct api *api = counting->api;

    if (census == NULL) {
        problem_of_store(counting->exchange, false);
    } else {
        reply_json_steal(counting->exchange, 200,
                         json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                                   "version", SEALPOST_VERSION, "uptime_s",
                                   (json_int_t)((api->now_ms() - api->started_ms) / 1000),
                                   "generation", (json_int_t)api->domain->generation, "streams",
                                   (json_int_t)hub_count(api->domain->hub), "connections",
                                   (json_int_t)metrics_value(METRIC_connections_open), "accounts",
                                   (json_int_t)census->accounts, "devices",
                                   (json_int_t)census->devices, "envelopes",
                                   (json_int_t)census->envelopes, "sessions",
                                   (json_int_t)census->sessions, "holds", (json_int_t)census->holds,
                                   "metrics", metrics_json()));
    }
    free(counting);
}

void admin_stats(void *arg, struct exchange *exchange)
{
    struct counting *counting = mem_zeroed(1, sizeof *counting);

    counting->api = arg;
    counting->exchange = exchange;
    census_count(counting->api->domain, on_counted, counting);
}

static void on_declared(void *arg, int64_t heartbeat)
{
    struct counting *counting = arg;

    if (heartbeat == 0) {
        problem_of_store(counting->exchange, false);
    } else {
        reply_json_steal(
            counting->exchange, 200,
            json_pack("{s:I}", "generation", (json_int_t)counting->api->domain->generation));
    }
    free(counting);
}

/* The operator says that an older state of this machine was put back, keys and all. */
void admin_restored(void *arg, struct exchange *exchange)
{
    struct counting *counting = mem_zeroed(1, sizeof *counting);

    counting->api = arg;
    counting->exchange = exchange;
    seqs_declare_restored(counting->api->domain, on_declared, counting);
}
