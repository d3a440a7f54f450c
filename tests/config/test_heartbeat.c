/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config/keyring.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    ERROR_BYTES = 512,
    PATH_BYTES = TEMP_DIR_BYTES + 64
};

static char error[ERROR_BYTES];

/* Replace the copy's text and mode. */
static void put(const char *dir, const char *text, mode_t mode)
{
    char path[PATH_BYTES];
    int fd = -1;

    (void)snprintf(path, sizeof path, "%s/heartbeat", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void expect_refused(const char *dir, const char *words)
{
    int64_t value = 77;

    assert_false(keyring_read_heartbeat(dir, &value, error, sizeof error));
    assert_int_equal(value, 77);
    if (strstr(error, words) == NULL) {
        fail_msg("said: %s\nnot: %s", error, words);
    }
}

static void no_copy_is_told_apart_from_any_value(void **state)
{
    char dir[TEMP_DIR_BYTES];
    int64_t value = 77;

    (void)state;
    temp_dir_create(dir);
    assert_true(keyring_read_heartbeat(dir, &value, error, sizeof error));
    assert_int_equal(value, KEYRING_NO_HEARTBEAT);
    temp_dir_remove(dir);
}

static void what_was_written_last_is_read(void **state)
{
    static const int64_t values[] = { 0, 1, 41, 42, 999999999999999999, 3 };
    char dir[TEMP_DIR_BYTES];
    int64_t value = 77;

    (void)state;
    temp_dir_create(dir);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(keyring_write_heartbeat(dir, values[i], error, sizeof error));
        assert_true(keyring_read_heartbeat(dir, &value, error, sizeof error));
        assert_int_equal(value, values[i]);
    }
    temp_dir_remove(dir);
}

static void the_copy_has_its_mode_and_leaves_no_draft(void **state)
{
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];
    struct stat status;

    (void)state;
    temp_dir_create(dir);
    assert_true(keyring_write_heartbeat(dir, 5, error, sizeof error));
    (void)snprintf(path, sizeof path, "%s/heartbeat", dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, strlen("sealpost-heartbeat 1 5\n"));
    (void)snprintf(path, sizeof path, "%s/heartbeat.tmp", dir);
    assert_int_equal(access(path, F_OK), -1);
    temp_dir_remove(dir);
}

static void a_draft_left_by_a_crash_changes_nothing(void **state)
{
    char dir[TEMP_DIR_BYTES];
    char draft[PATH_BYTES];
    int64_t value = 77;

    (void)state;
    temp_dir_create(dir);
    assert_true(keyring_write_heartbeat(dir, 5, error, sizeof error));
    (void)snprintf(draft, sizeof draft, "%s/heartbeat.tmp", dir);
    assert_int_equal(close(open(draft, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    assert_true(keyring_read_heartbeat(dir, &value, error, sizeof error));
    assert_int_equal(value, 5);
    assert_true(keyring_write_heartbeat(dir, 6, error, sizeof error));
    assert_true(keyring_read_heartbeat(dir, &value, error, sizeof error));
    assert_int_equal(value, 6);
    temp_dir_remove(dir);
}

static void a_damaged_copy_is_told_with_what_to_do(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "sealpost-heartbeat 1 \n",
        "sealpost-heartbeat 1 5",
        "sealpost-heartbeat 1 5\n\n",
        "sealpost-heartbeat 1 -5\n",
        "sealpost-heartbeat 1 1000000000000000000\n",
        "sealpost-heartbeat 2 5\n",
        "5\n",
    };
    char dir[TEMP_DIR_BYTES];

    (void)state;
    temp_dir_create(dir);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(dir, texts[i], 0600);
        expect_refused(dir, "/heartbeat: is damaged; delete it");
    }
    put(dir, "sealpost-heartbeat 1 5\n", 0644);
    expect_refused(dir, "its mode is 0644, not 0600; run: chmod 0600 ");
    temp_dir_remove(dir);
}

static void values_that_could_not_be_read_back_are_not_written(void **state)
{
    char dir[TEMP_DIR_BYTES];
    int64_t value = 77;

    (void)state;
    temp_dir_create(dir);
    assert_true(keyring_write_heartbeat(dir, 5, error, sizeof error));
    assert_false(keyring_write_heartbeat(dir, -1, error, sizeof error));
    assert_false(keyring_write_heartbeat(dir, INT64_MAX, error, sizeof error));
    assert_true(keyring_read_heartbeat(dir, &value, error, sizeof error));
    assert_int_equal(value, 5);
    temp_dir_remove(dir);
}

static void a_missing_or_open_directory_is_refused(void **state)
{
    char dir[TEMP_DIR_BYTES];

    (void)state;
    temp_dir_create(dir);
    assert_int_equal(chmod(dir, 0755), 0);
    expect_refused(dir, "run: chmod 0700 ");
    assert_false(keyring_write_heartbeat(dir, 1, error, sizeof error));
    temp_dir_remove(dir);
    expect_refused(dir, "cannot be opened");
    assert_false(keyring_write_heartbeat(dir, 1, error, sizeof error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_copy_is_told_apart_from_any_value),
        cmocka_unit_test(what_was_written_last_is_read),
        cmocka_unit_test(the_copy_has_its_mode_and_leaves_no_draft),
        cmocka_unit_test(a_draft_left_by_a_crash_changes_nothing),
        cmocka_unit_test(a_damaged_copy_is_told_with_what_to_do),
        cmocka_unit_test(values_that_could_not_be_read_back_are_not_written),
        cmocka_unit_test(a_missing_or_open_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
