/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real SQLite store in a folder of its own, with its loop, for tests of what
 * lies above the store.
 */
#pragma once

#include <stdbool.h>

#include "server/store/sqlite.h"
#include "server/store/store.h"
#include "tests/support/temp_dir.h"

enum {
    TEMP_STORE_PATH_BYTES = TEMP_DIR_BYTES + 32
};

struct temp_store {
    struct loop *loop;
    struct store *store;
    char dir[TEMP_DIR_BYTES];
    char path[TEMP_STORE_PATH_BYTES]; /* the database file */
};

/* Create folder, loop and a migrated store; or destroy them. */
void temp_store_open(struct temp_store *temp);
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
