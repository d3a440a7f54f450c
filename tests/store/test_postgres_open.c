/* SPDX-License-Identifier: Apache-2.0 */
/* What postgres_open refuses, what it makes of a database, and what two of them tell each other. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/migrations.h"
#include "server/store/postgres.h"
#include "server/store/postgres_params_private.h"
#include "server/store/postgres_private.h"
#include "server/store/postgres_server_private.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

enum {
    ERROR_BYTES = 512,
    STORES = 4,
    KEYS_MAX = 4096,
    COLUMNS_BYTES = 8192,
    WAIT_MS = 30000,
    TURN_MS = 50
};

struct place {
    struct loop *loop;
    char url[TEMP_POSTGRES_URL_BYTES];
    char error[ERROR_BYTES];
    bool may_pass;
    int64_t wait_ms;
    int answers;
    int news;       /* calls */
    int everything; /* of them, those that name no key */
    size_t key_count;
    int64_t keys[KEYS_MAX];
};

static struct temp_postgres server;

static struct store *open_at(struct place *place, const char *url)
{
    const struct postgres_config config = { .url = url,
                                            .queue_bytes = 1 << 20,
                                            .reader_count = 1,
                                            .out_may_pass = &place->may_pass,
                                            .start_wait_ms = place->wait_ms };

    place->error[0] = '\0';
    return postgres_open(place->loop, &config, place->error, sizeof place->error);
}

static struct store *must_open(struct place *place)
{
    struct store *store = open_at(place, place->url);

    assert_string_equal(place->error, "");
    assert_non_null(store);
    return store;
}

static void refuse(struct place *place, const char *url, const char *said)
{
    assert_null(open_at(place, url));
    if (strstr(place->error, said) == NULL) {
        print_error("%s\n", place->error);
        fail();
    }
    assert_null(strstr(place->error, "secret"));
}

static int set_up(void **state)
{
    struct place *place = mem_zeroed(1, sizeof *place);

    temp_postgres_create(&server, place->url);
    place->loop = loop_create();
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    loop_destroy(place->loop);
    temp_postgres_drop(place->url);
    free(place);
    return 0;
}

static void what_is_no_url_is_refused_without_showing_it(void **state)
{
    struct place *place = *state;

    refuse(place, "postgresql://relay:secret%zz@db/relay", "no URL of PostgreSQL");
    refuse(place, "postgresql://relay:secret@db/relay?nonsense=1", "no URL of PostgreSQL");
    assert_false(place->may_pass);
}

static void a_server_that_is_not_there_may_come(void **state)
{
    struct place *place = *state;

    place->wait_ms = 100;
    refuse(place, "postgresql://relay:secret@/relay?host=/nowhere", "cannot reach");
    assert_true(place->may_pass);
}

static void a_database_that_is_not_there_will_not_come(void **state)
{
    struct place *place = *state;
    char url[TEMP_POSTGRES_URL_BYTES];

    temp_postgres_url(&server, "no_such_database", url);
    refuse(place, url, "does not exist");
    assert_false(place->may_pass);
}

static void a_database_in_another_encoding_is_refused(void **state)
{
    struct place *place = *state;
    char admin[TEMP_POSTGRES_URL_BYTES];
    char url[TEMP_POSTGRES_URL_BYTES];

    temp_postgres_url(&server, "postgres", admin);
    temp_postgres_run(admin, "DROP DATABASE IF EXISTS latin");
    temp_postgres_run(admin,
                      "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    temp_postgres_url(&server, "latin", url);
    refuse(place, url, "LATIN1: create it with ENCODING 'UTF8'");
    temp_postgres_run(admin, "DROP DATABASE latin");
}

static void an_old_server_is_refused(void **state)
{
    char why[POSTGRES_WHY_BYTES] = "";

    (void)state;
    assert_false(postgres_server_is_fit(120022, "UTF8", why, sizeof why));
    assert_non_null(strstr(why, "PostgreSQL 12"));
    assert_true(postgres_server_is_fit(130000, "UTF8", why, sizeof why));
    assert_true(postgres_server_is_fit(180001, "UTF8", why, sizeof why));
    assert_false(postgres_server_is_fit(150000, NULL, why, sizeof why));
}

static void a_newer_database_is_refused(void **state)
{
    struct place *place = *state;

    store_destroy(must_open(place));
    temp_postgres_run(place->url, "UPDATE schema SET version = 1000, min_reader = 1000");
    refuse(place, place->url, "newer Sealpost");
    assert_false(place->may_pass);
}

static void opening_again_keeps_the_data(void **state)
{
    struct place *place = *state;

    store_destroy(must_open(place));
    temp_postgres_run(place->url, "INSERT INTO left_devices VALUES ('x', 1)");
    store_destroy(must_open(place));
    assert_int_equal(temp_postgres_number(place->url, "SELECT count(*) FROM left_devices"), 1);
}

static void daemons_that_start_together_migrate_once(void **state)
{
    struct place *place = *state;
    pid_t children[STORES];

    for (int i = 0; i < STORES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            bool may_pass = false;
            char error[ERROR_BYTES] = "";
            struct postgres_params params;
            bool is_good = postgres_params_init(&params, place->url, error, sizeof error) &&
                           postgres_schema_migrate(&params, migrations_postgres, 1000, &may_pass,
                                                   error, sizeof error);
            _exit(is_good ? 0 : 1);
        }
    }
    for (int i = 0; i < STORES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(temp_postgres_number(place->url, "SELECT count(*) FROM schema"), 1);
    store_destroy(must_open(place));
}

static void on_answer(void *arg, enum store_status status, struct store_rows *rows)
{
    struct place *place = arg;

    (void)rows;
    assert_int_equal(status, STORE_OK);
    place->answers++;
}

static const struct store_stmt note = {
    .name = "test.note",
    .sql = "INSERT INTO seen (setting) VALUES (current_setting('synchronous_commit'))",
};

/* Write one row, telling count keys from first on, and wait for it. */
static void write_and_tell(struct place *place, struct store *store, int64_t first, int64_t count)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &note);
    for (int64_t i = 0; i < count; i++) {
        store_batch_tell(batch, first + i);
    }
    place->answers = 0;
    store_submit(store, &batch, on_answer, place);
    while (place->answers == 0) {
        loop_turn(place->loop, TURN_MS);
    }
}

static void commits_are_durable_whatever_the_server_is_set_to(void **state)
{
    struct place *place = *state;
    char url[TEMP_POSTGRES_URL_BYTES * 2];

    temp_postgres_run(place->url, "CREATE TABLE seen (setting TEXT)");
    (void)snprintf(url, sizeof url, "%s%%20-csynchronous_commit%%3Doff", place->url);
    struct store *store = open_at(place, url);
    assert_string_equal(place->error, "");
    write_and_tell(place, store, 0, 0);
    store_destroy(store);
    assert_int_equal(
        temp_postgres_number(place->url, "SELECT count(*) FROM seen WHERE setting = 'on'"), 1);
}

static void on_news(void *arg, const int64_t *keys, size_t count)
{
    struct place *place = arg;

    place->news++;
    place->everything += count == 0 ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(place->key_count < KEYS_MAX);
        place->keys[place->key_count++] = keys[i];
    }
}

static void on_own_news(void *arg, const int64_t *keys, size_t count)
{
    (void)arg;
    (void)keys;
    (void)count;
    fail_msg("a store heard what it told itself");
}

static void wait_to_hear(const struct place *place, const struct store *store)
{
    int64_t until_ms = clock_steady_ms() + WAIT_MS;

    while (!store_hears(store)) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, TURN_MS);
    }
}

static void wait_for_news(const struct place *place, int count)
{
    int64_t until_ms = clock_steady_ms() + WAIT_MS;

    while (place->news < count) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, TURN_MS);
    }
}

static void what_one_store_tells_the_other_hears(void **state)
{
    struct place *place = *state;
    struct store *one = must_open(place);
    struct store *two = must_open(place);

    temp_postgres_run(place->url, "CREATE TABLE seen (setting TEXT)");
    wait_to_hear(place, one);
    wait_to_hear(place, two);
    store_set_news(one, on_own_news, NULL);
    store_set_news(two, on_news, place);
    write_and_tell(place, one, INT64_MIN, 1);
    wait_for_news(place, 1);
    assert_int_equal(place->key_count, 1);
    assert_int_equal(place->keys[0], INT64_MIN);
    write_and_tell(place, one, -1, 400);
    wait_for_news(place, 2);
    assert_int_equal(place->key_count, 401);
    for (int64_t i = 0; i < 400; i++) {
        assert_int_equal(place->keys[1 + i], i - 1);
    }
    assert_int_equal(place->everything, 0);
    store_destroy(two);
    store_destroy(one);
}

static void too_much_to_tell_is_everything(void **state)
{
    struct place *place = *state;
    struct store *one = must_open(place);
    struct store *two = must_open(place);

    temp_postgres_run(place->url, "CREATE TABLE seen (setting TEXT)");
    wait_to_hear(place, two);
    store_set_news(two, on_news, place);
    write_and_tell(place, one, INT64_C(1) << 60, 2000);
    wait_for_news(place, 1);
    assert_int_equal(place->everything, 1);
    assert_int_equal(place->key_count, 0);
    store_destroy(two);
    store_destroy(one);
}

static void a_strangers_notice_harms_nobody(void **state)
{
    struct place *place = *state;
    struct store *one = must_open(place);
    struct store *two = must_open(place);

    temp_postgres_run(place->url, "CREATE TABLE seen (setting TEXT)");
    wait_to_hear(place, two);
    store_set_news(two, on_news, place);
    temp_postgres_run(place->url,
                      "NOTIFY sealpost; NOTIFY sealpost, 'x'; NOTIFY sealpost, 'x zz,1'");
    write_and_tell(place, one, 5, 1);
    wait_for_news(place, 1);
    assert_int_equal(place->key_count, 1);
    assert_int_equal(place->keys[0], 5);
    store_destroy(two);
    store_destroy(one);
}

static const struct store_stmt columns_of = {
    .name = "test.columns",
    .sql_sqlite =
        "SELECT m.name, p.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, p.name",
    .sql_postgres = "SELECT CAST(table_name AS TEXT) COLLATE \"C\","
                    " CAST(column_name AS TEXT) COLLATE \"C\" FROM information_schema.columns"
                    " WHERE table_schema = current_schema() ORDER BY 1, 2",
};

struct columns {
    int count;
    size_t size;
    char text[COLUMNS_BYTES]; /* "table.column\n"... */
    bool is_done;
};

static void on_columns(void *arg, enum store_status status, struct store_rows *rows)
{
    struct columns *columns = arg;

    assert_int_equal(status, STORE_OK);
    while (store_rows_next(rows)) {
        struct bytes table = store_rows_bytes(rows, 0);
        struct bytes column = store_rows_bytes(rows, 1);
        columns->size +=
            (size_t)snprintf(columns->text + columns->size, COLUMNS_BYTES - columns->size,
                             "%.*s.%.*s\n", (int)table.size, table.at, (int)column.size, column.at);
        assert_true(columns->size < COLUMNS_BYTES);
        columns->count++;
    }
    columns->is_done = true;
}

static void read_columns(const struct place *place, struct store *store, struct columns *out)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &columns_of);
    store_read(store, &batch, on_columns, out);
    while (!out->is_done) {
        loop_turn(place->loop, TURN_MS);
    }
}

/* Every table and column of the one schema is in the other. */
static void both_schemas_have_the_same_columns(void **state)
{
    struct place *place = *state;
    char dir[TEMP_DIR_BYTES];
    char path[TEMP_DIR_BYTES + 16];
    static struct columns sqlite;
    static struct columns postgres;

    temp_dir_create(dir);
    (void)snprintf(path, sizeof path, "%s/relay.db", dir);
    const struct sqlite_config config = { .path = path, .queue_bytes = 1 << 20, .reader_count = 1 };
    struct store *file = sqlite_open(place->loop, &config, place->error, sizeof place->error);
    struct store *shared = must_open(place);
    read_columns(place, file, &sqlite);
    read_columns(place, shared, &postgres);
    assert_true(sqlite.count > 50);
    assert_string_equal(sqlite.text, postgres.text);
    store_destroy(shared);
    store_destroy(file);
    temp_dir_remove(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_url_is_refused_without_showing_it),
        TEST(a_server_that_is_not_there_may_come),
        TEST(a_database_that_is_not_there_will_not_come),
        TEST(a_database_in_another_encoding_is_refused),
        TEST(an_old_server_is_refused),
        TEST(a_newer_database_is_refused),
        TEST(opening_again_keeps_the_data),
        TEST(daemons_that_start_together_migrate_once),
        TEST(commits_are_durable_whatever_the_server_is_set_to),
        TEST(what_one_store_tells_the_other_hears),
        TEST(too_much_to_tell_is_everything),
        TEST(a_strangers_notice_harms_nobody),
        TEST(both_schemas_have_the_same_columns),
    };

    temp_postgres_open(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temp_postgres_close(&server);
    return failed;
}
