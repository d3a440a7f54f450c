/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate's life: loaded at the start, looked at every few seconds, so that a
 * renewed one is served without anybody's doing, and told about before it ends.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "server/app.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/net/tls.h"

enum {
    LOOK_MS = 2000,
    DAY_S = 86400,
    WARN_DAYS = 14, /* a renewal that works happens long before */
    HOST_BYTES = 256,
};

#define NO_CERTIFICATE_S INT64_C(3153600000) /* a hundred years; as good as never */

static int64_t seconds_left(const struct tls *tls)
{
    return tls_expires_s(tls) - clock_now_ms() / 1000;
}

static int64_t days_left(const struct tls *tls)
{
    int64_t left_s = seconds_left(tls);

    return left_s >= 0 ? left_s / DAY_S : -1 - (-left_s - 1) / DAY_S;
}

static bool has_expired(const struct tls *tls)
{
    return tls_expires_s(tls) <= clock_now_ms() / 1000;
}

/* The host of an https base URL; false for any other. */
static bool host_of(const char *base_url, char out[HOST_BYTES])
{
    static const char scheme[] = "https://";
    const char *host = base_url + sizeof scheme - 1;

    if (strncmp(base_url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    bool is_v6 = host[0] == '[';
    host += is_v6 ? 1 : 0;
    size_t size = strcspn(host, is_v6 ? "]" : ":/");
    if (size >= HOST_BYTES) {
        return false;
    }
    memcpy(out, host, size);
    out[size] = '\0';
    return true;
}

/* What an operator should know of the certificate that is served from now on. */
static void tell(const struct app *app)
{
    char host[HOST_BYTES];
    int64_t days = days_left(app->tls);

    metrics_set(METRIC_tls_certificate_seconds, seconds_left(app->tls));
    if (has_expired(app->tls)) {
        log_error("tls.expired", "days=%" PRId64 " advice=\"renew the certificate\"", days);
    } else if (days < WARN_DAYS) {
        log_warn("tls.expiring", "days=%" PRId64 " advice=\"renew the certificate\"", days);
    } else {
        log_info("tls.certificate", "days=%" PRId64, days);
    }
    if (host_of(app->config.base_url, host) && !tls_covers(app->tls, host)) {
        log_warn("tls.other_name", "advice=\"the certificate is not for the host of base_url\"");
    }
}

/* The sentence begins with the file that is wrong; put before it where that was named. */
static void add_origin(const struct config *config, const struct config_source *source,
                       char *out_error, size_t error_size)
{
    size_t key = strlen(config->tls_key);
    bool is_key = strcmp(config->tls_cert, config->tls_key) != 0 &&
                  strncmp(out_error, config->tls_key, key) == 0 && out_error[key] == ':';
    const char *option = is_key ? "tls_key" : "tls_cert";
    struct buf sentence = { 0 };

    config_origin(source, option, &sentence);
    buf_append_format(&sentence, ": %s: %s", option, out_error);
    buf_append_u8(&sentence, 0);
    (void)snprintf(out_error, error_size, "%s", (const char *)sentence.at);
    buf_clear(&sentence);
}

static struct tls *open_tls(const struct config *config, const struct config_source *source,
                            char *out_error, size_t error_size)
{
    const struct tls_files files = { .cert = config->tls_cert, .key = config->tls_key };
    const struct tls_limits limits = {
        .handshake_timeout_ms = config->tls_handshake_timeout * 1000,
        .handshakes_max = config->tls_handshakes_max,
    };

    struct tls *tls = tls_create(&files, &limits, out_error, error_size);

    if (tls == NULL) {
        add_origin(config, source, out_error, error_size);
    }
    return tls;
}

bool app_check_files(const struct config *config, const struct config_source *source,
                     char *out_error, size_t error_size)
{
    struct tls *tls = NULL;

    if (config->tls_listen[0] == '\0') {
        return true;
    }
    tls = open_tls(config, source, out_error, error_size);
    if (tls == NULL) {
        return false;
    }
    if (has_expired(tls)) {
        (void)snprintf(out_error, error_size, "%s: this certificate has expired; renew it",
                       config->tls_cert);
        add_origin(config, source, out_error, error_size);
    }
    tls_destroy(tls);
    return true;
}

bool app_tls_open(struct app *app, char *out_error, size_t error_size)
{
    metrics_set(METRIC_tls_certificate_seconds, NO_CERTIFICATE_S);
    if (app->config.tls_listen[0] == '\0') {
        return true;
    }
    app->tls = open_tls(&app->config, app->source, out_error, error_size);
    if (app->tls == NULL) {
        return false;
    }
    tell(app);
    return true;
}

void app_tls_reload(struct app *app)
{
    const struct tls_files files = { .cert = app->config.tls_cert, .key = app->config.tls_key };
    char error[TLS_ERROR_BYTES];

    if (app->tls == NULL) {
        return;
    }
    if (!tls_reload(app->tls, &files, clock_now_ms(), error, sizeof error)) {
        log_error("tls.refused", "reason=%s effect=\"the old certificate stays\"",
                  log_quote(bytes_text(error)).text);
        return;
    }
    log_info("tls.reloaded", "connections=kept");
    tell(app);
}

static void on_look_time(void *arg)
{
    struct app *app = arg;

    if (tls_has_new_files(app->tls)) {
        app_tls_reload(app);
    }
    tls_rotate(app->tls);
    metrics_set(METRIC_tls_certificate_seconds, seconds_left(app->tls));
    loop_timer_start(app->tls_timer, LOOK_MS);
}

void app_tls_watch(struct app *app)
{
    app->tls_timer = loop_timer_create(app->loop, on_look_time, app);
    if (app->tls != NULL) {
        loop_timer_start(app->tls_timer, LOOK_MS);
    }
}

void app_tls_unwatch(struct app *app)
{
    loop_timer_destroy(app->tls_timer);
}
