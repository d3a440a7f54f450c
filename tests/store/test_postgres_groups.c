/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups that meet trouble inside the server.  A trigger raises what a row asks
 * for; a sequence, which no rollback takes back, counts how often it did.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "server/store/store.h"
#include "tests/store/postgres_place.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

enum {
    MANY = 300
};

/* Raise fault (an SQLSTATE) at its first `times` inserts. */
static const char make[] =
    "CREATE TABLE trouble (k BIGINT PRIMARY KEY, fault TEXT, times BIGINT);"
    "CREATE SEQUENCE met;"
    "CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
    " IF new.fault IS NOT NULL AND nextval(''met'') <= new.times THEN"
    " RAISE EXCEPTION USING ERRCODE = new.fault; END IF; RETURN new; END';"
    "CREATE TRIGGER meet BEFORE INSERT ON trouble FOR EACH ROW EXECUTE FUNCTION meet()";

static const struct store_stmt insert = {
    .name = "trouble.insert",
    .sql = "INSERT INTO trouble (k, fault, times) VALUES ($1, $2, $3)",
};
static const struct store_stmt remove_one = {
    .name = "trouble.remove",
    .sql = "DELETE FROM trouble WHERE k = $1",
};
static const struct store_stmt lock_rows = {
    .name = "trouble.lock",
    .sql = "SELECT k FROM trouble WHERE k = ANY($1) ORDER BY k FOR UPDATE",
};
static const struct store_stmt bad_lock = {
    .name = "trouble.bad_lock",
    .sql = "SELECT nothing FROM nowhere WHERE k = ANY($1)",
};
static const struct store_stmt add_up = {
    .name = "trouble.add_up",
    .sql = "UPDATE trouble SET times = times + 1 WHERE k = $1",
};

static void add_insert(struct store_batch *batch, int64_t key, const char *fault, int64_t times)
{
    store_batch_add(batch, &insert);
    store_bind_int(batch, key);
    if (fault == NULL) {
        store_bind_null(batch);
    } else {
        store_bind_text(batch, bytes_text(fault));
    }
    store_bind_int(batch, times);
}

static struct store_batch *batch_insert(int64_t key, const char *fault, int64_t times)
{
    struct store_batch *batch = store_batch_create();

    add_insert(batch, key, fault, times);
    return batch;
}

static int64_t rows_of(const struct postgres_place *place)
{
    return temp_postgres_number(place->url, "SELECT count(*) FROM trouble");
}

static int set_up(void **state)
{
    return postgres_place_open(state, make);
}

/* MANY inserts of which number MANY / 2 meets fault; how that one ends. */
static enum store_status trouble_in_the_middle(struct postgres_place *place, const char *fault,
                                               int64_t times)
{
    static struct postgres_heard heard[MANY];

    for (int i = 0; i < MANY; i++) {
        postgres_place_submit(place, batch_insert(i, i == MANY / 2 ? fault : NULL, times),
                              &heard[i]);
    }
    postgres_place_finish(place);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].times, 1);
        if (i != MANY / 2 && heard[MANY / 2].status != STORE_BUSY) {
            assert_int_equal(heard[i].status, STORE_OK);
        }
    }
    return heard[MANY / 2].status;
}

static void a_serialization_failure_runs_the_group_again(void **state)
{
    struct postgres_place *place = *state;

    assert_int_equal(trouble_in_the_middle(place, "40001", 2), STORE_OK);
    assert_int_equal(rows_of(place), MANY);
}

static void a_deadlock_runs_the_group_again(void **state)
{
    struct postgres_place *place = *state;

    assert_int_equal(trouble_in_the_middle(place, "40P01", 2), STORE_OK);
    assert_int_equal(rows_of(place), MANY);
}

static void a_group_that_never_gets_through_is_busy_and_nothing_is_written(void **state)
{
    struct postgres_place *place = *state;

    assert_int_equal(trouble_in_the_middle(place, "40001", INT64_MAX), STORE_BUSY);
    assert_int_equal(rows_of(place), 0);
}

static void a_constraint_ends_its_own_batch_alone(void **state)
{
    struct postgres_place *place = *state;

    assert_int_equal(trouble_in_the_middle(place, "23514", INT64_MAX), STORE_CONFLICT);
    assert_int_equal(rows_of(place), MANY - 1);
}

static void a_statement_that_takes_too_long_is_busy_alone(void **state)
{
    struct postgres_place *place = *state;

    assert_int_equal(trouble_in_the_middle(place, "57014", INT64_MAX), STORE_BUSY);
    assert_int_equal(rows_of(place), MANY - 1);
}

static void a_full_disk_refuses_inserts_and_lets_deletes_through(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard full;
    struct postgres_heard frees;
    const char *why = NULL;
    struct store_batch *batch = store_batch_create();

    temp_postgres_run(place->url, "INSERT INTO trouble (k) VALUES (1)");
    store_batch_expect(batch, &remove_one);
    store_bind_int(batch, 1);
    postgres_place_submit(place, batch_insert(2, "53100", 1), &full);
    postgres_place_submit(place, batch, &frees);
    postgres_place_finish(place);
    assert_int_equal(full.status, STORE_FULL);
    assert_int_equal(frees.status, STORE_OK);
    assert_false(store_is_ready(place->store, &why));
    assert_non_null(strstr(why, "full"));
    assert_int_equal(rows_of(place), 0);
    postgres_place_submit(place, batch_insert(3, NULL, 0), &full);
    postgres_place_finish(place);
    assert_int_equal(full.status, STORE_OK);
    assert_true(store_is_ready(place->store, &why));
}

/* Every third batch is refused: each once, in its turn, and the others are all done. */
static void many_refusals_cost_runs_and_no_order(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];
    int64_t commits = metrics_value(METRIC_store_commits);

    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = batch_insert(i, NULL, 0);
        if (i % 3 == 1) { /* refused: nothing has that key */
            store_batch_expect(batch, &remove_one);
            store_bind_int(batch, -1);
        } else if (i % 3 == 2) { /* it finds what the batch two before it wrote */
            store_batch_expect(batch, &remove_one);
            store_bind_int(batch, i - 2);
        }
        postgres_place_submit(place, batch, &heard[i]);
    }
    postgres_place_finish(place);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].status, i % 3 == 1 ? STORE_REFUSED : STORE_OK);
    }
    assert_int_equal(rows_of(place), MANY / 3);
    assert_true(metrics_value(METRIC_store_commits) - commits < 10);
}

/* Refused only because of what a batch that is undone itself did before it. */
static void who_was_misled_by_an_undone_batch_is_asked_again(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard taker;
    struct postgres_heard misled;
    struct store_batch *batch = store_batch_create();

    temp_postgres_run(place->url, "INSERT INTO trouble (k) VALUES (1)");
    store_batch_expect(batch, &remove_one); /* takes the row, and is undone */
    store_bind_int(batch, 1);
    store_batch_expect(batch, &remove_one);
    store_bind_int(batch, -1);
    postgres_place_submit(place, batch, &taker);
    batch = store_batch_create();
    store_batch_expect(batch, &remove_one);
    store_bind_int(batch, 1);
    postgres_place_submit(place, batch, &misled);
    postgres_place_finish(place);
    assert_int_equal(taker.status, STORE_REFUSED);
    assert_int_equal(misled.status, STORE_OK);
    assert_int_equal(rows_of(place), 0);
}

static void a_wrong_lock_is_broken_for_those_who_want_it(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard bad;
    struct postgres_heard good;
    struct store_batch *batch = batch_insert(1, NULL, 0);

    store_batch_lock(batch, &bad_lock, 1);
    postgres_place_submit(place, batch, &bad);
    batch = batch_insert(2, NULL, 0);
    store_batch_lock(batch, &lock_rows, 1);
    postgres_place_submit(place, batch, &good);
    postgres_place_finish(place);
    assert_int_equal(bad.status, STORE_BROKEN);
    assert_int_equal(good.status, STORE_OK);
    assert_int_equal(rows_of(place), 1);
}

/* Two daemons that change the same rows in opposite orders would deadlock without the locks. */
static void locks_keep_two_stores_from_deadlocks(void **state)
{
    struct postgres_place *place = *state;
    struct store *other = postgres_place_store(place, true);
    static struct postgres_heard heard[2][MANY];

    temp_postgres_run(place->url, "INSERT INTO trouble SELECT k, NULL, 0 FROM"
                                  " generate_series(0, 9) AS k");
    for (int i = 0; i < MANY; i++) {
        for (int side = 0; side < 2; side++) {
            struct store_batch *batch = store_batch_create();
            int64_t key = side == 0 ? i % 10 : 9 - i % 10;
            store_batch_lock(batch, &lock_rows, key);
            store_batch_expect(batch, &add_up);
            store_bind_int(batch, key);
            postgres_place_submit_to(place, side == 0 ? place->store : other, batch,
                                     &heard[side][i]);
        }
        loop_turn(place->loop, 0);
    }
    postgres_place_finish(place);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[0][i].status, STORE_OK);
        assert_int_equal(heard[1][i].status, STORE_OK);
    }
    assert_int_equal(temp_postgres_number(place->url, "SELECT sum(times) FROM trouble"), 2 * MANY);
    assert_int_equal(temp_postgres_number(place->url, "SELECT deadlocks FROM pg_stat_database"
                                                      " WHERE datname = current_database()"),
                     0);
    store_destroy(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, postgres_place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_serialization_failure_runs_the_group_again),
        TEST(a_deadlock_runs_the_group_again),
        TEST(a_group_that_never_gets_through_is_busy_and_nothing_is_written),
        TEST(a_constraint_ends_its_own_batch_alone),
        TEST(a_statement_that_takes_too_long_is_busy_alone),
        TEST(a_full_disk_refuses_inserts_and_lets_deletes_through),
        TEST(many_refusals_cost_runs_and_no_order),
        TEST(who_was_misled_by_an_undone_batch_is_asked_again),
        TEST(a_wrong_lock_is_broken_for_those_who_want_it),
        TEST(locks_keep_two_stores_from_deadlocks),
    };

    return cmocka_run_group_tests(tests, postgres_place_serve, postgres_place_end);
}
