/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store/postgres_place.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/postgres.h"
#include "tests/support/unit.h"

enum {
    WAIT_MS = 30000,
    TURN_MS = 50
};

static struct temp_postgres server;

int postgres_place_serve(void **state)
{
    (void)state;
    temp_postgres_open(&server);
    return 0;
}

int postgres_place_end(void **state)
{
    (void)state;
    temp_postgres_close(&server);
    return 0;
}

struct store *postgres_place_store(const struct postgres_place *place, bool is_unprepared)
{
    const struct postgres_config config = {
        .url = place->url, .queue_bytes = 1 << 26, .reader_count = 1, .is_unprepared = is_unprepared
    };
    char error[512] = "";
    struct store *store = postgres_open(place->loop, &config, error, sizeof error);

    assert_string_equal(error, "");
    return store;
}

int postgres_place_open(void **state, const char *make)
{
    struct postgres_place *place = mem_zeroed(1, sizeof *place);

    temp_postgres_create(&server, place->url);
    place->loop = loop_create();
    place->store = postgres_place_store(place, false);
    temp_postgres_run(place->url, make);
    *state = place;
    return 0;
}

int postgres_place_close(void **state)
{
    struct postgres_place *place = *state;

    store_destroy(place->store);
    loop_destroy(place->loop);
    temp_postgres_drop(place->url);
    free(place);
    return 0;
}

static void on_done(void *arg, enum store_status status, struct store_rows *rows)
{
    struct postgres_heard *heard = arg;

    heard->status = status;
    heard->times++;
    heard->place->waiting--;
    if (status == STORE_OK && store_rows_next(rows)) {
        heard->key = store_rows_int(rows, 0);
        heard->body_bytes = store_rows_bytes(rows, 1).size;
        heard->has_more = store_rows_next(rows);
    }
}

static void place_await(struct postgres_place *place, struct postgres_heard *heard)
{
    *heard = (struct postgres_heard){ .place = place };
    place->waiting++;
}

void postgres_place_submit_to(struct postgres_place *place, struct store *store,
                              struct store_batch *batch, struct postgres_heard *heard)
{
    place_await(place, heard);
    store_submit(store, &batch, on_done, heard);
}

void postgres_place_submit(struct postgres_place *place, struct store_batch *batch,
                           struct postgres_heard *heard)
{
    postgres_place_submit_to(place, place->store, batch, heard);
}

void postgres_place_read(struct postgres_place *place, struct store_batch *batch,
                         struct postgres_heard *heard)
{
    place_await(place, heard);
    store_read(place->store, &batch, on_done, heard);
}

void postgres_place_finish(struct postgres_place *place)
{
    int64_t until_ms = clock_steady_ms() + WAIT_MS;

    while (place->waiting > 0) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, TURN_MS);
    }
}
