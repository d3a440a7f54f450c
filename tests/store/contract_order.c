/* SPDX-License-Identifier: Apache-2.0 */
/* Batches beside each other: order, isolation, snapshots, and the end of the store. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/loop.h"
#include "server/store/store.h"
#include "tests/store/contract.h"
#include "tests/store/contract_private.h"
#include "tests/support/unit.h"

static void a_refused_batch_leaves_its_neighbours_alone(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };

    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = contract_batch_insert(i);
        store_batch_add(batch, &contract_insert);
        contract_bind_row(batch, 10000 + i, bytes_text("second"));
        if (i % 3 == 1) {
            contract_add_delete(batch, -1, true);
        } else if (i % 3 == 2) {
            store_batch_add(batch, &contract_insert);
            contract_bind_row(batch, i, bytes_text("twice"));
        }
        store_submit(contract->store, &batch, contract_hear, &heard[i]);
    }
    contract_wait(contract, &heard[CONTRACT_MANY - 1]);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        static const enum store_status expected[] = { STORE_OK, STORE_REFUSED, STORE_CONFLICT };
        assert_int_equal(heard[i].times, 1);
        assert_int_equal(heard[i].status, expected[i % 3]);
    }
    assert_int_equal(contract_rows(contract), 2 * ((CONTRACT_MANY + 2) / 3));
}

static void batches_run_and_are_answered_in_order(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };

    contract_answers = 0;
    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch;
        if (i % 2 == 0) {
            batch = contract_batch_insert(i);
        } else {
            batch = store_batch_create();
            contract_add_delete(batch, i - 1, true); /* yields a row only after the one before it */
        }
        store_submit(contract->store, &batch, contract_hear, &heard[i]);
    }
    contract_wait(contract, &heard[CONTRACT_MANY - 1]);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        assert_int_equal(heard[i].status, STORE_OK);
        assert_int_equal(heard[i].order, i + 1);
    }
    assert_int_equal(contract_rows(contract), 0);
}

struct chain {
    struct contract *contract;
    struct heard read;
};

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct chain *chain = arg;
    struct store_batch *batch = store_batch_create();

    (void)rows;
    assert_int_equal(status, STORE_OK);
    store_batch_add(batch, &contract_count);
    store_read(chain->contract->store, &batch, contract_hear, &chain->read);
}

static void a_read_sees_what_was_answered_before_it(void **state)
{
    struct contract *contract = *state;

    for (int i = 0; i < 100; i++) {
        struct chain chain = { .contract = contract };
        struct store_batch *batch = contract_batch_insert(i);
        store_submit(contract->store, &batch, on_written, &chain);
        contract_wait(contract, &chain.read);
        assert_int_equal(chain.read.number, i + 1);
    }
}

static void look_at_snapshot(void *arg, enum store_status status, struct store_rows *rows)
{
    struct heard *heard = arg;
    int64_t first;

    assert_int_equal(status, STORE_OK);
    assert_true(store_rows_next(rows));
    first = store_rows_int(rows, 0);
    for (size_t i = 1; i < 50; i++) {
        store_rows_select(rows, i);
        assert_true(store_rows_next(rows));
        assert_int_equal(store_rows_int(rows, 0), first);
    }
    heard->times++;
}

static void read_counts(struct contract *contract, struct heard *heard)
{
    struct store_batch *batch = store_batch_create();

    for (int i = 0; i < 50; i++) {
        store_batch_add(batch, &contract_count);
    }
    store_read(contract->store, &batch, look_at_snapshot, heard);
}

static void a_read_of_many_statements_sees_one_snapshot(void **state)
{
    struct contract *contract = *state;
    struct heard written[CONTRACT_MANY] = { { 0 } };
    struct heard seen[CONTRACT_MANY / 15] = { { 0 } };

    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = contract_batch_insert(i);
        store_submit(contract->store, &batch, contract_hear, &written[i]);
        if (i % 15 == 0) {
            read_counts(contract, &seen[i / 15]);
            loop_turn(contract->loop, 0);
        }
    }
    contract_wait(contract, &written[CONTRACT_MANY - 1]);
    for (int i = 0; i < CONTRACT_MANY / 15; i++) {
        contract_wait(contract, &seen[i]);
        assert_int_equal(seen[i].times, 1);
    }
}

static void destroy_answers_what_waits_and_keeps_what_it_called_ok(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };
    struct heard read = { 0 };
    int64_t ok_count = 0;

    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = contract_batch_insert(i);
        store_submit(contract->store, &batch, contract_hear, &heard[i]);
    }
    struct store_batch *batch = store_batch_create();
    store_batch_add(batch, &contract_count);
    store_read(contract->store, &batch, contract_hear, &read);
    store_destroy(contract->store);
    assert_int_equal(read.times, 1);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        assert_int_equal(heard[i].times, 1);
        assert_true(heard[i].status == STORE_OK || heard[i].status == STORE_BUSY);
        ok_count += heard[i].status == STORE_OK ? 1 : 0;
    }
    contract->store = contract->engine->open_again(contract->engine->arg, contract->loop);
    assert_non_null(contract->store);
    assert_int_equal(contract_rows(contract), ok_count);
}

static void on_written_at_the_end(void *arg, enum store_status status, struct store_rows *rows)
{
    struct chain *chain = arg;
    struct store_batch *batch = contract_batch_insert(2);
    const char *why = NULL;

    (void)status;
    (void)rows;
    assert_false(store_is_ready(chain->contract->store, &why));
    assert_non_null(why);
    store_submit(chain->contract->store, &batch, contract_hear, &chain->read);
    assert_int_equal(chain->read.times, 0);
}

static void what_is_submitted_while_closing_is_busy(void **state)
{
    struct contract *contract = *state;
    struct chain chain = { .contract = contract };
    struct store_batch *batch = contract_batch_insert(1);

    store_submit(contract->store, &batch, on_written_at_the_end, &chain);
    store_destroy(contract->store);
    assert_int_equal(chain.read.times, 1);
    assert_int_equal(chain.read.status, STORE_BUSY);
    contract->store = contract->engine->open_again(contract->engine->arg, contract->loop);
    assert_int_equal(contract_rows(contract), 1);
}

static const struct store_stmt lock_rows = {
    .name = "contract.lock_rows",
    .sql = "SELECT k FROM contract WHERE k = ANY($1) ORDER BY k FOR UPDATE",
};

static void on_no_news(void *arg, const int64_t *keys, size_t count)
{
    (void)arg;
    (void)keys;
    if (count > 0) { /* 0: it has begun to hear, and anything may have been before */
        fail_msg("a store heard what it told itself");
    }
}

static void locks_and_tells_change_nothing_for_the_batch_itself(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };

    assert_int_equal(store_is_shared(contract->store), contract->engine->is_shared);
    assert_true(store_is_shared(contract->store) || !store_hears(contract->store));
    store_set_news(contract->store, on_no_news, NULL);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = contract_batch_insert(i);
        store_batch_lock(batch, &lock_rows, CONTRACT_MANY - i);
        store_batch_lock(batch, &lock_rows, i / 2);
        store_batch_tell(batch, i);
        store_submit(contract->store, &batch, contract_hear, &heard[i]);
    }
    contract_wait(contract, &heard[CONTRACT_MANY - 1]);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        assert_int_equal(heard[i].status, STORE_OK);
        assert_false(heard[i].has_row); /* rows are those of its own statements */
    }
    assert_int_equal(contract_rows(contract), CONTRACT_MANY);
}

int contract_run_order(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TEST(a_refused_batch_leaves_its_neighbours_alone),
        CONTRACT_TEST(batches_run_and_are_answered_in_order),
        CONTRACT_TEST(a_read_sees_what_was_answered_before_it),
        CONTRACT_TEST(a_read_of_many_statements_sees_one_snapshot),
        CONTRACT_TEST(locks_and_tells_change_nothing_for_the_batch_itself),
        CONTRACT_TEST(destroy_answers_what_waits_and_keeps_what_it_called_ok),
        CONTRACT_TEST(what_is_submitted_while_closing_is_busy),
    };

    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
