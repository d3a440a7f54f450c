/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "server/store/postgres.h"
#include "tests/store/contract.h"
#include "tests/support/temp_postgres.h"

struct place {
    struct temp_postgres server;
    bool is_unprepared;
    char url[TEMP_POSTGRES_URL_BYTES];
};

static struct store *place_open_again(void *arg, struct loop *loop)
{
    const struct place *place = arg;
    const struct postgres_config config = { .url = place->url,
                                            .queue_bytes = 1 << 20,
                                            .reader_count = 2,
                                            .is_unprepared = place->is_unprepared };
    char error[512] = "";
    struct store *store = postgres_open(loop, &config, error, sizeof error);

    if (store == NULL) {
        (void)fprintf(stderr, "%s\n", error);
    }
    return store;
}

static struct store *place_open(void *arg, struct loop *loop)
{
    struct place *place = arg;

    temp_postgres_create(&place->server, place->url);
    return place_open_again(arg, loop);
}

static void place_remove(void *arg)
{
    const struct place *place = arg;

    temp_postgres_drop(place->url);
}

int main(void)
{
    struct place place = { .is_unprepared = false };
    const struct contract_engine engine = { .name = "postgres",
                                            .arg = &place,
                                            .is_shared = true,
                                            .open = place_open,
                                            .open_again = place_open_again,
                                            .remove = place_remove };

    temp_postgres_open(&place.server);
    int failed = contract_run(&engine);
    place.is_unprepared = true; /* as behind a pooler */
    failed += contract_run(&engine);
    temp_postgres_close(&place.server);
    return failed;
}
