/* SPDX-License-Identifier: Apache-2.0 */
/* What sqlite_open refuses, with which sentence, and what it makes of the files. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/loop.h"
#include "server/store/migrations.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_private.h"
#include "server/store/store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    ERROR_BYTES = 512,
    PATH_BYTES = TEMP_DIR_BYTES + 32
};

struct place {
    struct loop *loop;
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];
    char error[ERROR_BYTES];
};

static struct store *open_at(struct place *place, const char *path)
{
    const struct sqlite_config config = {
        .path = path, .queue_bytes = 1 << 20, .ballast_bytes = 1 << 20, .reader_count = 1
    };

    place->error[0] = '\0';
    return sqlite_open(place->loop, &config, place->error, sizeof place->error);
}

static void open_and_close(struct place *place)
{
    struct store *store = open_at(place, place->path);

    assert_string_equal(place->error, "");
    assert_non_null(store);
    store_destroy(store);
}

/* Opening fails and says both texts. */
static void refuse(struct place *place, const char *path, const char *first, const char *second)
{
    struct store *store = open_at(place, path);

    assert_null(store);
    if (strstr(place->error, first) == NULL || strstr(place->error, second) == NULL) {
        print_error("%s\n", place->error);
    }
    assert_non_null(strstr(place->error, first));
    assert_non_null(strstr(place->error, second));
}

static void run_sql(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t number_of(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return number;
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat file;

    assert_int_equal(stat(path, &file), 0);
    return file.st_mode & 0777;
}

/* The version that this program's own migrations end with. */
static int last_version(void)
{
    const struct migration *last = migrations_sqlite;

    while (last[1].version != 0) {
        last++;
    }
    return last->version;
}

static void a_new_file_is_migrated_and_set_up(void **state)
{
    struct place *place = *state;

    open_and_close(place);
    assert_int_equal(number_of(place, "SELECT version FROM schema"), last_version());
    assert_int_equal(number_of(place, "SELECT count(*) FROM envelopes"), 0);
    assert_int_equal(number_of(place, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(number_of(place, "PRAGMA page_size"), 4096);
    assert_int_equal(number_of(place, "SELECT 'wal' = journal_mode FROM pragma_journal_mode"), 1);
    open_and_close(place);
}

static void nobody_else_may_read_folder_or_files(void **state)
{
    static const char *const endings[] = { "", "-wal", "-shm", "-lock", "-ballast" };
    struct place *place = *state;
    mode_t before = umask(0);

    assert_int_equal(chmod(place->dir, 0755), 0);
    write_file(place->path, "", 0);
    assert_int_equal(chmod(place->path, 0666), 0);
    struct store *store = open_at(place, place->path);
    (void)umask(before);
    assert_non_null(store);
    assert_int_equal(mode_of(place->dir), 0700);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char path[PATH_BYTES + 16];
        (void)snprintf(path, sizeof path, "%s%s", place->path, endings[i]);
        assert_int_equal(mode_of(path), 0600);
    }
    store_destroy(store);
}

static void a_second_opener_is_refused_until_the_first_is_gone(void **state)
{
    struct place *place = *state;
    struct store *first = open_at(place, place->path);

    assert_non_null(first);
    refuse(place, place->path, place->path, "in use by another");
    store_destroy(first);
    open_and_close(place);
}

static void a_schema_that_needs_a_newer_reader_is_refused_and_left_alone(void **state)
{
    struct place *place = *state;

    open_and_close(place);
    run_sql(place, "UPDATE schema SET version = 1000, min_reader = 1000");
    refuse(place, place->path, place->path, "newer Sealpost");
    assert_int_equal(number_of(place, "SELECT version FROM schema"), 1000);
    assert_int_equal(number_of(place, "SELECT count(*) FROM envelopes"), 0);
}

static void a_newer_schema_that_we_may_still_read_is_opened_as_it_is(void **state)
{
    struct place *place = *state;

    open_and_close(place);
    run_sql(place, "UPDATE schema SET version = 1000, min_reader = 1");
    open_and_close(place);
    assert_int_equal(number_of(place, "SELECT version FROM schema"), 1000);
}

static void a_failed_upgrade_changes_nothing(void **state)
{
    static const struct migration migrations[] = {
        { 1, "0001_relay", "" },
        { 1002, "1002_good", "CREATE TABLE good (a INTEGER); INSERT INTO good VALUES (1);" },
        { 1003, "1003_bad",
          "UPDATE schema SET min_reader = 1003; INSERT INTO missing VALUES (1);" },
        { 0, NULL, NULL },
    };
    struct place *place = *state;
    struct sqlite_store store = { .path = place->path };

    open_and_close(place);
    assert_true(sqlite_conn_open(&store.writer, place->path, false));
    assert_false(sqlite_schema_migrate(&store, migrations, place->error, sizeof place->error));
    sqlite_conn_close(&store.writer);
    assert_non_null(strstr(place->error, "1003_bad"));
    assert_non_null(strstr(place->error, "missing"));
    assert_int_equal(number_of(place, "SELECT version FROM schema"), last_version());
    assert_int_equal(number_of(place, "SELECT count(*) FROM sqlite_schema WHERE name = 'good'"), 0);
    open_and_close(place);
}

static void pending_migrations_run_in_order(void **state)
{
    static const struct migration migrations[] = {
        { 1, "0001_relay", "this one ran already" },
        { 1002, "1002_two", "CREATE TABLE two (a INTEGER);" },
        { 1003, "1003_three", "INSERT INTO two VALUES (3); UPDATE schema SET min_reader = 1002;" },
        { 0, NULL, NULL },
    };
    struct place *place = *state;
    struct sqlite_store store = { .path = place->path };

    open_and_close(place);
    assert_true(sqlite_conn_open(&store.writer, place->path, false));
    assert_true(sqlite_schema_migrate(&store, migrations, place->error, sizeof place->error));
    sqlite_conn_close(&store.writer);
    assert_int_equal(number_of(place, "SELECT version FROM schema"), 1003);
    assert_int_equal(number_of(place, "SELECT a FROM two"), 3);
    refuse(place, place->path, place->path, "newer Sealpost"); /* than we know */
}

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct place *place = *state;
    char text[2000];
    char after[2000];

    memset(text, 'x', sizeof text);
    write_file(place->path, text, sizeof text);
    refuse(place, place->path, place->path, "not a SQLite database");
    FILE *file = fopen(place->path, "re");
    assert_non_null(file);
    assert_int_equal(fread(after, 1, sizeof after, file), sizeof after);
    assert_int_equal(fclose(file), 0);
    assert_memory_equal(text, after, sizeof text);
}

static void a_database_of_another_program_is_refused(void **state)
{
    struct place *place = *state;

    run_sql(place, "CREATE TABLE theirs (a INTEGER)");
    refuse(place, place->path, place->path, "another program");
    assert_int_equal(number_of(place, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void a_damaged_database_is_refused(void **state)
{
    struct place *place = *state;

    open_and_close(place);
    int fd = open(place->path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 100; at < 4096; at += 4) { /* the schema's page behind the head */
        assert_int_equal(pwrite(fd, "junk", 4, at), 4);
    }
    assert_int_equal(close(fd), 0);
    refuse(place, place->path, place->path, "restore a backup");
}

static void a_missing_folder_is_refused(void **state)
{
    struct place *place = *state;
    char path[PATH_BYTES + 16];

    (void)snprintf(path, sizeof path, "%s/nowhere/x.db", place->dir);
    refuse(place, path, "nowhere", "create it");
}

static void a_folder_or_link_in_place_of_the_file_is_refused(void **state)
{
    struct place *place = *state;
    char link_path[PATH_BYTES + 16];

    (void)snprintf(link_path, sizeof link_path, "%s/link.db", place->dir);
    assert_int_equal(symlink(place->path, link_path), 0);
    refuse(place, link_path, link_path, "cannot open");
    assert_int_equal(mkdir(place->path, 0700), 0);
    refuse(place, place->path, place->path, "cannot open");
}

static void a_folder_of_another_user_is_refused(void **state)
{
    struct place *place = *state;

    if (geteuid() == 0) {
        assert_int_equal(chown(place->dir, 12345, 12345), 0);
        refuse(place, place->path, place->dir, "another user");
    } else {
        refuse(place, "/relay.db", "the folder /", "another user");
    }
}

static void network_file_systems_are_known_by_their_number(void **state)
{
    (void)state;
    assert_true(sqlite_place_is_network(0x6969));
    assert_true(sqlite_place_is_network(0xff534d42));
    assert_true(sqlite_place_is_network((int32_t)0xff534d42)); /* f_type is signed on some */
    assert_true(sqlite_place_is_network(0x65735546));
    assert_true(sqlite_place_is_network(0x01021997));
    assert_false(sqlite_place_is_network(0xef53));     /* ext4 */
    assert_false(sqlite_place_is_network(0x58465342)); /* XFS */
    assert_false(sqlite_place_is_network(0x9123683e)); /* Btrfs */
    assert_false(sqlite_place_is_network(0x01021994)); /* tmpfs */
    assert_false(sqlite_place_is_network(0x794c7630)); /* overlay */
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    temp_dir_create(place->dir);
    (void)snprintf(place->path, sizeof place->path, "%s/relay.db", place->dir);
    place->loop = loop_create();
    *state = place;
    return place->loop == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    loop_destroy(place->loop);
    temp_dir_remove(place->dir);
    free(place);
    return 0;
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_new_file_is_migrated_and_set_up),
        PLACE_TEST(nobody_else_may_read_folder_or_files),
        PLACE_TEST(a_second_opener_is_refused_until_the_first_is_gone),
        PLACE_TEST(a_schema_that_needs_a_newer_reader_is_refused_and_left_alone),
        PLACE_TEST(a_newer_schema_that_we_may_still_read_is_opened_as_it_is),
        PLACE_TEST(a_failed_upgrade_changes_nothing),
        PLACE_TEST(pending_migrations_run_in_order),
        PLACE_TEST(a_file_that_is_no_database_is_refused_and_left_alone),
        PLACE_TEST(a_database_of_another_program_is_refused),
        PLACE_TEST(a_damaged_database_is_refused),
        PLACE_TEST(a_missing_folder_is_refused),
        PLACE_TEST(a_folder_or_link_in_place_of_the_file_is_refused),
        PLACE_TEST(a_folder_of_another_user_is_refused),
        PLACE_TEST(network_file_systems_are_known_by_their_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
