/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit, pressure, the log's length and what is left of deleted bytes. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    PATH_BYTES = TEMP_DIR_BYTES + 32,
    WAIT_MS = 120000
};

static const struct store_stmt insert = {
    .name = "envelopes.insert",
    .sql = "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag,"
           " id, body) VALUES ($1, 1, 0, 0, 0, 0, 0, 0, $2, $3)",
};
static const struct store_stmt remove_range = {
    .name = "envelopes.remove_range",
    .sql = "DELETE FROM envelopes WHERE mailbox = 1 AND seq <= $1",
};

struct place {
    struct loop *loop;
    struct store *store;
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];
    int waiting;
    int ok_count;
    int pressed;
    int released;
};

static void place_open(struct place *place, int64_t queue_bytes, int64_t truncate_ms)
{
    const struct sqlite_config config = { .path = place->path,
                                          .queue_bytes = queue_bytes,
                                          .truncate_ms = truncate_ms,
                                          .reader_count = 2 };
    char error[512] = "";

    place->store = sqlite_open(place->loop, &config, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(place->store);
}

static void on_done(void *arg, enum store_status status, struct store_rows *rows)
{
    struct place *place = arg;

    (void)rows;
    place->waiting--;
    place->ok_count += status == STORE_OK ? 1 : 0;
}

static void submit_insert(struct place *place, int64_t seq, struct bytes body)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &insert);
    store_bind_int(batch, seq);
    store_bind_bytes(batch, bytes_text("id"));
    store_bind_borrowed(batch, body);
    place->waiting++;
    store_submit(place->store, &batch, on_done, place);
}

static void submit_removal(struct place *place, int64_t seq)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &remove_range);
    store_bind_int(batch, seq);
    place->waiting++;
    store_submit(place->store, &batch, on_done, place);
}

static void finish(struct place *place)
{
    while (place->waiting > 0) {
        loop_turn(place->loop, 100);
    }
}

static int64_t file_size(const struct place *place, const char *ending)
{
    char path[PATH_BYTES + 16];
    struct stat file;

    (void)snprintf(path, sizeof path, "%s%s", place->path, ending);
    return stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
}

static bool file_holds(const struct place *place, const char *ending, const char *text)
{
    char path[PATH_BYTES + 16];
    struct buf content = { 0 };
    uint8_t block[4096];
    size_t size;

    (void)snprintf(path, sizeof path, "%s%s", place->path, ending);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    while ((size = fread(block, 1, sizeof block, file)) > 0) {
        buf_append(&content, bytes_of(block, size));
    }
    (void)fclose(file);
    bool holds = content.size > 0 && memmem(content.at, content.size, text, strlen(text)) != NULL;
    buf_clear(&content);
    return holds;
}

static void many_batches_share_few_commits(void **state)
{
    struct place *place = *state;
    int64_t commits;

    place_open(place, 1 << 24, 0);
    commits = metrics_value(METRIC_store_commits);
    for (int i = 1; i <= 2000; i++) {
        submit_insert(place, i, bytes_text("body"));
    }
    finish(place);
    commits = metrics_value(METRIC_store_commits) - commits;
    assert_int_equal(place->ok_count, 2000);
    assert_in_range(commits, 1, 1000);
}

static void on_pressure(void *arg, bool full)
{
    struct place *place = arg;

    if (full) {
        place->pressed++;
    } else {
        assert_true(place->waiting > 0); /* below half, not at the very end */
        place->released++;
    }
}

static void pressure_is_told_above_the_bound_and_below_half(void **state)
{
    struct place *place = *state;
    uint8_t body[10000] = { 0 };

    place_open(place, 200000, 0);
    store_set_pressure(place->store, on_pressure, place);
    for (int i = 1; i <= 10; i++) { /* about 120000 bytes with what a batch takes itself */
        submit_insert(place, i, bytes_of(body, sizeof body));
    }
    assert_int_equal(place->pressed, 0);
    for (int i = 11; i <= 40; i++) {
        submit_insert(place, i, bytes_of(body, sizeof body));
    }
    assert_int_equal(place->pressed, 1);
    assert_int_equal(place->released, 0);
    finish(place);
    assert_int_equal(place->released, 1);
    assert_int_equal(metrics_value(METRIC_store_queue_bytes), 0);
}

static void deleted_bytes_leave_the_database_and_its_log(void **state)
{
    struct place *place = *state;
    static const char secret[] = "a body that must not outlive its acknowledgement";
    int64_t until_ms = clock_steady_ms() + WAIT_MS;

    place_open(place, 1 << 24, 50);
    submit_insert(place, 1, bytes_text(secret));
    finish(place);
    assert_true(file_holds(place, "", secret) || file_holds(place, "-wal", secret));
    submit_removal(place, 1);
    finish(place);
    while (file_holds(place, "", secret) || file_holds(place, "-wal", secret)) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, 10);
    }
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void the_log_stays_short_under_load(void **state)
{
    struct place *place = *state;
    uint8_t *body = mem_zeroed(1, 60000);
    int64_t longest = 0;

    place_open(place, 1 << 25, 0);
    for (int i = 1; i <= 2400; i++) { /* 144 MB through a log of 16 */
        submit_insert(place, i, bytes_of(body, 60000));
        if (i % 40 == 0) {
            submit_removal(place, i);
        }
        while (place->waiting > 100) {
            loop_turn(place->loop, 100);
        }
        longest = larger(longest, file_size(place, "-wal"));
    }
    finish(place);
    free(body);
    assert_int_equal(place->ok_count, 2400 + 60);
    assert_in_range(longest, 1, 64 << 20);
}

static void free_pages_go_back_to_the_disk(void **state)
{
    struct place *place = *state;
    uint8_t *body = mem_zeroed(1, 60000);
    int64_t until_ms = clock_steady_ms() + WAIT_MS;

    place_open(place, 1 << 25, 50);
    for (int i = 1; i <= 400; i++) {
        submit_insert(place, i, bytes_of(body, 60000));
    }
    finish(place);
    free(body);
    submit_removal(place, 400);
    finish(place);
    while (file_size(place, "") == 0 || file_size(place, "") > 12 << 20) { /* 24 MB were in it */
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(place->loop, 10);
    }
}

static void the_log_is_empty_after_the_end(void **state)
{
    struct place *place = *state;

    place_open(place, 1 << 24, 0);
    submit_insert(place, 1, bytes_text("body"));
    finish(place);
    assert_true(file_size(place, "-wal") > 0);
    store_destroy(place->store);
    place->store = NULL;
    assert_int_equal(file_size(place, "-wal"), 0);
    assert_true(file_holds(place, "", "body"));
}

static int set_up(void **state)
{
    struct place *place = mem_zeroed(1, sizeof *place);

    temp_dir_create(place->dir);
    (void)snprintf(place->path, sizeof place->path, "%s/relay.db", place->dir);
    place->loop = loop_create();
    *state = place;
    return place->loop == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    store_destroy(place->store);
    loop_destroy(place->loop);
    temp_dir_remove(place->dir);
    free(place);
    return 0;
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(many_batches_share_few_commits),
        PLACE_TEST(pressure_is_told_above_the_bound_and_below_half),
        PLACE_TEST(deleted_bytes_leave_the_database_and_its_log),
        PLACE_TEST(the_log_stays_short_under_load),
        PLACE_TEST(free_pages_go_back_to_the_disk),
        PLACE_TEST(the_log_is_empty_after_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
