/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager hears: that the daemon is ready, reloads, stops, and that its loop
 * turns.  The sign of life comes from a timer of the loop itself, at half of what the manager
 * waits, so that a loop that hangs gives none.
 */
#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/notify.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/net/net.h"

static void say_alive(struct app *app)
{
    (void)notify_say(app->notify, "WATCHDOG=1\nSTATUS=%s: %zu connections, %zu streams",
                     app->draining ? "Stopping" : "Serving", net_connection_count(app->net),
                     hub_count(app->domain.hub));
}

static void on_pet_time(void *arg)
{
    struct app *app = arg;

    say_alive(app);
    loop_timer_start(app->pet_timer, notify_watchdog_ms(app->notify) / 2);
}

void app_notify_start(struct app *app)
{
    app->pet_timer = loop_timer_create(app->loop, on_pet_time, app);
    if (notify_watchdog_ms(app->notify) > 0) {
        loop_timer_start(app->pet_timer, 0);
    }
}

void app_notify_end(struct app *app)
{
    loop_timer_destroy(app->pet_timer);
}

void app_notify_ready(struct app *app)
{
    if (!notify_say(app->notify, "READY=1\nSTATUS=Serving: version %s", SEALPOST_VERSION)) {
        log_warn("notify.failed", "effect=\"the service manager does not know that it is ready\"");
    }
}

void app_notify_reloading(struct app *app)
{
    (void)notify_say(app->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=Reloading",
                     clock_steady_us());
}

void app_notify_reloaded(struct app *app, const char *status)
{
    (void)notify_say(app->notify, "READY=1\nSTATUS=%s", status);
}

void app_notify_stopping(struct app *app)
{
    (void)notify_say(app->notify, "STOPPING=1\nSTATUS=Stopping: clients may finish, %" PRId64 " s",
                     app->config.drain_time);
}
