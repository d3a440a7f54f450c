/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store/contract.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/store.h"
#include "tests/store/contract_private.h"
#include "tests/support/unit.h"

static const struct store_stmt make = {
    .name = "contract.make",
    .sql = "CREATE TABLE contract (k BIGINT PRIMARY KEY, v BYTEA, t TEXT)",
    .sql_sqlite = "CREATE TABLE contract (k INTEGER PRIMARY KEY, v BLOB, t TEXT)",
};
const struct store_stmt contract_insert = {
    .name = "contract.insert",
    .sql = "INSERT INTO contract (k, v, t) VALUES ($1, $2, $3)",
};
const struct store_stmt contract_delete = {
    .name = "contract.delete_one",
    .sql = "DELETE FROM contract WHERE k = $1 RETURNING k",
};
const struct store_stmt contract_select = {
    .name = "contract.select_from",
    .sql = "SELECT k, v, t FROM contract WHERE k >= $1 ORDER BY k",
};
const struct store_stmt contract_count = {
    .name = "contract.count_all",
    .sql = "SELECT count(*) FROM contract",
};

static const struct contract_engine *contract_engine;
int contract_answers;

void contract_hear(void *arg, enum store_status status, struct store_rows *rows)
{
    struct heard *heard = arg;

    heard->times++;
    heard->order = ++contract_answers;
    heard->status = status;
    heard->has_rows_object = rows != NULL;
    if (status == STORE_OK && store_rows_next(rows)) {
        heard->has_row = true;
        heard->number = store_rows_int(rows, 0);
    }
    if (status == STORE_REFUSED) {
        heard->refused_at = store_rows_refused_at(rows);
    }
}

void contract_wait(struct contract *contract, const struct heard *heard)
{
    int64_t until_ms = clock_steady_ms() + CONTRACT_WAIT_MS;

    while (heard->times == 0) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(contract->loop, CONTRACT_TURN_MS);
    }
}

void contract_bind_row(struct store_batch *batch, int64_t key, struct bytes value)
{
    store_bind_int(batch, key);
    store_bind_bytes(batch, value);
    store_bind_text(batch, bytes_text("text"));
}

struct store_batch *contract_batch_insert(int64_t key)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &contract_insert);
    contract_bind_row(batch, key, bytes_text("value"));
    return batch;
}

void contract_add_delete(struct store_batch *batch, int64_t key, bool is_expected)
{
    if (is_expected) {
        store_batch_expect(batch, &contract_delete);
    } else {
        store_batch_add(batch, &contract_delete);
    }
    store_bind_int(batch, key);
}

enum store_status contract_submit(struct contract *contract, struct store_batch *batch)
{
    struct heard heard = { 0 };

    store_submit(contract->store, &batch, contract_hear, &heard);
    assert_null(batch);
    assert_int_equal(heard.times, 0);
    contract_wait(contract, &heard);
    return heard.status;
}

int64_t contract_rows(struct contract *contract)
{
    struct store_batch *batch = store_batch_create();
    struct heard heard = { 0 };

    store_batch_add(batch, &contract_count);
    store_read(contract->store, &batch, contract_hear, &heard);
    assert_int_equal(heard.times, 0);
    contract_wait(contract, &heard);
    assert_int_equal(heard.status, STORE_OK);
    return heard.number;
}

int contract_set_up(void **state)
{
    struct contract *contract = mem_zeroed(1, sizeof *contract);

    contract->engine = contract_engine;
    contract->loop = loop_create();
    contract->store = contract_engine->open(contract_engine->arg, contract->loop);
    *state = contract;
    if (contract->store == NULL) {
        return -1;
    }
    struct store_batch *batch = store_batch_create();
    store_batch_add(batch, &make);
    return contract_submit(contract, batch) == STORE_OK ? 0 : -1;
}

int contract_tear_down(void **state)
{
    struct contract *contract = *state;

    store_destroy(contract->store);
    loop_destroy(contract->loop);
    contract->engine->remove(contract->engine->arg);
    free(contract);
    return 0;
}

int contract_run(const struct contract_engine *engine)
{
    contract_engine = engine;
    return contract_run_values() + contract_run_outcomes() + contract_run_order();
}
