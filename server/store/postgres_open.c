/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/loop.h"
#include "common/mem.h"
#include "server/store/migrations.h"
#include "server/store/postgres.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_params_private.h"
#include "server/store/postgres_private.h"
#include "server/store/postgres_resolve_private.h"
#include "server/store/postgres_text_private.h"
#include "server/store/store_private.h"

enum {
    OPEN_WAIT_MS = 10000,
    OPEN_TURN_MS = 100
};

static void postgres_destroy(struct store *base)
{
    struct postgres_store *store = (struct postgres_store *)base;

    while (store->writer.is_pump_posted || store->reads.is_pump_posted) {
        loop_turn(base->loop, 0);
    }
    postgres_listener_stop(store);
    postgres_reader_stop(store);
    postgres_writer_stop(store);
    postgres_texts_clear(&store->texts);
    postgres_params_clear(&store->params);
    postgres_params_clear(&store->listen_params);
    free(store);
}

static const struct store_ops postgres_ops = {
    .submit = postgres_writer_submit,
    .read = postgres_reader_submit,
    .is_ready = postgres_writer_is_ready,
    .hears = postgres_listener_hears,
    .destroy = postgres_destroy,
};

static bool open_is_connected(const struct postgres_store *store)
{
    return postgres_conn_is_ready(store->writer.conn) &&
           postgres_conn_is_ready(store->reads.readers[0].conn);
}

static int64_t open_wait_ms(const struct postgres_config *config)
{
    return config->start_wait_ms > 0 ? config->start_wait_ms : OPEN_WAIT_MS;
}

static bool open_connections(struct postgres_store *store, const struct postgres_config *config,
                             bool *out_may_pass, char *out_error, size_t error_size)
{
    struct loop *loop = store->base.loop;
    int64_t until_ms = loop_steady_ms(loop) + open_wait_ms(config);

    postgres_writer_start(store);
    postgres_reader_start(store, config->reader_count);
    postgres_listener_start(store);
    while (!open_is_connected(store) && loop_steady_ms(loop) < until_ms) {
        loop_turn(loop, OPEN_TURN_MS);
    }
    if (!open_is_connected(store)) {
        *out_may_pass = true;
        (void)snprintf(out_error, error_size,
                       "the PostgreSQL database gives no connection: see the lines above");
        return false;
    }
    return true;
}

/* Give the listener a way of its own; false with a sentence when its URL is none. */
static bool open_apart(struct postgres_store *store, const char *url, char *out_error,
                       size_t error_size)
{
    if (url == NULL || url[0] == '\0') {
        return true;
    }
    store->listener.is_apart = true;
    store->listen_resolver =
        (struct postgres_resolver){ .loop = store->base.loop, .params = &store->listen_params };
    store->listen_shared = store->shared;
    store->listen_shared.params = &store->listen_params;
    store->listen_shared.resolver = &store->listen_resolver;
    return postgres_params_init(&store->listen_params, url, out_error, error_size);
}

struct store *postgres_open(struct loop *loop, const struct postgres_config *config,
                            char *out_error, size_t error_size)
{
    struct postgres_store *store = mem_zeroed(1, sizeof *store);
    bool may_pass = false;

    store_init(&store->base, &postgres_ops, loop, config->queue_bytes);
    store->resolver = (struct postgres_resolver){ .loop = loop, .params = &store->params };
    store->shared = (struct postgres_shared){ .loop = loop,
                                              .params = &store->params,
                                              .texts = &store->texts,
                                              .resolver = &store->resolver,
                                              .is_unprepared = config->is_unprepared };
    if (postgres_params_init(&store->params, config->url, out_error, error_size) &&
        open_apart(store, config->listen_url, out_error, error_size) &&
        postgres_schema_migrate(&store->params, migrations_postgres, open_wait_ms(config),
                                &may_pass, out_error, error_size) &&
        open_connections(store, config, &may_pass, out_error, error_size)) {
        return &store->base;
    }
    postgres_destroy(&store->base);
    if (config->out_may_pass != NULL) {
        *config->out_may_pass = may_pass;
    }
    return NULL;
}
