/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that many batches have in common run as one statement, and nobody sees it.
 * A trigger raises what a row asks for; sequences, which no rollback takes back,
 * count how often it did and how many statements there were.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/mem.h"
#include "server/store/store.h"
#include "tests/store/postgres_place.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

enum {
    MANY = 300,
    LARGE_BYTES = 200000,
    LARGE_COUNT = 20,
    LONG = 1500
};

/* Raise fault (an SQLSTATE) at its first `times` inserts; refuse the keys of `closed`. */
static const char make[] =
    "CREATE TABLE item (k BIGINT PRIMARY KEY, fault TEXT, times BIGINT, body BYTEA);"
    "CREATE TABLE closed (k BIGINT PRIMARY KEY);"
    "CREATE SEQUENCE met; CREATE SEQUENCE statements;"
    "CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
    " IF new.fault <> '''' AND nextval(''met'') <= new.times THEN"
    " RAISE EXCEPTION USING ERRCODE = new.fault; END IF; RETURN new; END';"
    "CREATE TRIGGER meet BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION meet();"
    "CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
    " PERFORM nextval(''statements''); RETURN NULL; END';"
    "CREATE TRIGGER tally AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION tally()";

/* $1 key, $2 fault, $3 times, $4 body; yields key and body, in another order than they came. */
static const struct store_stmt insert = {
    .name = "item.insert",
    .sql_gathered = "WITH put AS (INSERT INTO item SELECT c.k, c.fault, c.times, c.body"
                    "  FROM unnest($1, $2, $3, $4) AS c(k, fault, times, body)"
                    "  WHERE NOT EXISTS (SELECT 1 FROM closed WHERE k = c.k) RETURNING k, body)"
                    " SELECT n.number, p.k, p.body FROM put p"
                    " JOIN unnest($1) WITH ORDINALITY AS n(k, number) ON n.k = p.k"
                    " ORDER BY number DESC",
};
static const struct store_stmt astray = {
    .name = "item.astray",
    .sql_gathered = "SELECT number + 1, k FROM unnest($1) WITH ORDINALITY AS n(k, number)",
};
static const struct store_stmt remove_one = {
    .name = "item.remove",
    .sql = "DELETE FROM item WHERE k = $1",
};
static const struct store_stmt lock_rows = {
    .name = "item.lock",
    .sql = "SELECT k FROM item WHERE k = ANY($1) ORDER BY k FOR UPDATE",
};

static void add_body(struct store_batch *batch, int64_t key, struct bytes body)
{
    store_batch_lock(batch, &lock_rows, key);
    store_batch_expect(batch, &insert);
    store_bind_int(batch, key);
    store_bind_text(batch, bytes_text(""));
    store_bind_int(batch, 0);
    store_bind_bytes(batch, body);
}

static void add_insert(struct store_batch *batch, int64_t key, const char *fault, int64_t times)
{
    static const uint8_t body[MANY];

    store_batch_lock(batch, &lock_rows, key);
    store_batch_expect(batch, &insert);
    store_bind_int(batch, key);
    store_bind_text(batch, bytes_text(fault));
    store_bind_int(batch, times);
    store_bind_bytes(batch, bytes_of(body, (size_t)(key % MANY)));
}

static struct store_batch *batch_insert(int64_t key, const char *fault, int64_t times)
{
    struct store_batch *batch = store_batch_create();

    add_insert(batch, key, fault, times);
    return batch;
}

static void add_remove(struct store_batch *batch, int64_t key)
{
    store_batch_lock(batch, &lock_rows, key);
    store_batch_expect(batch, &remove_one);
    store_bind_int(batch, key);
}

static int64_t rows_of(const struct postgres_place *place)
{
    return temp_postgres_number(place->url, "SELECT count(*) FROM item");
}

static int64_t statements_of(const struct postgres_place *place)
{
    return temp_postgres_number(place->url, "SELECT last_value FROM statements");
}

static int set_up(void **state)
{
    return postgres_place_open(state, make);
}

static void insert_many(struct postgres_place *place, const char *fault, int64_t times,
                        struct postgres_heard heard[MANY])
{
    for (int i = 0; i < MANY; i++) {
        postgres_place_submit(place, batch_insert(i, i == MANY / 2 ? fault : "", times), &heard[i]);
    }
    postgres_place_finish(place);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].times, 1);
    }
}

static void expect_all_but_the_middle(const struct postgres_heard heard[MANY])
{
    for (int i = 0; i < MANY; i++) {
        if (i != MANY / 2) {
            assert_int_equal(heard[i].status, STORE_OK);
            assert_int_equal(heard[i].key, i);
            assert_int_equal(heard[i].body_bytes, i);
            assert_false(heard[i].has_more);
        }
    }
}

static void many_batches_are_one_statement_and_each_hears_its_own_rows(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    insert_many(place, "", 0, heard);
    expect_all_but_the_middle(heard);
    assert_int_equal(heard[MANY / 2].key, MANY / 2);
    assert_int_equal(rows_of(place), MANY);
    assert_int_equal(statements_of(place), 1);
}

static void texts_that_are_not_prepared_gather_too(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    store_destroy(place->store);
    place->store = postgres_place_store(place, true);
    insert_many(place, "", 0, heard);
    expect_all_but_the_middle(heard);
    assert_int_equal(statements_of(place), 1);
}

static void a_batch_without_its_row_is_refused_alone(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    temp_postgres_run(place->url, "INSERT INTO closed VALUES (150)");
    insert_many(place, "", 0, heard);
    expect_all_but_the_middle(heard);
    assert_int_equal(heard[MANY / 2].status, STORE_REFUSED);
    assert_int_equal(rows_of(place), MANY - 1);
}

static void an_error_ends_the_batch_that_brought_it_alone(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    insert_many(place, "23514", INT64_MAX, heard);
    expect_all_but_the_middle(heard);
    assert_int_equal(heard[MANY / 2].status, STORE_CONFLICT);
    assert_int_equal(rows_of(place), MANY - 1);
}

static void what_takes_too_long_together_is_busy_together(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    insert_many(place, "57014", INT64_MAX, heard);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].status, STORE_BUSY);
    }
    assert_int_equal(rows_of(place), 0);
}

static void a_serialization_failure_runs_all_of_them_again(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    insert_many(place, "40001", 2, heard);
    expect_all_but_the_middle(heard);
    assert_int_equal(heard[MANY / 2].status, STORE_OK);
    assert_int_equal(rows_of(place), MANY);
}

static void a_full_disk_ends_all_of_them_and_lets_deletes_through(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard full[2];
    struct postgres_heard frees;
    struct store_batch *batch = store_batch_create();

    temp_postgres_run(place->url, "INSERT INTO item (k, fault) VALUES (3, '')");
    add_remove(batch, 3);
    postgres_place_submit(place, batch_insert(1, "53100", 1), &full[0]);
    postgres_place_submit(place, batch_insert(2, "", 0), &full[1]);
    postgres_place_submit(place, batch, &frees);
    postgres_place_finish(place);
    assert_int_equal(full[0].status, STORE_FULL);
    assert_int_equal(full[1].status, STORE_FULL);
    assert_int_equal(frees.status, STORE_OK);
    assert_int_equal(rows_of(place), 0);
}

/* Inserted, removed, inserted again, by three batches; around it others that are of no matter. */
static void what_is_of_one_key_keeps_its_order(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = store_batch_create();
        int64_t key = i / 3;
        if (i % 3 == 1) {
            add_remove(batch, key);
        } else {
            add_insert(batch, key, "", 0);
        }
        postgres_place_submit(place, batch, &heard[i]);
    }
    postgres_place_finish(place);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].status, STORE_OK);
    }
    assert_int_equal(rows_of(place), MANY / 3);
}

/* Every second batch removes what stood there, none of it of a key that is inserted. */
static void other_statements_of_other_keys_part_nothing(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[MANY];

    temp_postgres_run(place->url, "INSERT INTO item SELECT 1000 + k, '', 0, ''"
                                  " FROM generate_series(0, 299) AS k");
    int64_t before = statements_of(place);
    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = store_batch_create();
        if (i % 2 == 0) {
            add_insert(batch, i, "", 0);
        } else {
            add_remove(batch, 1000 + i);
        }
        postgres_place_submit(place, batch, &heard[i]);
    }
    postgres_place_finish(place);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(heard[i].status, STORE_OK);
    }
    assert_true(statements_of(place) - before < MANY / 10);
}

/* It takes what the batch before it put there, in the midst of its own. */
static void a_batch_of_both_kinds_runs_in_its_order(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard put;
    struct postgres_heard both;
    struct store_batch *batch = store_batch_create();

    postgres_place_submit(place, batch_insert(1, "", 0), &put);
    add_insert(batch, 2, "", 0);
    add_remove(batch, 1);
    add_insert(batch, 1, "", 0);
    add_remove(batch, 2);
    postgres_place_submit(place, batch, &both);
    postgres_place_finish(place);
    assert_int_equal(put.status, STORE_OK);
    assert_int_equal(both.status, STORE_OK);
    assert_int_equal(temp_postgres_number(place->url, "SELECT sum(k) FROM item"), 1);
}

static void much_at_once_is_several_statements(void **state)
{
    struct postgres_place *place = *state;
    static struct postgres_heard heard[LARGE_COUNT];
    uint8_t *body = mem_zeroed(1, LARGE_BYTES);

    for (int i = 0; i < LARGE_COUNT; i++) {
        struct store_batch *batch = store_batch_create();
        add_body(batch, i, bytes_of(body, LARGE_BYTES));
        postgres_place_submit(place, batch, &heard[i]);
    }
    postgres_place_finish(place);
    for (int i = 0; i < LARGE_COUNT; i++) {
        assert_int_equal(heard[i].status, STORE_OK);
        assert_int_equal(heard[i].body_bytes, LARGE_BYTES);
    }
    assert_in_range(statements_of(place), 2, LARGE_COUNT / 2);
    free(body);
}

static void a_batch_of_very_many_steps_is_several_statements(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard heard;
    struct store_batch *batch = store_batch_create();

    for (int64_t i = 0; i < LONG; i++) {
        add_insert(batch, i, "", 0);
    }
    postgres_place_submit(place, batch, &heard);
    postgres_place_finish(place);
    assert_int_equal(heard.status, STORE_OK);
    assert_int_equal(rows_of(place), LONG);
    assert_int_equal(statements_of(place), 2);
}

static struct store_batch *batch_astray(int64_t key)
{
    struct store_batch *batch = store_batch_create();

    store_batch_lock(batch, &lock_rows, key);
    store_batch_add(batch, &astray);
    store_bind_int(batch, key);
    return batch;
}

static void rows_of_no_step_break_their_batch_and_no_other(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard bad[2];
    struct postgres_heard good;

    postgres_place_submit(place, batch_astray(1), &bad[0]);
    postgres_place_submit(place, batch_astray(2), &bad[1]);
    postgres_place_submit(place, batch_insert(3, "", 0), &good);
    postgres_place_finish(place);
    assert_int_equal(bad[0].status, STORE_BROKEN);
    assert_int_equal(bad[1].status, STORE_BROKEN);
    assert_int_equal(good.status, STORE_OK);
}

static void a_null_and_a_read_are_broken(void **state)
{
    struct postgres_place *place = *state;
    struct postgres_heard null;
    struct postgres_heard read;
    struct postgres_heard good;
    struct store_batch *batch = store_batch_create();

    store_batch_lock(batch, &lock_rows, 1);
    store_batch_add(batch, &astray);
    store_bind_null(batch);
    postgres_place_submit(place, batch, &null);
    postgres_place_read(place, batch_astray(1), &read);
    postgres_place_submit(place, batch_insert(1, "", 0), &good);
    postgres_place_finish(place);
    assert_int_equal(null.status, STORE_BROKEN);
    assert_int_equal(read.status, STORE_BROKEN);
    assert_int_equal(good.status, STORE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, postgres_place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_batches_are_one_statement_and_each_hears_its_own_rows),
        TEST(texts_that_are_not_prepared_gather_too),
        TEST(a_batch_without_its_row_is_refused_alone),
        TEST(an_error_ends_the_batch_that_brought_it_alone),
        TEST(what_takes_too_long_together_is_busy_together),
        TEST(a_serialization_failure_runs_all_of_them_again),
        TEST(a_full_disk_ends_all_of_them_and_lets_deletes_through),
        TEST(what_is_of_one_key_keeps_its_order),
        TEST(other_statements_of_other_keys_part_nothing),
        TEST(a_batch_of_both_kinds_runs_in_its_order),
        TEST(much_at_once_is_several_statements),
        TEST(a_batch_of_very_many_steps_is_several_statements),
        TEST(rows_of_no_step_break_their_batch_and_no_other),
        TEST(a_null_and_a_read_are_broken),
    };

    return cmocka_run_group_tests(tests, postgres_place_serve, postgres_place_end);
}
