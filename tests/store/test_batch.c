/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch is built: what is copied, and which batches free space. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "server/store/store.h"
#include "server/store/store_private.h"
#include "tests/support/unit.h"

static const struct store_stmt insert = { .name = "t.insert", .sql = "INSERT INTO t VALUES ($1)" };
static const struct store_stmt replace = { .name = "t.replace",
                                           .sql = "REPLACE INTO t VALUES ($1)" };
static const struct store_stmt drop = { .name = "t.drop", .sql = "delete from t" };
static const struct store_stmt look = { .name = "t.look", .sql = "SELECT a FROM t" };

static struct store_batch *batch_of(const struct store_stmt *first, const struct store_stmt *second)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, first);
    if (second != NULL) {
        store_batch_add(batch, second);
    }
    return batch;
}

static bool frees(const struct store_stmt *first, const struct store_stmt *second)
{
    struct store_batch *batch = batch_of(first, second);
    bool answer = store_batch_frees(batch);

    store_batch_destroy(batch);
    return answer;
}

static void batch_frees_when_it_deletes_first_or_inserts_nothing(void **state)
{
    (void)state;
    assert_true(frees(&drop, NULL));
    assert_true(frees(&look, &drop));
    assert_true(frees(&drop, &insert));
    assert_false(frees(&insert, &drop));
    assert_false(frees(&look, &insert));
    assert_false(frees(&replace, NULL));
}

static void batch_copies_bytes_and_keeps_them_through_a_thousand_statements(void **state)
{
    struct store_batch *batch = store_batch_create();
    uint8_t value[3] = { 1, 2, 3 };

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        value[0] = (uint8_t)i;
        store_batch_add(batch, &insert);
        store_bind_bytes(batch, bytes_of(value, sizeof value));
    }
    memset(value, 0, sizeof value);
    assert_int_equal(store_batch_size(batch), 1000);
    for (unsigned i = 0; i < 1000; i++) {
        const uint8_t expected[3] = { (uint8_t)i, 2, 3 };
        const struct store_param *param = batch->steps[i].first_param;
        assert_int_equal(batch->steps[i].param_count, 1);
        assert_memory_equal(param->value.bytes.at, expected, sizeof expected);
        assert_null(param->next);
    }
    store_batch_destroy(batch);
}

static void batch_borrows_bytes_when_asked(void **state)
{
    struct store_batch *batch = store_batch_create();
    const uint8_t value[3] = { 1, 2, 3 };

    (void)state;
    store_batch_add(batch, &insert);
    store_bind_borrowed(batch, bytes_of(value, sizeof value));
    assert_ptr_equal(batch->steps[0].first_param->value.bytes.at, value);
    store_batch_destroy(batch);
}

static void batch_judges_a_statement_of_two_own_texts_by_the_one_of_sqlite(void **state)
{
    const struct store_stmt own = { .name = "t.own",
                                    .sql_sqlite = "DELETE FROM t",
                                    .sql_postgres = "WITH gone AS (DELETE FROM t) SELECT 1" };

    (void)state;
    assert_true(frees(&own, &insert));
}

static int64_t key_count(const struct store_key *key, int64_t *out_sum)
{
    int64_t count = 0;

    *out_sum = 0;
    for (; key != NULL; key = key->next) {
        *out_sum += key->key;
        count++;
    }
    return count;
}

static void batch_keeps_keys_to_lock_and_to_tell_apart_from_its_statements(void **state)
{
    struct store_batch *batch = batch_of(&insert, NULL);
    int64_t sum;

    (void)state;
    for (int64_t key = 1; key <= 1000; key++) {
        store_batch_lock(batch, &look, key);
    }
    store_batch_tell(batch, -7);
    store_batch_tell(batch, INT64_MAX);
    store_bind_int(batch, 5); /* still of the insert */
    assert_int_equal(store_batch_size(batch), 1);
    assert_int_equal(batch->steps[0].param_count, 1);
    assert_ptr_equal(batch->lock, &look);
    assert_int_equal(key_count(batch->locks, &sum), 1000);
    assert_int_equal(sum, 500500);
    assert_int_equal(key_count(batch->tells, &sum), 2);
    assert_int_equal(sum, INT64_MAX - 7);
    store_batch_destroy(batch);
}

static void destroy_takes_null(void **state)
{
    (void)state;
    store_batch_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_frees_when_it_deletes_first_or_inserts_nothing),
        cmocka_unit_test(batch_copies_bytes_and_keeps_them_through_a_thousand_statements),
        cmocka_unit_test(batch_borrows_bytes_when_asked),
        cmocka_unit_test(batch_judges_a_statement_of_two_own_texts_by_the_one_of_sqlite),
        cmocka_unit_test(batch_keeps_keys_to_lock_and_to_tell_apart_from_its_statements),
        cmocka_unit_test(destroy_takes_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
