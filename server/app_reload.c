/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reload on SIGHUP: all is read and tried before anything is changed, so that a configuration
 * is taken whole or not at all.  Certificates and keys are files of their own: when the options
 * that name them stay, a bad one keeps nobody from changing a limit.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/bytes.h"
#include "common/log.h"
#include "server/app.h"
#include "server/app_private.h"
#include "server/config/config.h"

enum {
    REASON_BYTES = CONFIG_ERROR_BYTES * 2
};

/* What was told of a reload. */
struct told {
    int changed;
    int waiting; /* for a restart */
};

static void tell_change(void *arg, const struct config_change *change)
{
    struct told *told = arg;
    struct log_quote old = log_quote(bytes_text(change->old));
    struct log_quote fresh = log_quote(bytes_text(change->fresh));
    /* A password alone: both look the same. */
    const char *note =
        strcmp(change->old, change->fresh) == 0 ? " note=\"a part that is not shown\"" : "";

    if (change->reloadable) {
        told->changed++;
        log_info("config.changed", "option=%s old=%s new=%s%s", change->name, old.text, fresh.text,
                 note);
    } else {
        told->waiting++;
        log_warn("config.needs_restart", "option=%s old=%s new=%s%s effect=\"the old value stays\"",
                 change->name, old.text, fresh.text, note);
    }
}

/* Try a pair that the configuration newly names; one that has expired would not be served. */
static bool pair_holds(const struct app *app, const struct config *next, char *out_error,
                       size_t error_size)
{
    if (app->tls == NULL || (strcmp(app->config.tls_cert, next->tls_cert) == 0 &&
                             strcmp(app->config.tls_key, next->tls_key) == 0)) {
        return true;
    }
    out_error[0] = '\0';
    return app_check_files(next, app->source, out_error, error_size) && out_error[0] == '\0';
}

/* Read into *out_fresh what the source says now, and try what it would make of what runs. */
static bool read_fresh(const struct app *app, struct config *out_fresh, char *out_error,
                       size_t error_size)
{
    struct config next = { 0 };
    bool good = config_read(app->source, out_fresh, out_error, error_size) &&
                config_next(&app->config, out_fresh, app->source, &next, out_error, error_size) &&
                pair_holds(app, &next, out_error, error_size);

    config_clear(&next);
    return good;
}

static void take(struct app *app, const struct config *fresh)
{
    struct told told = { 0 };

    config_compare(&app->config, fresh, tell_change, &told);
    config_apply(&app->config, fresh);
    app_apply_settings(app);
    app_tls_reload(app);
    app_keys_reload(app);
    log_info("config.reloaded", "changed=%d needs_restart=%d listeners=kept", told.changed,
             told.waiting);
}

void app_reload(void *arg)
{
    struct app *app = arg;
    struct config fresh = { 0 };
    char error[REASON_BYTES];

    app_notify_reloading(app);
    if (read_fresh(app, &fresh, error, sizeof error)) {
        take(app, &fresh);
        app_notify_reloaded(app, "Serving: reloaded");
    } else {
        log_error("config.refused", "reason=%s effect=\"the old configuration stays\"",
                  log_quote(bytes_text(error)).text);
        app_notify_reloaded(app, "Serving: the new configuration was refused, see the log");
    }
    config_clear(&fresh);
}
