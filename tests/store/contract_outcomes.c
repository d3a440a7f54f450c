/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch ends, and what is left of one that did not end well. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/store/store.h"
#include "tests/store/contract_private.h"
#include "tests/support/unit.h"

static const struct store_stmt wrong_text = {
    .name = "contract.wrong_text",
    .sql = "SELECT nothing FROM nowhere",
};
static const struct store_stmt unreturning = {
    .name = "contract.unreturning",
    .sql = "DELETE FROM contract WHERE k = $1",
};

static void an_expected_statement_without_a_row_undoes_the_batch(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = contract_batch_insert(1);
    struct heard heard = { 0 };

    contract_add_delete(batch, 99, true);
    store_batch_add(batch, &contract_insert);
    contract_bind_row(batch, 2, bytes_text("never"));
    store_submit(contract->store, &batch, contract_hear, &heard);
    contract_wait(contract, &heard);
    assert_int_equal(heard.status, STORE_REFUSED);
    assert_int_equal(heard.refused_at, 1);
    assert_int_equal(contract_rows(contract), 0);
}

static void a_lone_expected_statement_may_be_refused(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();

    contract_add_delete(batch, 99, true);
    assert_int_equal(contract_submit(contract, batch), STORE_REFUSED);
}

static void a_constraint_undoes_the_batch(void **state)
{
    struct contract *contract = *state;

    assert_int_equal(contract_submit(contract, contract_batch_insert(1)), STORE_OK);
    struct store_batch *batch = contract_batch_insert(2);
    store_batch_add(batch, &contract_insert);
    contract_bind_row(batch, 1, bytes_text("again"));
    assert_int_equal(contract_submit(contract, batch), STORE_CONFLICT);
    assert_int_equal(contract_rows(contract), 1);
}

static void a_wrong_statement_is_broken_and_harms_nobody_else(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = contract_batch_insert(1);
    struct store_batch *good = contract_batch_insert(2);
    struct heard bad_heard = { 0 };
    struct heard good_heard = { 0 };
    const char *why = NULL;

    store_batch_add(batch, &wrong_text);
    store_submit(contract->store, &batch, contract_hear, &bad_heard);
    store_submit(contract->store, &good, contract_hear, &good_heard);
    contract_wait(contract, &good_heard);
    assert_int_equal(bad_heard.status, STORE_BROKEN);
    assert_false(bad_heard.has_rows_object);
    assert_int_equal(good_heard.status, STORE_OK);
    assert_int_equal(contract_rows(contract), 1);
    assert_true(store_is_ready(contract->store, &why));
}

static void too_few_parameters_are_broken_and_nothing_is_written(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &contract_insert);
    store_bind_int(batch, 1);
    store_bind_null(batch);
    assert_int_equal(contract_submit(contract, batch), STORE_BROKEN);
    assert_int_equal(contract_rows(contract), 0);
}

static void look_at_changes(void *arg, enum store_status status, struct store_rows *rows)
{
    *(int64_t *)arg = status == STORE_OK ? store_rows_changed(rows) : -1;
}

/* A batch that deletes row key without RETURNING, expected to find it, behind an insert. */
static struct store_batch *batch_expecting_change(int64_t insert, int64_t key)
{
    struct store_batch *batch = contract_batch_insert(insert);

    store_batch_expect(batch, &unreturning);
    store_bind_int(batch, key);
    return batch;
}

static void an_expected_write_without_returning_must_change_a_row(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();
    int64_t changed = 0;
    struct heard heard = { 0 };

    assert_int_equal(contract_submit(contract, contract_batch_insert(1)), STORE_OK);
    assert_int_equal(contract_submit(contract, batch_expecting_change(2, 9)), STORE_REFUSED);
    assert_int_equal(contract_rows(contract), 1);
    assert_int_equal(contract_submit(contract, batch_expecting_change(2, 1)), STORE_OK);
    assert_int_equal(contract_rows(contract), 1);
    store_batch_add(batch, &unreturning);
    store_bind_int(batch, 2);
    store_submit(contract->store, &batch, look_at_changes, &changed);
    batch = store_batch_create();
    store_submit(contract->store, &batch, contract_hear, &heard);
    contract_wait(contract, &heard);
    assert_int_equal(changed, 1);
    assert_int_equal(contract_rows(contract), 0);
}

static void an_empty_batch_is_ok(void **state)
{
    struct contract *contract = *state;

    assert_int_equal(contract_submit(contract, store_batch_create()), STORE_OK);
}

static void a_read_cannot_write(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = contract_batch_insert(1);
    struct heard heard = { 0 };

    store_read(contract->store, &batch, contract_hear, &heard);
    contract_wait(contract, &heard);
    assert_int_equal(heard.status, STORE_BROKEN);
    assert_int_equal(contract_rows(contract), 0);
}

static void a_read_may_be_refused(void **state)
{
    struct contract *contract = *state;
    struct store_batch *batch = store_batch_create();
    struct heard heard = { 0 };

    store_batch_add(batch, &contract_count);
    store_batch_expect(batch, &contract_select);
    store_bind_int(batch, 0);
    store_read(contract->store, &batch, contract_hear, &heard);
    contract_wait(contract, &heard);
    assert_int_equal(heard.status, STORE_REFUSED);
    assert_int_equal(heard.refused_at, 1);
}

int contract_run_outcomes(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TEST(an_expected_statement_without_a_row_undoes_the_batch),
        CONTRACT_TEST(a_lone_expected_statement_may_be_refused),
        CONTRACT_TEST(a_constraint_undoes_the_batch),
        CONTRACT_TEST(a_wrong_statement_is_broken_and_harms_nobody_else),
        CONTRACT_TEST(too_few_parameters_are_broken_and_nothing_is_written),
        CONTRACT_TEST(an_expected_write_without_returning_must_change_a_row),
        CONTRACT_TEST(an_empty_batch_is_ok),
        CONTRACT_TEST(a_read_cannot_write),
        CONTRACT_TEST(a_read_may_be_refused),
    };

    return cmocka_run_group_tests_name("outcomes", tests, NULL, NULL);
}
