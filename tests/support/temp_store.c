/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_store.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/loop.h"
#include "server/store/postgres.h"
#include "server/store/sqlite.h"

enum {
    TEMP_STORE_WAIT_MS = 30000,
    TEMP_STORE_TURN_MS = 100,
    TEMP_STORE_ERROR_BYTES = 512
};

struct run {
    store_done_fn *look;
    void *arg;
    enum store_status status;
    bool is_done;
};

bool temp_store_is_shared(void)
{
    const char *engine = getenv("SEALPOST_TEST_ENGINE"); /* NOLINT(concurrency-mt-unsafe) */

    return engine != NULL && strcmp(engine, "postgres") == 0;
}

/* One server for all stores of the program; it ends with it. */
static struct temp_postgres server;

static void server_close(void)
{
    temp_postgres_close(&server);
}

static void server_open(void)
{
    static bool is_open = false;

    if (!is_open) {
        temp_postgres_open(&server);
        CHECK(atexit(server_close) == 0);
        is_open = true;
    }
}

static struct store *start_postgres(const struct temp_store *temp, char *error, size_t error_size)
{
    const struct postgres_config config = { .url = temp->url,
                                            .queue_bytes = 33554432,
                                            .reader_count = 2 };

    return postgres_open(temp->loop, &config, error, error_size);
}

static void temp_store_start(struct temp_store *temp)
{
    const struct sqlite_config config = { .path = temp->path,
                                          .queue_bytes = 33554432,
                                          .reader_count = 2 };
    char error[TEMP_STORE_ERROR_BYTES] = "";

    temp->store = temp_store_is_shared() ? start_postgres(temp, error, sizeof error)
                                         : sqlite_open(temp->loop, &config, error, sizeof error);
    if (temp->store == NULL) {
        (void)fprintf(stderr, "temp_store: %s\n", error);
    }
    CHECK(temp->store != NULL);
}

void temp_store_open(struct temp_store *temp)
{
    *temp = (struct temp_store){ 0 };
    temp_dir_create(temp->dir);
    (void)snprintf(temp->path, sizeof temp->path, "%s/relay.db", temp->dir);
    temp->loop = loop_create();
    CHECK(temp->loop != NULL);
    if (temp_store_is_shared()) {
        server_open();
        temp_postgres_create(&server, temp->url);
    }
    temp_store_start(temp);
}

void temp_store_open_beside(struct temp_store *temp, const struct temp_store *first)
{
    CHECK(temp_store_is_shared());
    *temp = *first;
    temp->is_beside = true;
    temp_store_start(temp);
}

void temp_store_close(struct temp_store *temp)
{
    store_destroy(temp->store);
    if (temp->is_beside) {
        return;
    }
    loop_destroy(temp->loop);
    temp_dir_remove(temp->dir);
    if (temp_store_is_shared()) {
        temp_postgres_drop(temp->url);
    }
}

void temp_store_reopen(struct temp_store *temp)
{
    store_destroy(temp->store);
    temp_store_start(temp);
}

void temp_store_wait(struct temp_store *temp, const bool *is_done)
{
    int64_t until_ms = clock_steady_ms() + TEMP_STORE_WAIT_MS;

    while (!*is_done) {
        CHECK(clock_steady_ms() < until_ms);
        loop_turn(temp->loop, TEMP_STORE_TURN_MS);
    }
}

static void on_done(void *arg, enum store_status status, struct store_rows *rows)
{
    struct run *run = arg;

    if (run->look != NULL) {
        run->look(run->arg, status, rows);
    }
    run->status = status;
    run->is_done = true;
}

enum store_status temp_store_run(struct temp_store *temp, struct store_batch **batch,
                                 store_done_fn *look, void *arg)
{
    struct run run = { .look = look, .arg = arg };

    store_submit(temp->store, batch, on_done, &run);
    temp_store_wait(temp, &run.is_done);
    return run.status;
}

enum store_status temp_store_read(struct temp_store *temp, struct store_batch **batch,
                                  store_done_fn *look, void *arg)
{
    struct run run = { .look = look, .arg = arg };

    store_read(temp->store, batch, on_done, &run);
    temp_store_wait(temp, &run.is_done);
    return run.status;
}
