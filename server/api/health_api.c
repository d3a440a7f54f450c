/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/health_api.h"

#include <stdbool.h>
#include <strings.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/metrics.h"
#include "server/api/api.h"
#include "server/domain/health.h"
#include "server/http/exchange.h"

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

/* Say whether the caller names OpenMetrics among what it accepts; its q is not looked at. */
static bool accepts_openmetrics(const struct exchange *exchange)
{
    static const char type[] = "application/openmetrics-text";
    const size_t size = sizeof type - 1;
    struct bytes accept = exchange_header(exchange, "accept");

    for (size_t at = 0; at + size <= accept.size; at++) {
        if (strncasecmp((const char *)accept.at + at, type, size) == 0) {
            return true;
        }
    }
    return false;
}

static void health_metrics(void *arg, struct exchange *exchange)
{
    struct buf text = { 0 };

    (void)arg;
    if (accepts_openmetrics(exchange)) {
        metrics_render(&text);
        exchange_reply(exchange, 200, METRICS_TYPE, buf_view(&text));
    } else {
        metrics_render_plain(&text);
        exchange_reply(exchange, 200, METRICS_PLAIN_TYPE, buf_view(&text));
    }
    buf_clear(&text);
}

const struct http_route health_routes[] = {
    { "GET", "/healthz", 0, API_AUTH_NONE, 0, health_live },
    { "GET", "/readyz", 0, API_AUTH_NONE, 0, health_ready },
    { "GET", "/metrics", 0, API_AUTH_NONE, 0, health_metrics },
};
const size_t health_route_count = sizeof health_routes / sizeof health_routes[0];
