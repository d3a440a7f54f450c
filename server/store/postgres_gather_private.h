/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of many batches as one statement, and the order in which a piece of a
 * group is sent so that there are few.
 *
 *   steps that run at once | the gathered statement, being filled | steps that must run behind it
 *
 * A step that is not gathered runs at once unless what was gathered touches the
 * same keys, or something waits before it already: then it waits behind.  A step
 * that is to be gathered joins unless something that waits is of its keys: then
 * all that is held back is sent first.  So whatever is of one key keeps its order.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/store/postgres_fault_private.h"

struct postgres_conn;
struct store_batch;
struct store_stmt;

enum {
    POSTGRES_KEYS_BITS = 15,
    POSTGRES_KEYS_WORDS = 512,      /* of 64 bits: 2^15 */
    POSTGRES_GATHER_STEPS = 1024,   /* of one statement: the server finds a value by counting */
    POSTGRES_GATHER_BYTES = 1048576 /* and holds what was bound several times over */
};

struct postgres_gather_item {
    struct store_batch *batch;
    size_t step;
};

/* Lives in the arena of its first batch, until that runs again or is answered. */
struct postgres_gather {
    const struct store_stmt *stmt;
    size_t count;
    bool is_of_several; /* batches */
    struct postgres_gather_item items[];
};

/* Keys by their hash: two may look like one, which costs a message and no more. */
struct postgres_keys {
    uint64_t bits[POSTGRES_KEYS_WORDS];
};

/* Zero it but for conn. */
struct postgres_arrangement {
    struct postgres_conn *conn;
    const struct store_stmt *stmt; /* that is being gathered; NULL: none */
    size_t bytes;
    struct buf gathered;             /* of struct postgres_gather_item */
    struct buf behind;               /* the same */
    const struct store_batch *noted; /* its keys are among those of what was gathered */
    bool is_wall;                    /* what waits behind may be of any key */
    struct postgres_keys gathered_keys;
    struct postgres_keys behind_keys;
};

/* Send the steps of batch, or hold them back until others join. */
void postgres_arrange_batch(struct postgres_arrangement *arrangement, struct store_batch *batch);

/* Send all that is held back. */
void postgres_arrange_end(struct postgres_arrangement *arrangement);

/* Release what it holds; nothing is held back. */
void postgres_arrangement_clear(struct postgres_arrangement *arrangement);

/*
 * postgres_step.c: take the answer to a gathered statement into its batches.  FAULT_STATEMENT also
 * when its rows are of no step.
 */
enum postgres_fault postgres_step_take_gathered(const struct postgres_gather *gather,
                                                PGresult *result);
