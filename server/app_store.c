/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine stores, and where: the one place that knows both. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/app.h"
#include "server/app_private.h"
#include "server/config/config.h"
#include "server/config/storage.h"
#include "server/store/postgres.h"
#include "server/store/sqlite.h"

enum {
    PATH_BYTES = 4096
};

static struct store *open_postgres(struct app *app, char *out_error, size_t error_size)
{
    bool may_pass = false;
    const struct postgres_config config = {
        .url = app->config.storage,
        .listen_url = app->config.postgres_listen_url,
        .queue_bytes = app->config.store_queue_bytes,
        .reader_count = (int)app->config.postgres_pool,
        .is_unprepared = !app->config.postgres_prepared,
        .out_may_pass = &may_pass,
    };
    struct store *store = postgres_open(app->loop, &config, out_error, error_size);

    if (store == NULL && may_pass) {
        app->exit_status = APP_EXIT_TEMPFAIL;
    }
    return store;
}

static struct store *open_sqlite(struct app *app, char *out_error, size_t error_size)
{
    char path[PATH_BYTES];
    const char *named = app->config.storage;
    struct sqlite_config config = {
        .path = path,
        .queue_bytes = app->config.store_queue_bytes,
        .ballast_bytes = app->config.ballast_bytes,
        .reader_count = (int)app->config.sqlite_readers,
    };

#ifdef SEALPOST_BENCH
    if (strncmp(named, "none:", 5) == 0) {
        config.no_store = true;
        named += 5;
    }
#endif
    named += strncmp(named, "sqlite:", 7) == 0 ? 7 : 0;
    if (named[0] == '\0') {
        (void)snprintf(path, sizeof path, "%s/sealpost.db", app->config.data_dir);
    } else {
        (void)snprintf(path, sizeof path, "%s", named);
    }
    return sqlite_open(app->loop, &config, out_error, error_size);
}

struct store *app_open_store(struct app *app, char *out_error, size_t error_size)
{
    return storage_is_postgres(app->config.storage) ? open_postgres(app, out_error, error_size)
                                                    : open_sqlite(app, out_error, error_size);
}
