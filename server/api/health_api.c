/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/health_api.h"

#include "common/buf.h"
#include "common/metrics.h"
#include "server/api/api.h"
#include "server/domain/domain.h"
#include "server/domain/health.h"
#include "server/http/exchange.h"

static const char metrics_type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/* The process runs and its loop turns. */
static void health_live(void *arg, struct exchange *exchange)
{
    (void)arg;
    exchange_reply(exchange, 200, "text/plain; charset=utf-8", bytes_text("ok\n"));
}

/* It takes mail: the store writes, and the daemon is not going down. */
static void health_ready(void *arg, struct exchange *exchange)
{
    const struct api *api = arg;
    const char *why = "draining";
    struct buf text = { 0 };

    if (!api->draining && health_is_ready(api->domain, &why)) {
        exchange_reply(exchange, 200, "text/plain; charset=utf-8", bytes_text("ready\n"));
        return;
    }
    buf_append_format(&text, "not ready: %s\n", why);
    exchange_reply(exchange, 503, "text/plain; charset=utf-8", buf_view(&text));
    buf_clear(&text);
}

static void health_metrics(void *arg, struct exchange *exchange)
{
    struct buf text = { 0 };

    (void)arg;
    metrics_render(&text);
    exchange_reply(exchange, 200, metrics_type, buf_view(&text));
    buf_clear(&text);
}

const struct http_route health_routes[] = {
    { "GET", "/healthz", 0, API_AUTH_NONE, 0, health_live },
    { "GET", "/readyz", 0, API_AUTH_NONE, 0, health_ready },
    { "GET", "/metrics", 0, API_AUTH_NONE, 0, health_metrics },
};
const size_t health_route_count = sizeof health_routes / sizeof health_routes[0];
