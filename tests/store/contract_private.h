/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the contract suite share: the table, and what a done function heard. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/store/store.h"

struct contract_engine;
struct loop;

enum {
    CONTRACT_WAIT_MS = 30000,
    CONTRACT_TURN_MS = 100,
    CONTRACT_MANY = 300
};

/* k INTEGER PRIMARY KEY, v BLOB, t TEXT */
extern const struct store_stmt contract_insert; /* $1 k, $2 v, $3 t */
extern const struct store_stmt contract_delete; /* $1 k; returns k */
extern const struct store_stmt contract_select; /* $1 the least k; k, v, t in order of k */
extern const struct store_stmt contract_count;

struct contract {
    const struct contract_engine *engine;
    struct loop *loop;
    struct store *store;
};

/* What a done function heard. */
struct heard {
    int times;
    int order;      /* its place among all answers */
    int64_t number; /* first column of the first row, if any */
    size_t refused_at;
    enum store_status status;
    bool has_row;
    bool has_rows_object;
};

/* A store_done_fn whose arg is a struct heard; and the answers counted since it was set. */
void contract_hear(void *arg, enum store_status status, struct store_rows *rows);
extern int contract_answers;

void contract_wait(struct contract *contract, const struct heard *heard);
struct store_batch *contract_batch_insert(int64_t key);
void contract_bind_row(struct store_batch *batch, int64_t key, struct bytes value);
void contract_add_delete(struct store_batch *batch, int64_t key, bool is_expected);

/* Submit batch and wait for how it ended; count the rows with a read. */
enum store_status contract_submit(struct contract *contract, struct store_batch *batch);
int64_t contract_rows(struct contract *contract);

/* cmocka fixtures: a fresh store with the table; and its end. */
int contract_set_up(void **state);
int contract_tear_down(void **state);

#define CONTRACT_TEST(name) \
    cmocka_unit_test_setup_teardown(name, contract_set_up, contract_tear_down)

/* The parts; each returns its number of failed tests. */
int contract_run_values(void);
int contract_run_outcomes(void);
int contract_run_order(void);
