/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's parts.
 *
 *   app.c         create and destroy, in order
 *   app_run.c     signals, timers, drain
 *   app_reload.c  the configuration anew
 *   app_store.c   which engine stores
 *   app_keys*.c   key files, and what the database knows of them
 *   app_listen.c  listeners: clients, ops, admin
 *   app_tls.c     the certificate: load, watch, tell
 *   app_memory.c  how much memory it may come to need
 *   app_party.c   who asks authenticators
 *   app_notify.c  what the service manager hears
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/allowance.h"
#include "common/webauthn.h"
#include "server/api/api.h"
#include "server/app.h"
#include "server/config/config.h"
#include "server/config/keyring.h"
#include "server/domain/domain.h"
#include "server/handed.h"
#include "server/http/route.h"

enum {
    APP_SESSIONS_CACHED = 100000, /* in memory; beyond, the oldest gives way */
    APP_ACCOUNTS_CACHED = 20000,
};

struct http_server;
struct janitor;
struct loop;
struct loop_signal;
struct loop_timer;
struct net;
struct notify;
struct tls;

/* The relay as authenticators know it; origins are in list, parted by NULs. */
struct app_party {
    struct webauthn_party party;
    const char **origins;
    char *list;
};

struct app {
    struct config config;
    const struct config_source *source;
    struct loop *loop;
    struct keyring *keyring;
    uint32_t keys_used[KEYRING_PURPOSES]; /* ids of what is made with now; 0: not known yet */
    bool accept_lost_keys;                /* go on where key files are lost */
    struct domain domain;
    struct janitor *janitor;
    struct api api;
    struct http_routes client_routes, ops_routes, admin_routes;
    struct http_server *clients, *ops, *admin;
    struct app_party party;
    struct allowance requests; /* what all clients' requests take */
    struct allowance output;   /* and what waits to be sent to them */
    struct net *net;
    struct tls *tls; /* NULL: tls_listen is empty */
    struct loop_timer *beat_timer, *janitor_timer, *drain_timer, *tls_timer, *pet_timer;
    struct notify *notify; /* NULL: nobody asks */
    struct handed handed;
    struct loop_signal *on_term, *on_int, *on_hup;
    unsigned janitor_ticks;
    size_t most_connections; /* since memory was last given back */
    int64_t heartbeat;       /* of the copy being written */
    bool started;            /* seqs_start has ended */
    bool start_ok;
    bool beating;
    bool draining;
    bool drained; /* nothing is under way any more; output may still be leaving */
    int exit_status;
};

/* Open the store that the configuration names. */
struct store *app_open_store(struct app *app, char *out_error, size_t error_size);

/* Open every listener of the configuration. */
bool app_listen(struct app *app, char *out_error, size_t error_size);

/* Load certificate and key when tls_listen asks for them. */
bool app_tls_open(struct app *app, char *out_error, size_t error_size);

/* Load the files that the configuration names now; what is wrong is logged, and the old stay. */
void app_tls_reload(struct app *app);

/* Begin to look whether the files change, and end it. */
void app_tls_watch(struct app *app);
void app_tls_unwatch(struct app *app);

/* Name the relay to authenticators, as the configuration does; and end it. */
void app_party_open(struct app *app);
void app_party_close(struct app *app);

/* Begin to give signs of life, and end it; tell what the daemon is at.  See common/notify.h. */
void app_notify_start(struct app *app);
void app_notify_end(struct app *app);
void app_notify_ready(struct app *app);
void app_notify_reloading(struct app *app);
void app_notify_reloaded(struct app *app, const char *status);
void app_notify_stopping(struct app *app);

/* Copy the values of the configuration that the domain looks at. */
void app_apply_settings(struct app *app);

/* Read the configuration anew and take it, or say why not; arg is the app. */
void app_reload(void *arg);

/* Begin the heartbeat, the janitor and the signals; and end them. */
void app_start_clocks(struct app *app);
void app_stop_clocks(struct app *app);

/* Raise the heartbeat a last time; runs turns until that is done. */
void app_last_beat(struct app *app);

/* Read the key directory; hold it against the database, and make what was never there. */
bool app_keys_open(struct app *app, char *out_error, size_t error_size);
bool app_keys_check(struct app *app, char *out_error, size_t error_size);

/* Have the keys that can be changed in the domain; then say in the database that they are here. */
void app_keys_derive(struct app *app);
bool app_keys_begin(struct app *app, char *out_error, size_t error_size);

/*
 * Each minute; when the files may have changed; at the end, also of a start that failed, while the
 * store is open (nobody waits for this daemon's keys any more); after it.
 */
void app_keys_beat(struct app *app);
void app_keys_reload(struct app *app);
void app_keys_leave(struct app *app);
void app_keys_destroy(struct app *app);
