/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>

#include "server/store/sqlite.h"
#include "tests/store/contract.h"
#include "tests/support/temp_dir.h"

struct place {
    char dir[TEMP_DIR_BYTES];
    char path[TEMP_DIR_BYTES + 16];
};

static struct store *place_open_again(void *arg, struct loop *loop)
{
    const struct place *place = arg;
    const struct sqlite_config config = {
        .path = place->path, .queue_bytes = 1 << 20, .ballast_bytes = 1 << 20, .reader_count = 2
    };
    char error[512] = "";
    struct store *store = sqlite_open(loop, &config, error, sizeof error);

    if (store == NULL) {
        (void)fprintf(stderr, "%s\n", error);
    }
    return store;
}

static struct store *place_open(void *arg, struct loop *loop)
{
    struct place *place = arg;

    temp_dir_create(place->dir);
    (void)snprintf(place->path, sizeof place->path, "%s/relay.db", place->dir);
    return place_open_again(arg, loop);
}

static void place_remove(void *arg)
{
    const struct place *place = arg;

    temp_dir_remove(place->dir);
}

int main(void)
{
    struct place place = { 0 };
    const struct contract_engine engine = { .name = "sqlite",
                                            .arg = &place,
                                            .open = place_open,
                                            .open_again = place_open_again,
                                            .remove = place_remove };

    return contract_run(&engine);
}
