/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is held is not there for others yet: so the tests look with a second
 * connection, without a sync, within a transaction, and after writes that fail.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "server/store/sqlite_vfs_private.h"
#include "tests/store/fault_vfs.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    PATH_BYTES = TEMP_DIR_BYTES + 16,
    ROWS = 300, /* of a page each */
    FEW_WRITES = 40
};

struct place {
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];
    struct sqlite_vfs vfs;
    sqlite3 *writer;
    sqlite3 *other;                  /* opened through the VFS below */
    void (*barrier)(sqlite3_file *); /* of the layer, where a test listens */
};

static struct place place;

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *handle = NULL;
    int value = -1;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &handle, NULL), SQLITE_OK);
    if (sqlite3_step(handle) == SQLITE_ROW) {
        value = sqlite3_column_int(handle, 0);
    }
    (void)sqlite3_finalize(handle);
    return value;
}

static int add_rows(sqlite3 *db)
{
    char sql[256];

    (void)snprintf(sql, sizeof sql,
                   "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO t SELECT NULL, randomblob(3000) FROM n",
                   ROWS);
    return run(db, sql);
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_create(place.dir);
    (void)snprintf(place.path, sizeof place.path, "%s/a.db", place.dir);
    sqlite_vfs_init(&place.vfs);
    assert_int_equal(sqlite3_open_v2(place.path, &place.writer,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, place.vfs.name),
                     SQLITE_OK);
    assert_int_equal(run(place.writer, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                       "PRAGMA wal_autocheckpoint=0;"
                                       "CREATE TABLE t (i INTEGER PRIMARY KEY, b BLOB)"),
                     SQLITE_OK);
    assert_int_equal(sqlite3_open(place.path, &place.other), SQLITE_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fault_vfs_arm(FAULT_VFS_WRITE, 0);
    assert_int_equal(sqlite3_close(place.other), SQLITE_OK);
    assert_int_equal(sqlite3_close(place.writer), SQLITE_OK);
    sqlite_vfs_clear(&place.vfs);
    fault_vfs_clear();
    temp_dir_remove(place.dir);
    return 0;
}

static void all_pages_of_a_commit_take_few_writes(void **state)
{
    (void)state;
    fault_vfs_arm(FAULT_VFS_WRITE, FEW_WRITES);
    assert_int_equal(add_rows(place.writer), SQLITE_OK);
    assert_false(fault_vfs_has_failed());
    assert_int_equal(number(place.other, "SELECT count(*) FROM t"), ROWS);
}

static void a_commit_without_a_sync_is_seen_whole_by_others(void **state)
{
    (void)state;
    assert_int_equal(run(place.writer, "PRAGMA synchronous=OFF"), SQLITE_OK);
    for (int round = 1; round <= 5; round++) {
        assert_int_equal(add_rows(place.writer), SQLITE_OK);
        assert_int_equal(number(place.other, "SELECT count(*) FROM t"), round * ROWS);
        assert_int_equal(number(place.other, "SELECT sum(length(b)) / 3000 FROM t"), round * ROWS);
    }
}

static int64_t bytes_of_log(void)
{
    char path[PATH_BYTES + 8];
    struct stat file;

    (void)snprintf(path, sizeof path, "%s-wal", place.path);
    assert_int_equal(stat(path, &file), 0);
    return file.st_size;
}

static int64_t bytes_at_barrier;

static void note_barrier(sqlite3_file *file)
{
    place.barrier(file);
    bytes_at_barrier = bytes_of_log();
}

/* Others see the commit from the barrier on, before the writer gives up its lock. */
static void a_commit_without_a_sync_is_in_the_log_before_it_can_be_seen(void **state)
{
    (void)state;
    assert_int_equal(run(place.writer, "PRAGMA synchronous=OFF"), SQLITE_OK);
    place.barrier = place.vfs.database.xShmBarrier;
    place.vfs.database.xShmBarrier = note_barrier;
    int64_t before = bytes_of_log();
    assert_int_equal(run(place.writer, "INSERT INTO t VALUES (1, x'00')"), SQLITE_OK);
    assert_true(bytes_of_log() > before);
    assert_int_equal(bytes_at_barrier, bytes_of_log());
}

static void pages_that_did_not_fit_in_memory_are_read_back(void **state)
{
    (void)state;
    assert_int_equal(run(place.writer, "PRAGMA cache_size=10; BEGIN"), SQLITE_OK);
    assert_int_equal(add_rows(place.writer), SQLITE_OK);
    assert_int_equal(number(place.writer, "SELECT sum(length(b)) / 3000 FROM t"), ROWS);
    assert_int_equal(run(place.writer, "UPDATE t SET b = zeroblob(3000) WHERE i % 3 = 0"),
                     SQLITE_OK);
    assert_int_equal(number(place.other, "SELECT count(*) FROM t"), 0);
    assert_int_equal(run(place.writer, "COMMIT"), SQLITE_OK);
    assert_int_equal(number(place.other, "SELECT count(*) FROM t WHERE b = zeroblob(3000)"),
                     ROWS / 3);
}

static void what_was_rolled_back_is_seen_by_nobody(void **state)
{
    (void)state;
    assert_int_equal(run(place.writer, "PRAGMA cache_size=10; BEGIN"), SQLITE_OK);
    assert_int_equal(add_rows(place.writer), SQLITE_OK);
    assert_int_equal(run(place.writer, "ROLLBACK"), SQLITE_OK);
    assert_int_equal(number(place.other, "SELECT count(*) FROM t"), 0);
    assert_int_equal(add_rows(place.writer), SQLITE_OK);
    assert_int_equal(number(place.other, "SELECT sum(length(b)) / 3000 FROM t"), ROWS);
}

static void a_commit_whose_write_fails_says_so_and_the_next_one_goes_through(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        fault_vfs_arm(FAULT_VFS_WRITE, n);
        assert_int_not_equal(add_rows(place.writer), SQLITE_OK);
        assert_true(fault_vfs_has_failed());
        assert_int_equal(number(place.other, "SELECT count(*) FROM t"), 0);
    }
    assert_int_equal(add_rows(place.writer), SQLITE_OK);
    assert_int_equal(number(place.other, "SELECT sum(length(b)) / 3000 FROM t"), ROWS);
}

/* There no sync tells: the commit itself is visible, and broken.  Whoever wrote it must hear. */
static void a_failure_that_nobody_could_be_told_is_told_next(void **state)
{
    (void)state;
    assert_int_equal(run(place.writer, "PRAGMA synchronous=OFF"), SQLITE_OK);
    fault_vfs_arm(FAULT_VFS_WRITE, 1);
    int first = run(place.writer, "INSERT INTO t VALUES (1, x'00')");
    assert_true(fault_vfs_has_failed());
    int second = run(place.writer, "INSERT INTO t VALUES (2, x'00')");
    assert_true(first != SQLITE_OK || second != SQLITE_OK);
}

static void a_log_is_moved_into_the_file_and_begun_anew(void **state)
{
    (void)state;
    for (int round = 1; round <= 3; round++) {
        assert_int_equal(add_rows(place.writer), SQLITE_OK);
        assert_int_equal(
            sqlite3_wal_checkpoint_v2(place.writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
            SQLITE_OK);
        assert_int_equal(number(place.other, "SELECT sum(length(b)) / 3000 FROM t"), round * ROWS);
    }
    assert_int_equal(number(place.other, "SELECT count(*) FROM pragma_integrity_check"
                                         " WHERE integrity_check = 'ok'"),
                     1);
}

int main(void)
{
#define VFS_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        VFS_TEST(all_pages_of_a_commit_take_few_writes),
        VFS_TEST(a_commit_without_a_sync_is_seen_whole_by_others),
        VFS_TEST(a_commit_without_a_sync_is_in_the_log_before_it_can_be_seen),
        VFS_TEST(pages_that_did_not_fit_in_memory_are_read_back),
        VFS_TEST(what_was_rolled_back_is_seen_by_nobody),
        VFS_TEST(a_commit_whose_write_fails_says_so_and_the_next_one_goes_through),
        VFS_TEST(a_failure_that_nobody_could_be_told_is_told_next),
        VFS_TEST(a_log_is_moved_into_the_file_and_begun_anew),
    };

    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
