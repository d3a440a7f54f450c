/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of the daemon: the heartbeat every minute, the janitor every few seconds,
 * and the drain on SIGTERM or SIGINT:
 *
 *   stop listening -> streams told and closed when idle -> every request answered
 *   -> what is written has left, or LAST_BYTES_MS -> stop
 *
 * A second signal, or drain_time, ends the wait.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/api/api.h"
#include "server/api/stream.h"
#include "server/app.h"
#include "server/app_memory.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/config/keyring.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/janitor.h"
#include "server/domain/limits.h"
#include "server/domain/link_watches.h"
#include "server/domain/news.h"
#include "server/domain/seqs.h"
#include "server/http/server.h"
#include "server/net/net.h"

enum {
    BEAT_MS = 60000,
    JANITOR_MS = 1000,
    JANITOR_ROUND = 5, /* ticks of the janitor from one whole round to the next */
    TRIM_ROUND = 30,   /* and from one look at free memory to the next */
    FREE_BYTES = 16777216,
    LAST_BYTES_MS = 500
};

static void write_copy(void *arg)
{
    struct app *app = arg;
    char error[CONFIG_ERROR_BYTES];

    if (!keyring_write_heartbeat(app->config.key_dir, app->heartbeat, error, sizeof error)) {
        log_error("heartbeat.copy_failed", "reason=%s", log_quote(bytes_text(error)).text);
    }
}

static void on_copy_written(void *arg)
{
    struct app *app = arg;

    app->beating = false;
}

static void on_beat(void *arg, int64_t heartbeat)
{
    struct app *app = arg;

    if (heartbeat == 0) {
        app->beating = false; /* the store has logged why */
        return;
    }
    app->heartbeat = heartbeat;
    loop_offload(app->loop, write_copy, on_copy_written, app);
}

static void beat(struct app *app)
{
    if (!app->beating) {
        app->beating = true;
        seqs_beat(&app->domain, on_beat, app);
    }
}

static void on_beat_time(void *arg)
{
    struct app *app = arg;

    beat(app);
    app_keys_beat(app);
    loop_timer_start(app->beat_timer, BEAT_MS);
}

/* Say whether much was needed for what was to be written, and nothing is now. */
static bool is_quiet_after_load(void)
{
    return metrics_value(METRIC_store_queue_bytes) == 0 && mem_free_bytes() > FREE_BYTES;
}

/* After a crowd has gone, or a load is over, the heap is mostly holes: give them back. */
static void give_back_memory(struct app *app)
{
    size_t count = net_connection_count(app->net);

    if (count > app->most_connections) {
        app->most_connections = count;
    }
    if (app->janitor_ticks % TRIM_ROUND == 0 &&
        (count < app->most_connections / 2 || is_quiet_after_load())) {
        app->most_connections = count;
        mem_give_back();
    }
}

static void on_janitor_time(void *arg)
{
    struct app *app = arg;

    app->janitor_ticks++;
    limits_renew_key(app->domain.limits, clock_now_ms());
    give_back_memory(app);
    if (app->janitor_ticks % JANITOR_ROUND == 0) {
        janitor_run(app->janitor, clock_now_ms());
    } else {
        janitor_expire(app->janitor, clock_now_ms());
    }
    news_tick(&app->domain);
    loop_timer_start(app->janitor_timer, JANITOR_MS);
}

void app_last_beat(struct app *app)
{
    while (app->beating) {
        loop_turn(app->loop, BEAT_MS);
    }
    beat(app);
    while (app->beating) {
        loop_turn(app->loop, BEAT_MS);
    }
}

static void on_drain_time(void *arg)
{
    struct app *app = arg;

    if (!app->drained) {
        log_warn("drain.cut", "waiting=%zu streams=%zu", http_server_waiting(app->clients),
                 hub_count(app->domain.hub));
    }
    loop_stop(app->loop);
}

/* At each turn's end while draining: has all been answered, has all left? */
static void on_turn_end(void *arg)
{
    struct app *app = arg;

    if (!app->draining) {
        return;
    }
    if (!app->drained && http_server_waiting(app->clients) == 0 &&
        hub_count(app->domain.hub) == 0) {
        app->drained = true;
        loop_timer_start(app->drain_timer, LAST_BYTES_MS);
    }
    if (app->drained && net_connection_count(app->net) == 0) {
        loop_stop(app->loop);
    }
}

static void on_stop(void *arg)
{
    struct app *app = arg;

    if (app->draining) {
        loop_stop(app->loop);
        return;
    }
    app_notify_stopping(app);
    log_info("drain", "connections=%zu streams=%zu seconds=%" PRId64,
             net_connection_count(app->net), hub_count(app->domain.hub), app->config.drain_time);
    app->draining = true;
    app->api.draining = true;
    net_stop_listening(app->net);
    http_server_drain(app->clients);
    stream_drain_all(&app->api, app->config.drain_time * 1000 / 2);
    link_watches_tell_all(app->domain.link_watches, true);
    loop_timer_start(app->drain_timer, app->config.drain_time * 1000);
}

void app_start_clocks(struct app *app)
{
    app->beat_timer = loop_timer_create(app->loop, on_beat_time, app);
    app->janitor_timer = loop_timer_create(app->loop, on_janitor_time, app);
    app->drain_timer = loop_timer_create(app->loop, on_drain_time, app);
    app->on_term = loop_signal_create(app->loop, SIGTERM, on_stop, app);
    app->on_int = loop_signal_create(app->loop, SIGINT, on_stop, app);
    app->on_hup = loop_signal_create(app->loop, SIGHUP, app_reload, app);
    app_tls_watch(app);
    app_notify_start(app);
    loop_at_turn_end(app->loop, on_turn_end, app);
    loop_timer_start(app->beat_timer, BEAT_MS);
    loop_timer_start(app->janitor_timer, 0);
}

void app_stop_clocks(struct app *app)
{
    loop_not_at_turn_end(app->loop, on_turn_end, app);
    app_tls_unwatch(app);
    app_notify_end(app);
    loop_timer_destroy(app->beat_timer);
    loop_timer_destroy(app->janitor_timer);
    loop_timer_destroy(app->drain_timer);
    loop_signal_destroy(app->on_term);
    loop_signal_destroy(app->on_int);
    loop_signal_destroy(app->on_hup);
}

static void tell_memory(const struct config *config)
{
    const struct app_memory memory = app_memory_of(config);
    struct buf text = { 0 };

    app_memory_append(&text, &memory);
    metrics_set(METRIC_memory_bound_bytes, app_memory_total(&memory));
    log_info("memory", "bound=%s", log_quote(buf_view(&text)).text);
    buf_clear(&text);
}

int app_run(struct app *app)
{
    tell_memory(&app->config);
    log_info("ready", "version=%s", SEALPOST_VERSION);
    app_notify_ready(app);
    loop_run(app->loop);
    log_info("stopped", "status=%d", app->exit_status);
    return app->exit_status;
}
