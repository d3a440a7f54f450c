/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in a schema of its own on the PostgreSQL server of the test, and whoever
 * hears how its batches end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/store.h"
#include "tests/support/temp_postgres.h"

struct postgres_place {
    struct loop *loop;
    struct store *store;
    char url[TEMP_POSTGRES_URL_BYTES];
    int waiting; /* batches that have not ended */
};

struct postgres_heard {
    struct postgres_place *place;
    enum store_status status;
    int times;
    int64_t key; /* of the first row of the first statement, with what is in its second column */
    size_t body_bytes;
    bool has_more;
};

/* Open the server for a group of tests, and close it: cmocka's group fixtures. */
int postgres_place_serve(void **state);
int postgres_place_end(void **state);

/* Make a place and run make, the statements of its tables; or remove all of it.  *state is it. */
int postgres_place_open(void **state, const char *make);
int postgres_place_close(void **state);

/* Open a store on the place's schema; destroy it. */
struct store *postgres_place_store(const struct postgres_place *place, bool is_unprepared);

/* Submit batch, which is the store's then; heard is told how it ends. */
void postgres_place_submit(struct postgres_place *place, struct store_batch *batch,
                           struct postgres_heard *heard);
void postgres_place_submit_to(struct postgres_place *place, struct store *store,
                              struct store_batch *batch, struct postgres_heard *heard);

/* The same for a read. */
void postgres_place_read(struct postgres_place *place, struct store_batch *batch,
                         struct postgres_heard *heard);

/* Turn the loop until all have ended; the test fails after half a minute. */
void postgres_place_finish(struct postgres_place *place);
