/* SPDX-License-Identifier: Apache-2.0 */
#include "server/app.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/allowance.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/notify.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/health_api.h"
#include "server/app_private.h"
#include "server/config/keyring.h"
#include "server/domain/dedup.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/janitor.h"
#include "server/domain/limits.h"
#include "server/domain/link_watches.h"
#include "server/domain/mailboxes.h"
#include "server/domain/news.h"
#include "server/domain/seqs.h"
#include "server/domain/sessions.h"
#include "server/domain/slots.h"
#include "server/handed.h"
#include "server/http/route.h"
#include "server/http/server.h"
#include "server/net/net.h"
#include "server/net/tls.h"
#include "server/store/store.h"

enum {
    START_TURN_MS = 1000,
    OUTPUT_LOW_MAX = 65536
};

static void apply_rates(struct limits *limits, const struct config *config)
{
    limits_set(limits, LIMITS_DEVICE, config->rate_device);
    limits_set(limits, LIMITS_ACCOUNT, config->rate_account);
    limits_set(limits, LIMITS_ADDRESS, config->rate_address);
    limits_set(limits, LIMITS_PAIR, config->rate_pair);
    limits_set(limits, LIMITS_INBOUND, config->rate_inbound);
    limits_set(limits, LIMITS_FAILURES, config->rate_failures);
    limits_set(limits, LIMITS_CHALLENGES, config->rate_challenges);
    limits_set(limits, LIMITS_REGISTRATIONS, config->rate_registrations);
    limits_set(limits, LIMITS_CLAIM_PAIR, config->rate_claim_pair);
    limits_set(limits, LIMITS_CLAIM_TARGET, config->rate_claim_target);
    limits_set(limits, LIMITS_LOOKUPS, config->rate_lookups);
    limits_set(limits, LIMITS_HANDLES, config->rate_handles);
    limits_set(limits, LIMITS_GROUPS, config->rate_groups);
    limits_set(limits, LIMITS_RECOVERIES, config->rate_recoveries);
    limits_set(limits, LIMITS_LINKS, config->rate_links);
}

void app_apply_settings(struct app *app)
{
    struct domain_settings *settings = &app->domain.settings;
    const struct config *config = &app->config;

    settings->registration = (enum domain_registration)config->registration;
    settings->size_buckets = (enum domain_buckets)config->size_buckets;
    settings->overflow = (enum domain_overflow)config->mailbox_overflow;
    settings->plaintext_guard = config->plaintext_guard;
    settings->mailbox_max_envelopes = config->mailbox_max_envelopes;
    settings->mailbox_max_bytes = config->mailbox_max_bytes;
    settings->idle_device_warn_days = config->idle_device_warn_days;
    settings->idle_device_close_days = config->idle_device_close_days;
    settings->idle_account_days = config->idle_account_days;
    settings->handles_per_account = config->handles_per_account;
    settings->handle_kept_days = config->handle_kept_days;
    settings->mls_group_days = config->mls_group_days;
    settings->hold_s = config->hold_time;
    settings->recovery_wait_s = config->recovery_wait;
    apply_rates(app->domain.limits, config);
    app->api.name = config->name;
    log_setup((enum log_level)config->log_level, (enum log_format)config->log_format);
}

/* One key file a purpose; what is derived from it names what it is for. */
static void derive_keys(struct app *app)
{
    struct domain_keys *keys = &app->domain.keys;
    uint8_t secret[KEYRING_KEY_BYTES];
    uint32_t id = 0;

    keyring_current(app->keyring, KEYRING_INDEX, &id, secret);
    crypto_hkdf(bytes_of(secret, sizeof secret), bytes_text("sealpost/index-key/1"), keys->index,
                sizeof keys->index);
    keyring_current(app->keyring, KEYRING_TAG, &id, secret);
    crypto_hkdf(bytes_of(secret, sizeof secret), bytes_text("sealpost/tag-key/1"), keys->tag,
                sizeof keys->tag);
    mem_wipe(secret, sizeof secret);
    app_keys_derive(app);
}

static void create_domain(struct app *app)
{
    struct domain *domain = &app->domain;

    derive_keys(app);
    domain->mailboxes = mailboxes_create(domain->keys.tag, app->config.mailbox_cache_max);
    domain->hub = hub_create(domain->keys.tag);
    domain->dedup = dedup_create(domain->keys.tag, (size_t)app->config.dedup_max);
    domain->sessions = sessions_create(domain->keys.tag, APP_SESSIONS_CACHED);
    domain->directory = directory_create(domain->keys.tag, APP_ACCOUNTS_CACHED);
    domain->limits = limits_create();
    domain->link_watches = link_watches_create(domain->keys.tag);
    domain->slots = slots_create(app->config.key_slots_opaque);
    news_begin(domain, clock_now_ms);
    domain->base_url = app->config.base_url;
    app_party_open(app);
    domain->party = &app->party.party;
    domain->verification = (enum domain_verification)app->config.webauthn_user_verification;
    app->janitor = janitor_create(domain);
    app->api.domain = domain;
    app->api.loop = app->loop;
    app->api.now_ms = clock_now_ms;
    app->api.started_ms = clock_now_ms();
    app->api.output = &app->output;
    app_apply_settings(app);
}

/* The path behind scheme and host of the base URL: "" or "/prefix". */
static const char *base_path(const char *base_url)
{
    const char *host = strstr(base_url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');

    return path == NULL ? "" : path;
}

static struct http_server *create_server(struct app *app, struct http_routes *routes,
                                         const char *path, const char *origins)
{
    bool is_clients = routes == &app->client_routes;
    struct http_config config = {
        .routes = routes,
        .base_path = path,
        .cors_origins = origins,
        .head_timeout_ms = app->config.head_timeout * 1000,
        .body_timeout_ms = app->config.body_timeout * 1000,
        .idle_timeout_ms = app->config.idle_timeout * 1000,
        .requests = is_clients ? &app->requests : NULL,
        .hsts_max_age_s = app->config.hsts_max_age,
    };

    return http_server_create(app->loop, &config);
}

/* Never above what a stream lets wait, or a stream that is full would not be told of room. */
static int64_t output_low(int64_t output_max)
{
    int64_t low = output_max / 4;

    return low < OUTPUT_LOW_MAX ? low : OUTPUT_LOW_MAX;
}

static void create_servers(struct app *app)
{
    const char *path = base_path(app->config.base_url);
    struct net_limits limits = {
        .max_connections = app->config.max_connections,
        .max_per_address = app->config.max_connections_per_address,
        .trusted_proxies = app->config.trusted_proxies,
        .proxy_timeout_ms = app->config.tls_handshake_timeout * 1000,
        .output_high_bytes = app->config.connection_output_max,
        .output_low_bytes = output_low(app->config.connection_output_max),
        .write_timeout_ms = app->config.write_timeout * 1000,
        .input = &app->requests,
        .output = &app->output,
    };

    app->requests.max_bytes = app->config.request_bodies_max;
    app->output.max_bytes = app->config.output_total_max;
    app->client_routes = (struct http_routes){ api_routes, api_route_count, api_before, &app->api };
    app->ops_routes = (struct http_routes){ health_routes, health_route_count, NULL, &app->api };
    app->admin_routes = (struct http_routes){ admin_routes, admin_route_count, NULL, &app->api };
    app->clients = create_server(app, &app->client_routes, path, app->config.cors_origins);
    app->ops = create_server(app, &app->ops_routes, "", "");
    app->admin = create_server(app, &app->admin_routes, "", "");
    app->net = net_create(app->loop, &limits);
}

static void on_started(void *arg, const struct seqs_start *start)
{
    struct app *app = arg;

    app->started = true;
    app->start_ok = start->ok;
    app->heartbeat = start->heartbeat;
}

/* Take up sequence numbers, and note the heartbeat beside the keys, before anybody is served. */
static bool start_seqs(struct app *app, char *out_error, size_t error_size)
{
    int64_t copy = 0;

    if (!keyring_read_heartbeat(app->config.key_dir, &copy, out_error, error_size)) {
        return false;
    }
    seqs_start(&app->domain, copy, clock_now_ms(), on_started, app);
    while (!app->started) {
        loop_turn(app->loop, START_TURN_MS);
    }
    if (!app->start_ok) {
        (void)snprintf(out_error, error_size,
                       "the database at %s cannot be read or written: see the lines above",
                       app->config.data_dir);
        return false;
    }
    return keyring_write_heartbeat(app->config.key_dir, app->heartbeat, out_error, error_size);
}

static void on_pressure(void *arg, bool full)
{
    const struct app *app = arg;

    net_set_store_pressure(app->net, full);
}

static bool app_open(struct app *app, char *out_error, size_t error_size)
{
    app->loop = loop_create();
    if (app->loop == NULL || !crypto_start()) {
        (void)snprintf(out_error, error_size,
                       "a library did not start: libsodium is faulty or descriptors are used up");
        return false;
    }
    if (!app_keys_open(app, out_error, error_size)) {
        return false;
    }
    app->domain.store = app_open_store(app, out_error, error_size);
    if (app->domain.store == NULL || !app_keys_check(app, out_error, error_size)) {
        return false;
    }
    create_domain(app);
    if (!app_keys_begin(app, out_error, error_size) || !start_seqs(app, out_error, error_size)) {
        return false;
    }
    create_servers(app);
    store_set_pressure(app->domain.store, on_pressure, app);
    return app_tls_open(app, out_error, error_size) && app_listen(app, out_error, error_size);
}

struct app *app_create(struct config *config, const struct config_source *source,
                       const struct app_wishes *wishes, int *out_status, char *out_error,
                       size_t error_size)
{
    struct app *app = mem_zeroed(1, sizeof *app);

    app->exit_status = APP_EXIT_CONFIG;
    app->notify = notify_create();
    app->config = *config;
    memset(config, 0, sizeof *config);
    app->source = source;
    app->accept_lost_keys = wishes->accept_lost_keys;
    log_setup((enum log_level)app->config.log_level, (enum log_format)app->config.log_format);
    if (!handed_check(&app->handed, app->config.tls_listen[0] != '\0', out_error, error_size) ||
        !app_open(app, out_error, error_size)) {
        *out_status = app->exit_status;
        app_destroy(app);
        return NULL;
    }
    app->exit_status = APP_EXIT_OK;
    app_start_clocks(app);
    return app;
}

static void destroy_servers(struct app *app)
{
    net_destroy(app->net);
    tls_destroy(app->tls);
    if (app->domain.link_watches != NULL) {
        link_watches_tell_all(app->domain.link_watches, true);
    }
    if (app->domain.store != NULL) {
        store_destroy(app->domain.store); /* answers all that waits, also exchanges */
    }
    http_server_destroy(app->clients);
    http_server_destroy(app->ops);
    http_server_destroy(app->admin);
}

void app_destroy(struct app *app)
{
    if (app == NULL) {
        return;
    }
    if (app->beat_timer != NULL) {
        app_last_beat(app);
        app_stop_clocks(app);
    }
    app_keys_leave(app);
    destroy_servers(app);
    janitor_destroy(app->janitor);
    limits_destroy(app->domain.limits);
    link_watches_destroy(app->domain.link_watches);
    slots_destroy(app->domain.slots);
    news_end(&app->domain);
    directory_destroy(app->domain.directory);
    sessions_destroy(app->domain.sessions);
    dedup_destroy(app->domain.dedup);
    hub_destroy(app->domain.hub);
    mailboxes_destroy(app->domain.mailboxes);
    app_party_close(app);
    app_keys_destroy(app);
    if (app->loop != NULL) {
        loop_destroy(app->loop);
    }
    config_clear(&app->config);
    notify_destroy(app->notify);
    mem_wipe(&app->domain.keys, sizeof app->domain.keys);
    free(app);
}
