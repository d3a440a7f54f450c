/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real store of its own, with its loop, for tests of what lies above the store:
 * SQLite, or PostgreSQL where SEALPOST_TEST_ENGINE is "postgres" (see temp_postgres.h).
 */
#pragma once

#include <stdbool.h>

#include "server/store/sqlite.h"
#include "server/store/store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/temp_postgres.h"

enum {
    TEMP_STORE_PATH_BYTES = TEMP_DIR_BYTES + 32
};

struct temp_store {
    struct loop *loop;
    struct store *store;
    char dir[TEMP_DIR_BYTES];
    char path[TEMP_STORE_PATH_BYTES]; /* the database file, of SQLite */
    char url[TEMP_POSTGRES_URL_BYTES];
    bool is_beside; /* the database is another's */
};

/* Say whether stores are on PostgreSQL, so that several daemons can share one. */
bool temp_store_is_shared(void);

/* For a test that holds in one engine: it reaches into memory or rows that the other has not. */
#define SKIP_ON_POSTGRES()            \
    do {                              \
        if (temp_store_is_shared()) { \
            skip();                   \
        }                             \
    } while (0)

/* Create folder, loop and a migrated store; or destroy them. */
void temp_store_open(struct temp_store *temp);

/* Open a second store on the database and the loop of first, as another daemon would. */
void temp_store_open_beside(struct temp_store *temp, const struct temp_store *first);
void temp_store_close(struct temp_store *temp);

/* Destroy the store and open the same file again; the loop stays. */
void temp_store_reopen(struct temp_store *temp);

/* Turn the loop until *is_done; end the test when that takes longer than 30 s. */
void temp_store_wait(struct temp_store *temp, const bool *is_done);

/*
 * Submit, or read, *batch (stolen), turn the loop until it is done and return
 * how it ended.  look hears status and rows too, if it is not NULL.
 */
enum store_status temp_store_run(struct temp_store *temp, struct store_batch **batch,
                                 store_done_fn *look, void *arg);
enum store_status temp_store_read(struct temp_store *temp, struct store_batch **batch,
                                  store_done_fn *look, void *arg);
