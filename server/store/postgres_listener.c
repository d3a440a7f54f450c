/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LISTEN says nothing when it does not work.  When the server is gone without a
 * word: so we tell ourselves something every few seconds, and hear as long as that
 * comes back.  Behind a pooler that shares connections it would, and what others
 * tell would not: so we hear only the very process that let us in, whose number a
 * pooler does not know.  A URL of its own might lead to another database, where the
 * ping comes back, too: there we hear once a tell of our writer has come.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/random.h"
#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_private.h"
#include "server/store/store_private.h"

enum {
    LISTENER_PING_MS = 3000
};

static void listener_ping(struct postgres_listener *listener)
{
    listener->is_ping_out = true;
    postgres_conn_command(listener->conn, COMMAND_BEGIN);
    postgres_conn_command(listener->conn, COMMAND_NO_SYNC); /* it is worth no write to the disk */
    postgres_conn_tell(listener->conn, listener->self);
    postgres_conn_command(listener->conn, COMMAND_COMMIT);
    postgres_conn_sync(listener->conn, 0);
    postgres_conn_flush(listener->conn);
}

static void on_ready(void *arg)
{
    struct postgres_store *store = arg;
    struct postgres_listener *listener = &store->listener;

    if (!listener->conn->is_pooled) {
        listener->is_pooled_logged = false;
        loop_timer_start(listener->timer, LISTENER_PING_MS);
        listener_ping(listener);
    } else if (!listener->is_pooled_logged) {
        log_warn("store.pooled", "connection=listen why=\"a pooler hides what other daemons tell:"
                                 " news will be looked for instead\"");
        listener->is_pooled_logged = true;
    }
}

/* Whatever failed: the ping will not come back. */
static void on_result(void *arg, const struct postgres_message *message, PGresult *result)
{
    (void)arg;
    (void)message;
    (void)result;
}

static void on_lost(void *arg)
{
    struct postgres_store *store = arg;

    store->listener.is_hearing = false;
    store->listener.is_proven = false;
    loop_timer_stop(store->listener.timer);
}

static void listener_take_ping(struct postgres_store *store)
{
    struct postgres_listener *listener = &store->listener;

    listener->is_ping_out = false;
    if (!listener->is_hearing && (listener->is_proven || !listener->is_apart)) {
        listener->is_hearing = true;
        store_give_news(&store->base, NULL, 0); /* what was told before this was not heard */
    }
}

static void on_notify(void *arg, const char *payload)
{
    struct postgres_store *store = arg;
    size_t size = strlen(store->listener.self);

    if (strcmp(payload, store->listener.self) == 0) {
        listener_take_ping(store);
        return;
    }
    bool is_own = strncmp(payload, store->listener.self, size) == 0;
    store->listener.is_proven = store->listener.is_proven || is_own;
    const char *keys = strchr(payload, ' ');
    if (!is_own && keys != NULL) {
        postgres_keys_give(&store->base, keys + 1);
    }
}

static void on_ping_time(void *arg)
{
    struct postgres_store *store = arg;
    struct postgres_listener *listener = &store->listener;

    if (listener->is_ping_out) {
        postgres_conn_drop(listener->conn, "it hears nothing: news will be looked for instead");
        return;
    }
    loop_timer_start(listener->timer, LISTENER_PING_MS);
    listener_ping(listener);
}

static const struct postgres_conn_user listener_user = {
    .on_ready = on_ready, .on_result = on_result, .on_lost = on_lost, .on_notify = on_notify
};

void postgres_listener_start(struct postgres_store *store)
{
    struct postgres_listener *listener = &store->listener;
    uint64_t self = 0;

    random_fill(&self, sizeof self);
    (void)snprintf(listener->self, sizeof listener->self, "%016llx", (unsigned long long)self);
    listener->timer = loop_timer_create(store->base.loop, on_ping_time, store);
    listener->conn =
        postgres_conn_create(listener->is_apart ? &store->listen_shared : &store->shared, "listen",
                             &listener_user, store);
}

void postgres_listener_stop(struct postgres_store *store)
{
    postgres_conn_destroy(store->listener.conn);
    if (store->listener.timer != NULL) {
        loop_timer_destroy(store->listener.timer);
    }
}

bool postgres_listener_hears(const struct store *base)
{
    const struct postgres_store *store = (const struct postgres_store *)base;

    return store->listener.is_hearing;
}
