/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store/contract.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/store.h"
#include "tests/support/unit.h"

enum {
    CONTRACT_WAIT_MS = 30000,
    CONTRACT_TURN_MS = 100,
    CONTRACT_MANY = 300
};

static const struct store_stmt make = {
    .name = "contract.make",
    .sql = "CREATE TABLE contract (k BIGINT PRIMARY KEY, v BYTEA, t TEXT)",
    .sql_sqlite = "CREATE TABLE contract (k INTEGER PRIMARY KEY, v BLOB, t TEXT)",
};
static const struct store_stmt insert = {
    .name = "contract.insert",
    .sql = "INSERT INTO contract (k, v, t) VALUES ($1, $2, $3)",
};
/* The names appear in another order than their numbers, and one appears twice. */
static const struct store_stmt insert_crossed = {
    .name = "contract.insert_crossed",
    .sql = "INSERT INTO contract (v, k, t) SELECT $2, $1, $3 WHERE $1 > 0",
};
static const struct store_stmt delete_one = {
    .name = "contract.delete_one",
    .sql = "DELETE FROM contract WHERE k = $1 RETURNING k",
};
static const struct store_stmt select_from = {
    .name = "contract.select_from",
    .sql = "SELECT k, v, t FROM contract WHERE k >= $1 ORDER BY k",
};
static const struct store_stmt count_all = {
    .name = "contract.count_all",
    .sql = "SELECT count(*) FROM contract",
};
static const struct store_stmt wrong_text = {
    .name = "contract.wrong_text",
    .sql = "SELECT nothing FROM nowhere",
};
static const struct store_stmt unreturning = {
    .name = "contract.unreturning",
    .sql = "DELETE FROM contract WHERE k = $1",
};

struct contract {
    const struct contract_engine *engine;
    struct loop *loop;
    struct store *store;
};

/* What a done function heard. */
struct heard {
    int times;
    int order; /* its place among all answers */
    enum store_status status;
    int64_t number; /* first column of the first row, if any */
    size_t refused_at;
    bool has_row;
    bool has_rows_object;
};

static const struct contract_engine *contract_engine;
static int answers_so_far;

static void hear(void *arg, enum store_status status, struct store_rows *rows)
{
    struct heard *heard = arg;

    heard->times++;
    heard->order = ++answers_so_far;
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

static void wait_for(struct contract *contract, const struct heard *heard)
{
    int64_t until_ms = clock_steady_ms() + CONTRACT_WAIT_MS;

    while (heard->times == 0) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(contract->loop, CONTRACT_TURN_MS);
    }
}

static void bind_row(struct store_batch *batch, int64_t key, struct bytes value)
{
    store_bind_int(batch, key);
    store_bind_bytes(batch, value);
    store_bind_text(batch, bytes_text("text"));
}

static struct store_batch *batch_insert(int64_t key)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &insert);
    bind_row(batch, key, bytes_text("value"));
    return batch;
}

static void add_delete(struct store_batch *batch, int64_t key, bool is_expected)
{
    if (is_expected) {
        store_batch_expect(batch, &delete_one);
    } else {
        store_batch_add(batch, &delete_one);
    }
    store_bind_int(batch, key);
}

static enum store_status run(struct contract *contract, struct store_batch *batch)
{
    struct heard heard = { 0 };

    store_submit(contract->store, &batch, hear, &heard);
    assert_null(batch);
    assert_int_equal(heard.times, 0);
    wait_for(contract, &heard);
    return heard.status;
}

static int64_t count_rows(struct contract *contract)
{
    struct store_batch *batch = store_batch_create();
    struct heard heard = { 0 };

    store_batch_add(batch, &count_all);
    store_read(contract->store, &batch, hear, &heard);
    assert_int_equal(heard.times, 0);
    wait_for(contract, &heard);
    assert_int_equal(heard.status, STORE_OK);
    return heard.number;
}

static void a_written_row_is_read_back(void **state)
{
    struct contract *contract = *state;

    assert_int_equal(run(contract, batch_insert(7)), STORE_OK);
    assert_int_equal(count_rows(contract), 1);
}

static void look_at_values(void *arg, enum store_status status, struct store_rows *rows)
{
    int *times = arg;

    assert_int_equal(status, STORE_OK);
    assert_true(store_rows_next(rows));
    assert_int_equal(store_rows_int(rows, 0), INT64_MIN);
    assert_true(bytes_equal(store_rows_bytes(rows, 1), bytes_of("\0\1\377", 3)));
    assert_true(bytes_equal(store_rows_bytes(rows, 2), bytes_text("gr\xc3\xbc\xc3\x9f")));
    assert_true(store_rows_next(rows));
    assert_int_equal(store_rows_int(rows, 0), 0);
    assert_false(store_rows_is_null(rows, 1));
    assert_int_equal(store_rows_bytes(rows, 1).size, 0);
    assert_true(store_rows_is_null(rows, 2));
    assert_true(store_rows_next(rows));
    assert_int_equal(store_rows_int(rows, 0), INT64_MAX);
    assert_true(store_rows_is_null(rows, 1));
    assert_int_equal(store_rows_bytes(rows, 1).size, 0);
    assert_int_equal(store_rows_bytes(rows, 2).size, 0);
    assert_false(store_rows_is_null(rows, 2));
    assert_false(store_rows_next(rows));
    assert_false(store_rows_next(rows));
    (*times)++;
}

static void read_from(struct contract *contract, int64_t key, store_done_fn *look, int *times)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &select_from);
    store_bind_int(batch, key);
    store_read(contract->store, &batch, look, times);
    while (*times == 0) {
        loop_turn(contract->loop, CONTRACT_TURN_MS);
    }
    assert_int_equal(*times, 1);
}

static void values_come_back_as_they_were_bound(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();
    int times = 0;

    store_batch_add(batch, &insert);
    store_bind_int(batch, INT64_MIN);
    store_bind_bytes(batch, bytes_of("\0\1\377", 3));
    store_bind_text(batch, bytes_text("gr\xc3\xbc\xc3\x9f"));
    store_batch_add(batch, &insert);
    store_bind_int(batch, 0);
    store_bind_borrowed(batch, bytes_of(NULL, 0));
    store_bind_null(batch);
    store_batch_add(batch, &insert);
    store_bind_int(batch, INT64_MAX);
    store_bind_null(batch);
    store_bind_text(batch, bytes_of(NULL, 0));
    assert_int_equal(run(contract, batch), STORE_OK);
    read_from(contract, INT64_MIN, look_at_values, &times);
}

static void look_at_crossed(void *arg, enum store_status status, struct store_rows *rows)
{
    int *times = arg;

    assert_int_equal(status, STORE_OK);
    assert_true(store_rows_next(rows));
    assert_int_equal(store_rows_int(rows, 0), 5);
    assert_true(bytes_equal(store_rows_bytes(rows, 1), bytes_text("five")));
    assert_true(bytes_equal(store_rows_bytes(rows, 2), bytes_text("text")));
    (*times)++;
}

static void parameters_go_by_their_number_and_not_by_their_place(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();
    int times = 0;

    store_batch_add(batch, &insert_crossed);
    bind_row(batch, 5, bytes_text("five"));
    assert_int_equal(run(contract, batch), STORE_OK);
    read_from(contract, 0, look_at_crossed, &times);
}

static void look_at_large(void *arg, enum store_status status, struct store_rows *rows)
{
    int *times = arg;

    assert_int_equal(status, STORE_OK);
    assert_true(store_rows_next(rows));
    struct bytes value = store_rows_bytes(rows, 1);
    assert_int_equal(value.size, 3000000);
    for (size_t i = 0; i < value.size; i++) {
        assert_int_equal(value.at[i], (uint8_t)(i * 7));
    }
    (*times)++;
}

static void a_row_of_three_million_bytes_is_kept(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();
    uint8_t *large = mem_raw(3000000);
    int times = 0;

    for (size_t i = 0; i < 3000000; i++) {
        large[i] = (uint8_t)(i * 7);
    }
    store_batch_add(batch, &insert);
    store_bind_int(batch, 1);
    store_bind_borrowed(batch, bytes_of(large, 3000000));
    store_bind_null(batch);
    assert_int_equal(run(contract, batch), STORE_OK);
    free(large);
    read_from(contract, 0, look_at_large, &times);
}

static void look_at_selection(void *arg, enum store_status status, struct store_rows *rows)
{
    int *times = arg;

    assert_int_equal(status, STORE_OK);
    assert_false(store_rows_next(rows)); /* statement 0 yields nothing */
    store_rows_select(rows, 2);
    assert_true(store_rows_next(rows));
    assert_int_equal(store_rows_int(rows, 0), 2);
    assert_false(store_rows_next(rows));
    store_rows_select(rows, 1);
    assert_true(store_rows_next(rows));
    assert_int_equal(store_rows_int(rows, 0), 1);
    store_rows_select(rows, 1); /* again from its first row */
    assert_true(store_rows_next(rows));
    (*times)++;
}

static void rows_are_kept_apart_by_statement(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = batch_insert(1);
    int times = 0;

    store_batch_add(batch, &insert);
    bind_row(batch, 2, bytes_text("two"));
    assert_int_equal(run(contract, batch), STORE_OK);
    batch = store_batch_create();
    add_delete(batch, 9, false);
    add_delete(batch, 1, true);
    add_delete(batch, 2, true);
    store_submit(contract->store, &batch, look_at_selection, &times);
    while (times == 0) {
        loop_turn(contract->loop, CONTRACT_TURN_MS);
    }
    assert_int_equal(count_rows(contract), 0);
}

static void an_expected_statement_without_a_row_undoes_the_batch(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = batch_insert(1);
    struct heard heard = { 0 };

    add_delete(batch, 99, true);
    store_batch_add(batch, &insert);
    bind_row(batch, 2, bytes_text("never"));
    store_submit(contract->store, &batch, hear, &heard);
    wait_for(contract, &heard);
    assert_int_equal(heard.status, STORE_REFUSED);
    assert_int_equal(heard.refused_at, 1);
    assert_int_equal(count_rows(contract), 0);
}

static void a_lone_expected_statement_may_be_refused(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();

    add_delete(batch, 99, true);
    assert_int_equal(run(contract, batch), STORE_REFUSED);
}

static void a_constraint_undoes_the_batch(void **state)
{
    struct contract *contract = *state;

    assert_int_equal(run(contract, batch_insert(1)), STORE_OK);
    struct store_batch *batch = batch_insert(2);
    store_batch_add(batch, &insert);
    bind_row(batch, 1, bytes_text("again"));
    assert_int_equal(run(contract, batch), STORE_CONFLICT);
    assert_int_equal(count_rows(contract), 1);
}

static void a_wrong_statement_is_broken_and_harms_nobody_else(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = batch_insert(1);
    struct store_batch *good = batch_insert(2);
    struct heard bad_heard = { 0 };
    struct heard good_heard = { 0 };
    const char *why = NULL;

    store_batch_add(batch, &wrong_text);
    store_submit(contract->store, &batch, hear, &bad_heard);
    store_submit(contract->store, &good, hear, &good_heard);
    wait_for(contract, &good_heard);
    assert_int_equal(bad_heard.status, STORE_BROKEN);
    assert_false(bad_heard.has_rows_object);
    assert_int_equal(good_heard.status, STORE_OK);
    assert_int_equal(count_rows(contract), 1);
    assert_true(store_is_ready(contract->store, &why));
}

static void too_few_parameters_are_broken_and_nothing_is_written(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &insert);
    store_bind_int(batch, 1);
    store_bind_null(batch);
    assert_int_equal(run(contract, batch), STORE_BROKEN);
    assert_int_equal(count_rows(contract), 0);
}

static void an_expected_statement_that_cannot_yield_rows_is_broken(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();

    assert_int_equal(run(contract, batch_insert(1)), STORE_OK);
    store_batch_expect(batch, &unreturning);
    store_bind_int(batch, 1);
    assert_int_equal(run(contract, batch), STORE_BROKEN);
    assert_int_equal(count_rows(contract), 1);
}

static void an_empty_batch_is_ok(void **state)
{
    struct contract *contract = *state;

    assert_int_equal(run(contract, store_batch_create()), STORE_OK);
}

static void a_refused_batch_leaves_its_neighbours_alone(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };

    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = batch_insert(i);
        store_batch_add(batch, &insert);
        bind_row(batch, 10000 + i, bytes_text("second"));
        if (i % 3 == 1) {
            add_delete(batch, -1, true);
        } else if (i % 3 == 2) {
            store_batch_add(batch, &insert);
            bind_row(batch, i, bytes_text("twice"));
        }
        store_submit(contract->store, &batch, hear, &heard[i]);
    }
    wait_for(contract, &heard[CONTRACT_MANY - 1]);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        static const enum store_status expected[] = { STORE_OK, STORE_REFUSED, STORE_CONFLICT };
        assert_int_equal(heard[i].times, 1);
        assert_int_equal(heard[i].status, expected[i % 3]);
    }
    assert_int_equal(count_rows(contract), 2 * ((CONTRACT_MANY + 2) / 3));
}

static void batches_run_and_are_answered_in_order(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };

    answers_so_far = 0;
    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch;
        if (i % 2 == 0) {
            batch = batch_insert(i);
        } else {
            batch = store_batch_create();
            add_delete(batch, i - 1, true); /* yields a row only after the one before it */
        }
        store_submit(contract->store, &batch, hear, &heard[i]);
    }
    wait_for(contract, &heard[CONTRACT_MANY - 1]);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        assert_int_equal(heard[i].status, STORE_OK);
        assert_int_equal(heard[i].order, i + 1);
    }
    assert_int_equal(count_rows(contract), 0);
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
    store_batch_add(batch, &count_all);
    store_read(chain->contract->store, &batch, hear, &chain->read);
}

static void a_read_sees_what_was_answered_before_it(void **state)
{
    struct contract *contract = *state;

    for (int i = 0; i < 100; i++) {
        struct chain chain = { .contract = contract };
        struct store_batch *batch = batch_insert(i);
        store_submit(contract->store, &batch, on_written, &chain);
        wait_for(contract, &chain.read);
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

static void a_read_of_many_statements_sees_one_snapshot(void **state)
{
    struct contract *contract = *state;
    struct heard written[CONTRACT_MANY] = { { 0 } };
    struct heard seen[20] = { { 0 } };

    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = batch_insert(i);
        store_submit(contract->store, &batch, hear, &written[i]);
        if (i % (CONTRACT_MANY / 20) == 0) {
            batch = store_batch_create();
            for (int j = 0; j < 50; j++) {
                store_batch_add(batch, &count_all);
            }
            store_read(contract->store, &batch, look_at_snapshot, &seen[i / (CONTRACT_MANY / 20)]);
            loop_turn(contract->loop, 0);
        }
    }
    wait_for(contract, &written[CONTRACT_MANY - 1]);
    for (int i = 0; i < 20; i++) {
        wait_for(contract, &seen[i]);
        assert_int_equal(seen[i].times, 1);
    }
}

static void a_read_cannot_write(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = batch_insert(1);
    struct heard heard = { 0 };

    store_read(contract->store, &batch, hear, &heard);
    wait_for(contract, &heard);
    assert_int_equal(heard.status, STORE_BROKEN);
    assert_int_equal(count_rows(contract), 0);
}

static void a_read_may_be_refused(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();
    struct heard heard = { 0 };

    store_batch_add(batch, &count_all);
    store_batch_expect(batch, &select_from);
    store_bind_int(batch, 0);
    store_read(contract->store, &batch, hear, &heard);
    wait_for(contract, &heard);
    assert_int_equal(heard.status, STORE_REFUSED);
    assert_int_equal(heard.refused_at, 1);
}

static void destroy_answers_what_waits_and_keeps_what_it_called_ok(void **state)
{
    struct contract *contract = *state;
    struct heard heard[CONTRACT_MANY] = { { 0 } };
    struct heard read = { 0 };
    int64_t ok_count = 0;

    for (int i = 0; i < CONTRACT_MANY; i++) {
        struct store_batch *batch = batch_insert(i);
        store_submit(contract->store, &batch, hear, &heard[i]);
    }
    struct store_batch *batch = store_batch_create();
    store_batch_add(batch, &count_all);
    store_read(contract->store, &batch, hear, &read);
    store_destroy(contract->store);
    assert_int_equal(read.times, 1);
    for (int i = 0; i < CONTRACT_MANY; i++) {
        assert_int_equal(heard[i].times, 1);
        assert_true(heard[i].status == STORE_OK || heard[i].status == STORE_BUSY);
        ok_count += heard[i].status == STORE_OK ? 1 : 0;
    }
    contract->store = contract->engine->open_again(contract->engine->arg, contract->loop);
    assert_non_null(contract->store);
    assert_int_equal(count_rows(contract), ok_count);
}

static void on_written_at_the_end(void *arg, enum store_status status, struct store_rows *rows)
{
    struct chain *chain = arg;
    struct store_batch *batch = batch_insert(2);
    const char *why = NULL;

    (void)status;
    (void)rows;
    assert_false(store_is_ready(chain->contract->store, &why));
    assert_non_null(why);
    store_submit(chain->contract->store, &batch, hear, &chain->read);
    assert_int_equal(chain->read.times, 0);
}

static void what_is_submitted_while_closing_is_busy(void **state)
{
    struct contract *contract = *state;
    struct chain chain = { .contract = contract };
    struct store_batch *batch = batch_insert(1);

    store_submit(contract->store, &batch, on_written_at_the_end, &chain);
    store_destroy(contract->store);
    assert_int_equal(chain.read.times, 1);
    assert_int_equal(chain.read.status, STORE_BUSY);
    contract->store = contract->engine->open_again(contract->engine->arg, contract->loop);
    assert_int_equal(count_rows(contract), 1);
}

static int set_up(void **state)
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
    return run(contract, batch) == STORE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct contract *contract = *state;

    store_destroy(contract->store);
    loop_destroy(contract->loop);
    contract->engine->remove(contract->engine->arg);
    free(contract);
    return 0;
}

#define CONTRACT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int contract_run(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TEST(a_written_row_is_read_back),
        CONTRACT_TEST(values_come_back_as_they_were_bound),
        CONTRACT_TEST(parameters_go_by_their_number_and_not_by_their_place),
        CONTRACT_TEST(a_row_of_three_million_bytes_is_kept),
        CONTRACT_TEST(rows_are_kept_apart_by_statement),
        CONTRACT_TEST(an_expected_statement_without_a_row_undoes_the_batch),
        CONTRACT_TEST(a_lone_expected_statement_may_be_refused),
        CONTRACT_TEST(a_constraint_undoes_the_batch),
        CONTRACT_TEST(a_wrong_statement_is_broken_and_harms_nobody_else),
        CONTRACT_TEST(too_few_parameters_are_broken_and_nothing_is_written),
        CONTRACT_TEST(an_expected_statement_that_cannot_yield_rows_is_broken),
        CONTRACT_TEST(an_empty_batch_is_ok),
        CONTRACT_TEST(a_refused_batch_leaves_its_neighbours_alone),
        CONTRACT_TEST(batches_run_and_are_answered_in_order),
        CONTRACT_TEST(a_read_sees_what_was_answered_before_it),
        CONTRACT_TEST(a_read_of_many_statements_sees_one_snapshot),
        CONTRACT_TEST(a_read_cannot_write),
        CONTRACT_TEST(a_read_may_be_refused),
        CONTRACT_TEST(destroy_answers_what_waits_and_keeps_what_it_called_ok),
        CONTRACT_TEST(what_is_submitted_while_closing_is_busy),
    };

    contract_engine = engine;
    return cmocka_run_group_tests_name(engine->name, tests, NULL, NULL);
}
