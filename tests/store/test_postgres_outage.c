/* SPDX-License-Identifier: Apache-2.0 */
/* The server goes away and comes back: what was answered holds, what was not is said so. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/postgres.h"
#include "server/store/postgres_private.h"
#include "server/store/store.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

enum {
    MANY = 200,
    CROWD = 4000,
    WAIT_MS = 30000,
    TURN_MS = 50,
    BACK_MS = 3000 /* the store is back at most this long after the server */
};

static const struct store_stmt make = {
    .name = "outage.make",
    .sql = "CREATE TABLE outage (k BIGINT PRIMARY KEY)",
};
static const struct store_stmt insert = {
    .name = "outage.insert",
    .sql = "INSERT INTO outage (k) VALUES ($1)",
};
static const struct store_stmt count_all = {
    .name = "outage.count",
    .sql = "SELECT count(*) FROM outage",
};
/* Whoever holds the row's lock elsewhere holds the batch up. */
static const struct store_stmt touch = {
    .name = "outage.touch",
    .sql = "UPDATE outage SET k = k WHERE k = $1",
};

struct place {
    struct temp_postgres server;
    struct loop *loop;
    struct store *store;
    char url[TEMP_POSTGRES_URL_BYTES];
    int64_t next;
    int waiting;
    int of_status[STORE_BROKEN + 1];
    int64_t number; /* first column of the last answer; or how many have ended */
    bool is_in_order;
    int news;
};

static void on_done(void *arg, enum store_status status, struct store_rows *rows)
{
    struct place *place = arg;

    place->waiting--;
    place->of_status[status]++;
    if (status == STORE_OK && store_rows_next(rows)) {
        place->number = store_rows_int(rows, 0);
    }
}

static void submit(struct place *place, const struct store_stmt *stmt, int64_t key)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, stmt);
    store_bind_int(batch, key);
    place->waiting++;
    store_submit(place->store, &batch, on_done, place);
}

static void submit_inserts(struct place *place, int count)
{
    for (int i = 0; i < count; i++) {
        submit(place, &insert, place->next++);
    }
}

static void finish(struct place *place)
{
    int64_t until_ms = clock_steady_ms() + WAIT_MS;

    while (place->waiting > 0) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, TURN_MS);
    }
}

static void forget_answers(struct place *place)
{
    memset(place->of_status, 0, sizeof place->of_status);
}

static int64_t count_rows(struct place *place)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &count_all);
    place->waiting++;
    place->number = -1;
    store_read(place->store, &batch, on_done, place);
    finish(place);
    return place->number;
}

static void wait_until(struct place *place, bool (*is_so)(const struct place *place), int64_t ms)
{
    int64_t until_ms = clock_steady_ms() + ms;

    while (!is_so(place)) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, TURN_MS);
    }
}

static bool is_ready(const struct place *place)
{
    const char *why = NULL;

    return store_is_ready(place->store, &why);
}

static bool hears(const struct place *place)
{
    return store_hears(place->store);
}

static bool is_deaf(const struct place *place)
{
    return !hears(place);
}

static bool has_news(const struct place *place)
{
    return place->news > 0;
}

static int set_up(void **state)
{
    struct place *place = mem_zeroed(1, sizeof *place);
    char error[512] = "";

    temp_postgres_open_own(&place->server);
    temp_postgres_create(&place->server, place->url);
    const struct postgres_config config = { .url = place->url,
                                            .queue_bytes = 1 << 20,
                                            .reader_count = 2 };
    place->loop = loop_create();
    place->store = postgres_open(place->loop, &config, error, sizeof error);
    assert_string_equal(error, "");
    struct store_batch *batch = store_batch_create();
    store_batch_add(batch, &make);
    place->waiting++;
    store_submit(place->store, &batch, on_done, place);
    finish(place);
    assert_int_equal(place->of_status[STORE_OK], 1);
    forget_answers(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    store_destroy(place->store);
    loop_destroy(place->loop);
    temp_postgres_close(&place->server);
    free(place);
    return 0;
}

static void what_is_submitted_while_the_server_restarts_is_done(void **state)
{
    struct place *place = *state;

    submit_inserts(place, MANY);
    finish(place);
    temp_postgres_stop(&place->server);
    temp_postgres_start(&place->server);
    submit_inserts(place, MANY);
    finish(place);
    assert_int_equal(place->of_status[STORE_OK], 2 * MANY);
    assert_int_equal(count_rows(place), 2 * MANY);
}

static void a_server_that_is_away_is_busy_at_once_and_said_so(void **state)
{
    struct place *place = *state;
    const char *why = NULL;
    int64_t start_ms;

    temp_postgres_kill(&place->server);
    submit_inserts(place, MANY);
    finish(place); /* these waited for it to come back */
    assert_int_equal(place->of_status[STORE_BUSY], MANY);
    assert_false(store_is_ready(place->store, &why));
    assert_non_null(strstr(why, "database"));
    start_ms = clock_steady_ms();
    submit_inserts(place, 1);
    assert_int_equal(count_rows(place), -1);
    assert_true(clock_steady_ms() - start_ms < 500);
    assert_int_equal(place->of_status[STORE_BUSY], MANY + 2);
    temp_postgres_start(&place->server);
    wait_until(place, is_ready, BACK_MS);
    submit_inserts(place, 1);
    finish(place);
    assert_int_equal(place->of_status[STORE_OK], 1);
    assert_int_equal(count_rows(place), 1);
}

struct numbered {
    struct place *place;
    int number;
};

static void on_numbered(void *arg, enum store_status status, struct store_rows *rows)
{
    struct numbered *numbered = arg;
    struct place *place = numbered->place;

    place->is_in_order = place->is_in_order && numbered->number == place->number;
    place->number++;
    on_done(place, status, rows);
}

/* What writes ends in its order; what reads has none. */
static void submit_crowd(struct place *place, struct numbered crowd[CROWD])
{
    place->number = 0;
    place->is_in_order = true;
    for (int i = 0; i < CROWD; i++) {
        struct store_batch *batch = store_batch_create();
        crowd[i] = (struct numbered){ .place = place, .number = i };
        store_batch_add(batch, &count_all);
        place->waiting++;
        store_submit(place->store, &batch, on_numbered, &crowd[i]);
        batch = store_batch_create();
        store_batch_add(batch, &count_all);
        place->waiting++;
        store_read(place->store, &batch, on_done, place);
    }
}

static void a_crowd_that_waits_in_vain_ends_in_order_over_several_turns(void **state)
{
    static struct numbered crowd[CROWD];
    struct place *place = *state;
    int64_t until_ms = clock_steady_ms() + WAIT_MS;
    int most = 0;

    temp_postgres_kill(&place->server);
    submit_crowd(place, crowd);
    while (place->waiting > 0) {
        int before = place->waiting;
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, TURN_MS);
        most = before - place->waiting > most ? before - place->waiting : most;
    }
    assert_int_equal(place->of_status[STORE_BUSY], 2 * CROWD);
    assert_true(place->is_in_order);
    assert_in_range(most, 1, 4 * POSTGRES_ANSWER_BATCHES); /* two looks, of either kind */
}

/* Killed again and again under load: whatever was answered OK is there, whatever BUSY is not. */
static void answers_are_true_through_kills(void **state)
{
    struct place *place = *state;
    int64_t ok_count = 0;

    for (int round = 0; round < 5; round++) {
        forget_answers(place);
        submit_inserts(place, MANY);
        for (int i = 0; i < round; i++) {
            loop_turn(place->loop, 0);
        }
        temp_postgres_kill(&place->server);
        submit_inserts(place, MANY);
        temp_postgres_start(&place->server);
        finish(place);
        wait_until(place, is_ready, BACK_MS);
        assert_int_equal(place->of_status[STORE_OK] + place->of_status[STORE_BUSY] +
                             place->of_status[STORE_UNCERTAIN],
                         2 * MANY);
        ok_count += place->of_status[STORE_OK];
        int64_t rows = count_rows(place);
        assert_true(rows >= ok_count);
        assert_true(rows <= ok_count + place->of_status[STORE_UNCERTAIN]);
        ok_count = rows; /* those of uncertain outcome are known now */
    }
}

static void a_connection_cut_before_the_commit_is_no_answer(void **state)
{
    struct place *place = *state;

    submit_inserts(place, 1);
    finish(place);
    forget_answers(place);
    /* another session holds the row, so the batch hangs in its statement */
    temp_postgres_hold(place->url, "BEGIN; UPDATE outage SET k = k WHERE k = 0");
    submit(place, &touch, 0);
    for (int64_t stuck = 0; stuck == 0;) {
        loop_turn(place->loop, TURN_MS);
        stuck = temp_postgres_number(place->url, "SELECT count(*) FROM pg_stat_activity"
                                                 " WHERE wait_event_type = 'Lock'");
    }
    temp_postgres_run(place->url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE wait_event_type = 'Lock'");
    temp_postgres_release();
    finish(place);
    assert_int_equal(place->of_status[STORE_OK], 1); /* it ran again on the next connection */
}

/* A deferred trigger waits inside the COMMIT itself. */
static void a_connection_cut_inside_the_commit_is_uncertain(void **state)
{
    struct place *place = *state;

    temp_postgres_run(place->url,
                      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                      " 'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NULL; END'");
    temp_postgres_run(place->url,
                      "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON outage"
                      " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()");
    temp_postgres_hold(place->url, "SELECT pg_advisory_lock(77)");
    submit_inserts(place, MANY);
    for (int64_t stuck = 0; stuck == 0;) {
        loop_turn(place->loop, TURN_MS);
        stuck = temp_postgres_number(place->url, "SELECT count(*) FROM pg_stat_activity"
                                                 " WHERE wait_event = 'advisory'");
    }
    temp_postgres_run(place->url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE wait_event = 'advisory'");
    temp_postgres_release();
    finish(place);
    assert_int_equal(place->of_status[STORE_UNCERTAIN], MANY);
    submit_inserts(place, 1);
    finish(place);
    assert_int_equal(place->of_status[STORE_OK], 1);
}

static void on_news(void *arg, const int64_t *keys, size_t count)
{
    struct place *place = arg;

    (void)keys;
    place->news += count == 0 ? 1 : 0;
}

static void news_that_may_have_been_missed_are_announced(void **state)
{
    struct place *place = *state;

    wait_until(place, hears, WAIT_MS);
    store_set_news(place->store, on_news, place);
    temp_postgres_kill(&place->server);
    wait_until(place, is_deaf, WAIT_MS);
    temp_postgres_start(&place->server);
    wait_until(place, has_news, WAIT_MS); /* it may have missed some while it was deaf */
    wait_until(place, hears, WAIT_MS);
}

static void destroy_does_not_wait_for_a_server_that_is_away(void **state)
{
    struct place *place = *state;
    int64_t start_ms;

    temp_postgres_kill(&place->server);
    submit_inserts(place, MANY);
    start_ms = clock_steady_ms();
    store_destroy(place->store);
    assert_true(clock_steady_ms() - start_ms < WAIT_MS);
    assert_int_equal(place->waiting, 0);
    assert_int_equal(place->of_status[STORE_BUSY], MANY);
    temp_postgres_start(&place->server);
    const struct postgres_config config = { .url = place->url,
                                            .queue_bytes = 1 << 20,
                                            .reader_count = 1 };
    char error[512] = "";
    place->store = postgres_open(place->loop, &config, error, sizeof error);
    assert_string_equal(error, "");
    assert_int_equal(count_rows(place), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_submitted_while_the_server_restarts_is_done),
        TEST(a_server_that_is_away_is_busy_at_once_and_said_so),
        TEST(a_crowd_that_waits_in_vain_ends_in_order_over_several_turns),
        TEST(answers_are_true_through_kills),
        TEST(a_connection_cut_before_the_commit_is_no_answer),
        TEST(a_connection_cut_inside_the_commit_is_uncertain),
        TEST(news_that_may_have_been_missed_are_announced),
        TEST(destroy_does_not_wait_for_a_server_that_is_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
