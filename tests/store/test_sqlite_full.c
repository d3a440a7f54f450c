/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full disk: no OK without a commit, reads and deletes go on, and the store
 * recovers by itself.  Played twice: on a small tmpfs in a mount namespace of
 * our own, and, where nobody may mount, only behind a VFS with a quota.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_private.h"
#include "server/store/store.h"
#include "tests/store/fault_vfs.h"
#include "tests/support/own_mounts.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    PATH_BYTES = TEMP_DIR_BYTES + 32,
    BODY_BYTES = 8000,
    BODIES_MAX = 4000,
    IN_FLIGHT = 10,
    DISK_BYTES = 12 << 20,
    BALLAST_BYTES = 1 << 20,
    ROUNDS = 5,
    CROWD = 110,    /* deletes of one group: they write more than the ballast */
    LOG_ROUNDS = 7, /* of inserts, that the log then holds: less than the ballast */
};

static const struct store_stmt insert = {
    .name = "envelopes.insert",
    .sql = "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag,"
           " id, body) VALUES ($1, 1, 0, 0, 0, 0, 0, 0, $2, $3)",
};
static const struct store_stmt remove_one = {
    .name = "envelopes.remove",
    .sql = "DELETE FROM envelopes WHERE seq = $1 RETURNING seq",
};
static const struct store_stmt count_all = {
    .name = "envelopes.count",
    .sql = "SELECT count(*) FROM envelopes",
};

struct answer {
    struct place *place;
    enum store_status status;
};

struct place {
    struct loop *loop;
    struct store *store;
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];
    bool is_mounted;
    bool has_quota;
    int waiting;
    int answer_count;
    struct answer answers[BODIES_MAX];
    int64_t next_seq;
    int64_t stored[BODIES_MAX]; /* what was answered OK and not removed */
    int stored_count;
};

static bool may_mount;
static uint8_t body[BODY_BYTES];

static void place_open(struct place *place)
{
    const struct sqlite_config config = { .path = place->path,
                                          .queue_bytes = 1 << 20,
                                          .ballast_bytes = BALLAST_BYTES,
                                          .reader_count = 1 };
    char error[512] = "";

    place->store = sqlite_open(place->loop, &config, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(place->store);
}

static void on_done(void *arg, enum store_status status, struct store_rows *rows)
{
    struct answer *answer = arg;

    (void)rows;
    answer->status = status;
    answer->place->waiting--;
}

static struct answer *answer_next(struct place *place)
{
    struct answer *answer = &place->answers[place->answer_count++];

    assert_true(place->answer_count < BODIES_MAX);
    answer->place = place;
    place->waiting++;
    return answer;
}

static void finish(struct place *place)
{
    while (place->waiting > 0) {
        loop_turn(place->loop, 100);
    }
    place->answer_count = 0;
}

static void submit_insert(struct place *place, int64_t seq)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &insert);
    store_bind_int(batch, seq);
    store_bind_bytes(batch, bytes_of(&seq, sizeof seq));
    store_bind_borrowed(batch, bytes_of(body, sizeof body));
    store_submit(place->store, &batch, on_done, answer_next(place));
}

/* Insert a few; how many were refused because the disk is full? */
static int insert_some(struct place *place)
{
    int64_t first = place->next_seq;
    int full_count = 0;

    for (int i = 0; i < IN_FLIGHT; i++) {
        submit_insert(place, place->next_seq++);
    }
    finish(place);
    for (int i = 0; i < IN_FLIGHT; i++) {
        if (place->answers[i].status == STORE_OK) {
            place->stored[place->stored_count++] = first + i;
        } else {
            assert_int_equal(place->answers[i].status, STORE_FULL);
            full_count++;
        }
    }
    return full_count;
}

static void fill(struct place *place)
{
    while (insert_some(place) == 0) {
        assert_true(place->stored_count < BODIES_MAX - IN_FLIGHT);
    }
}

static void hear_count(void *arg, enum store_status status, struct store_rows *rows)
{
    int64_t *count = arg;

    assert_int_equal(status, STORE_OK);
    assert_true(store_rows_next(rows));
    *count = store_rows_int(rows, 0);
}

static void check_count(struct place *place)
{
    struct store_batch *batch = store_batch_create();
    int64_t count = -1;

    store_batch_add(batch, &count_all);
    store_read(place->store, &batch, hear_count, &count);
    while (count < 0) {
        loop_turn(place->loop, 100);
    }
    assert_int_equal(count, place->stored_count);
}

static void submit_remove(struct place *place, int64_t seq)
{
    struct store_batch *batch = store_batch_create();

    store_batch_expect(batch, &remove_one);
    store_bind_int(batch, seq);
    store_submit(place->store, &batch, on_done, answer_next(place));
}

static void forget_oldest(struct place *place, int count)
{
    for (int i = count; i < place->stored_count; i++) {
        place->stored[i - count] = place->stored[i];
    }
    place->stored_count -= count;
}

/* Remove the oldest, one a batch, as acknowledgements do; each must be done. */
static void remove_oldest(struct place *place, int count)
{
    for (int i = 0; i < count; i++) {
        submit_remove(place, place->stored[i]);
        if (i % IN_FLIGHT == 0) {
            loop_turn(place->loop, 0);
        }
    }
    finish(place);
    for (int i = 0; i < count; i++) {
        assert_int_equal(place->answers[i].status, STORE_OK);
    }
    forget_oldest(place, count);
}

/* One group, since the writer is held: an insert, to be refused, and a crowd of removals. */
static void remove_crowd_and_insert(struct place *place)
{
    struct sqlite_store *store = (struct sqlite_store *)place->store;

    sqlite_writer_pause(store);
    submit_insert(place, place->next_seq++);
    for (int i = 0; i < CROWD; i++) {
        submit_remove(place, place->stored[i]);
    }
    sqlite_writer_resume(store);
    finish(place);
    assert_int_equal(place->answers[0].status, STORE_FULL);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(place->answers[1 + i].status, STORE_OK);
    }
    forget_oldest(place, CROWD);
}

/* The store looks by itself; one that never does is ended by ctest. */
static void wait_for_space(struct place *place)
{
    const char *why = NULL;

    while (!store_is_ready(place->store, &why)) {
        loop_turn(place->loop, 20);
    }
}

static void a_full_disk_refuses_inserts_serves_the_rest_and_recovers(void **state)
{
    struct place *place = *state;

    if (!place->is_mounted && !place->has_quota) {
        skip(); /* a disk without an end */
    }
    place_open(place);
    for (int round = 0; round < ROUNDS; round++) {
        fill(place);
        check_count(place);
        remove_oldest(place, place->stored_count * (round + 1) / ROUNDS);
        check_count(place);
        wait_for_space(place);
        assert_int_equal(insert_some(place), 0);
        check_count(place);
    }
    store_destroy(place->store);
    place_open(place);
    check_count(place);
}

static void inserts_are_refused_and_the_store_is_not_ready_while_the_disk_is_full(void **state)
{
    struct place *place = *state;
    const char *why = NULL;

    if (!place->is_mounted) {
        skip();
    }
    place_open(place);
    fill(place);
    assert_int_equal(insert_some(place), IN_FLIGHT);
    assert_false(store_is_ready(place->store, &why));
    assert_non_null(why);
}

static void write_filler(const char *path)
{
    static const uint8_t block[65536];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    assert_int_equal(close(fd), 0);
}

static int64_t used_bytes(const struct place *place)
{
    static const char *const suffixes[] = { "", "-wal", "-ballast" };
    char path[PATH_BYTES + 16];
    struct stat file;
    int64_t bytes = 0;

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(path, sizeof path, "%s%s", place->path, suffixes[i]);
        bytes += stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
    }
    return bytes;
}

static void leave_no_space(const struct place *place, const char *filler)
{
    if (place->is_mounted) {
        write_filler(filler);
    } else {
        fault_vfs_set_quota(place->path, used_bytes(place));
    }
}

static void give_space(const struct place *place, const char *filler)
{
    if (place->is_mounted) {
        assert_int_equal(unlink(filler), 0);
    } else {
        fault_vfs_set_quota(place->path, DISK_BYTES);
    }
}

/* Keep what is written from now on in the log. */
static void hold_checkpoints(struct place *place)
{
    struct sqlite_store *store = (struct sqlite_store *)place->store;

    assert_int_equal(pthread_mutex_lock(&store->lock), 0);
    store->wal_mark = INT_MAX;
    store->wal_limit = INT_MAX;
    assert_int_equal(pthread_mutex_unlock(&store->lock), 0);
}

/* The group that finds the disk full must leave room for what its own deletes write. */
static void a_crowd_that_removes_as_the_disk_fills_is_served(void **state)
{
    struct place *place = *state;
    char filler[PATH_BYTES];

    if (!place->is_mounted && !place->has_quota) {
        skip();
    }
    place_open(place);
    (void)snprintf(filler, sizeof filler, "%s/filler", place->dir);
    while (place->stored_count < CROWD + IN_FLIGHT) {
        assert_int_equal(insert_some(place), 0);
    }
    store_destroy(place->store);
    place_open(place);
    hold_checkpoints(place);
    for (int round = 0; round < LOG_ROUNDS; round++) {
        assert_int_equal(insert_some(place), 0);
    }
    leave_no_space(place, filler);
    remove_crowd_and_insert(place);
    check_count(place);
    give_space(place, filler);
    wait_for_space(place);
    assert_int_equal(insert_some(place), 0);
}

static void space_that_somebody_else_frees_is_seen(void **state)
{
    struct place *place = *state;
    char filler[PATH_BYTES];

    if (!place->is_mounted) {
        skip();
    }
    place_open(place);
    assert_int_equal(insert_some(place), 0);
    (void)snprintf(filler, sizeof filler, "%s/filler", place->dir);
    for (int round = 0; round < 3; round++) {
        write_filler(filler);
        fill(place);
        check_count(place);
        assert_int_equal(unlink(filler), 0);
        wait_for_space(place);
        assert_int_equal(insert_some(place), 0);
        remove_oldest(place, place->stored_count);
    }
}

static void a_store_that_opens_on_a_full_disk_serves_deletes(void **state)
{
    struct place *place = *state;

    if (!place->is_mounted) {
        skip();
    }
    place_open(place);
    fill(place);
    store_destroy(place->store);
    place_open(place);
    check_count(place);
    remove_oldest(place, place->stored_count);
    wait_for_space(place);
    assert_int_equal(insert_some(place), 0);
}

static int set_up(void **state, bool on_tmpfs)
{
    struct place *place = mem_zeroed(1, sizeof *place);

    *state = place;
    temp_dir_create(place->dir);
    (void)snprintf(place->path, sizeof place->path, "%s/relay.db", place->dir);
    place->next_seq = 1;
    place->loop = loop_create();
    if (on_tmpfs) {
        place->is_mounted =
            may_mount && mount("tmpfs", place->dir, "tmpfs", 0, "size=12m,mode=700") == 0;
        fault_vfs_set_quota(place->path, 0);
    } else {
        place->has_quota = true;
        fault_vfs_set_quota(place->path, DISK_BYTES);
    }
    return place->loop == NULL ? -1 : 0;
}

static int set_up_quota(void **state)
{
    return set_up(state, false);
}

static int set_up_tmpfs(void **state)
{
    return set_up(state, true);
}

static int tear_down(void **state)
{
    struct place *place = *state;

    store_destroy(place->store);
    loop_destroy(place->loop);
    if (place->is_mounted) {
        (void)umount2(place->dir, MNT_DETACH);
    }
    temp_dir_remove(place->dir);
    fault_vfs_clear();
    free(place);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_inserts_serves_the_rest_and_recovers,
                                        set_up_quota, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_inserts_serves_the_rest_and_recovers,
                                        set_up_tmpfs, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_that_removes_as_the_disk_fills_is_served,
                                        set_up_quota, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_that_removes_as_the_disk_fills_is_served,
                                        set_up_tmpfs, tear_down),
        cmocka_unit_test_setup_teardown(
            inserts_are_refused_and_the_store_is_not_ready_while_the_disk_is_full, set_up_tmpfs,
            tear_down),
        cmocka_unit_test_setup_teardown(space_that_somebody_else_frees_is_seen, set_up_tmpfs,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_opens_on_a_full_disk_serves_deletes,
                                        set_up_tmpfs, tear_down),
    };

    fault_vfs_install();
    may_mount = own_mounts_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
