/* SPDX-License-Identifier: Apache-2.0 */
/* Values go in and come out as they were; rows stay with their statement. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/store.h"
#include "tests/store/contract_private.h"
#include "tests/support/unit.h"

/* The names appear in another order than their numbers, and one appears twice. */
static const struct store_stmt insert_crossed = {
    .name = "contract.insert_crossed",
    .sql = "INSERT INTO contract (v, k, t) SELECT $2, $1, $3 WHERE $1 > 0",
};

static void a_written_row_is_read_back(void **state)
{
    struct contract *contract = *state;

    assert_int_equal(contract_submit(contract, contract_batch_insert(7)), STORE_OK);
    assert_int_equal(contract_rows(contract), 1);
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

    store_batch_add(batch, &contract_select);
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

    store_batch_add(batch, &contract_insert);
    store_bind_int(batch, INT64_MIN);
    store_bind_bytes(batch, bytes_of("\0\1\377", 3));
    store_bind_text(batch, bytes_text("gr\xc3\xbc\xc3\x9f"));
    store_batch_add(batch, &contract_insert);
    store_bind_int(batch, 0);
    store_bind_borrowed(batch, bytes_of(NULL, 0));
    store_bind_null(batch);
    store_batch_add(batch, &contract_insert);
    store_bind_int(batch, INT64_MAX);
    store_bind_null(batch);
    store_bind_text(batch, bytes_of(NULL, 0));
    assert_int_equal(contract_submit(contract, batch), STORE_OK);
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
    contract_bind_row(batch, 5, bytes_text("five"));
    assert_int_equal(contract_submit(contract, batch), STORE_OK);
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
    store_batch_add(batch, &contract_insert);
    store_bind_int(batch, 1);
    store_bind_borrowed(batch, bytes_of(large, 3000000));
    store_bind_null(batch);
    assert_int_equal(contract_submit(contract, batch), STORE_OK);
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
    struct store_batch *batch = contract_batch_insert(1);
    int times = 0;

    store_batch_add(batch, &contract_insert);
    contract_bind_row(batch, 2, bytes_text("two"));
    assert_int_equal(contract_submit(contract, batch), STORE_OK);
    batch = store_batch_create();
    contract_add_delete(batch, 9, false);
    contract_add_delete(batch, 1, true);
    contract_add_delete(batch, 2, true);
    store_submit(contract->store, &batch, look_at_selection, &times);
    while (times == 0) {
        loop_turn(contract->loop, CONTRACT_TURN_MS);
    }
    assert_int_equal(contract_rows(contract), 0);
}

int contract_run_values(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TEST(a_written_row_is_read_back),
        CONTRACT_TEST(values_come_back_as_they_were_bound),
        CONTRACT_TEST(parameters_go_by_their_number_and_not_by_their_place),
        CONTRACT_TEST(a_row_of_three_million_bytes_is_kept),
        CONTRACT_TEST(rows_are_kept_apart_by_statement),
    };

    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
