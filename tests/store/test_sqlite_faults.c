/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every input and output of a scenario fails once, the first, the second, and so
 * on until the scenario is through without a fault.  After each, nothing that
 * was answered OK may be missing: neither from the files as the next process
 * finds them, nor from what a power cut leaves of them.
 *
 * SEALPOST_FAULT_STEP: every how many of them fails (1), for tools that take their time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/log.h"
#include "common/loop.h"
#include "server/store/sqlite.h"
#include "server/store/store.h"
#include "tests/store/fault_vfs.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    KEYS = 60,
    ROUND = 6,
    PATH_BYTES = TEMP_DIR_BYTES + 16,
    FAULTS_MAX = 5000
};

static const struct store_stmt insert = {
    .name = "invites.insert",
    .sql = "INSERT INTO invites (invite_hash, uses_left, uses_total, expires_at, note,"
           " created_day) VALUES ($1, 1, 1, $2, $3, 0)",
};
static const struct store_stmt remove_one = {
    .name = "invites.remove",
    .sql = "DELETE FROM invites WHERE invite_hash = $1",
};
static const struct store_stmt find = {
    .name = "invites.find",
    .sql = "SELECT expires_at, note FROM invites",
};

struct key {
    bool was_tried;
    bool is_removed; /* a removal was submitted */
    enum store_status inserted;
    enum store_status removed;
};

struct scene {
    struct loop *loop;
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];
    struct key keys[KEYS];
    int waiting;
    struct scene_answer {
        struct scene *scene;
        enum store_status *status;
    } answers[KEYS * 2];
    int answer_count;
};

static uint8_t note[3000]; /* so that a row needs more than one page now and then */

static struct store *scene_open(const struct scene *scene, const char *path)
{
    const struct sqlite_config config = {
        .path = path, .queue_bytes = 1 << 20, .truncate_ms = 20, .reader_count = 1
    };
    char error[512] = "";
    struct store *store = sqlite_open(scene->loop, &config, error, sizeof error);

    assert_true(store != NULL || error[0] != '\0');
    return store;
}

static void on_answer(void *arg, enum store_status status, struct store_rows *rows)
{
    const struct scene_answer *answer = arg;

    (void)rows;
    *answer->status = status;
    answer->scene->waiting--;
}

static void scene_submit(struct scene *scene, struct store *store, struct store_batch *batch,
                         enum store_status *status)
{
    struct scene_answer *answer = &scene->answers[scene->answer_count++];

    answer->scene = scene;
    answer->status = status;
    scene->waiting++;
    store_submit(store, &batch, on_answer, answer);
}

static void scene_insert(struct scene *scene, struct store *store, int number)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &insert);
    store_bind_bytes(batch, bytes_of(&number, sizeof number));
    store_bind_int(batch, number);
    store_bind_text(batch, bytes_of(note, (size_t)number * 50));
    scene->keys[number].was_tried = true;
    scene_submit(scene, store, batch, &scene->keys[number].inserted);
}

static void scene_remove(struct scene *scene, struct store *store, int number)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &remove_one);
    store_bind_bytes(batch, bytes_of(&number, sizeof number));
    scene->keys[number].is_removed = true;
    scene_submit(scene, store, batch, &scene->keys[number].removed);
}

static void scene_play(struct scene *scene, struct store *store)
{
    for (int first = 0; first < KEYS; first += ROUND) {
        for (int i = first; i < first + ROUND; i++) {
            scene_insert(scene, store, i);
        }
        if (first > 0) {
            scene_remove(scene, store, first - 1);
            scene_remove(scene, store, first - 2);
        }
        while (scene->waiting > 0) {
            loop_turn(scene->loop, 100);
        }
    }
}

struct finding {
    bool is_done;
    bool is_there[KEYS];
};

static void on_found(void *arg, enum store_status status, struct store_rows *rows)
{
    struct finding *finding = arg;

    assert_int_equal(status, STORE_OK);
    while (store_rows_next(rows)) {
        int64_t number = store_rows_int(rows, 0);
        assert_in_range(number, 0, KEYS - 1);
        assert_int_equal(store_rows_bytes(rows, 1).size, number * 50);
        finding->is_there[number] = true;
    }
    finding->is_done = true;
}

static void scene_check_key(const struct key *key, bool is_there)
{
    bool may_be_there =
        key->was_tried && (key->inserted == STORE_OK || key->inserted == STORE_UNCERTAIN);
    bool must_be_there = key->was_tried && key->inserted == STORE_OK;

    if (key->is_removed && key->removed == STORE_OK) {
        may_be_there = false;
        must_be_there = false;
    } else if (key->is_removed && key->removed == STORE_UNCERTAIN) {
        must_be_there = false;
    }
    assert_true(is_there || !must_be_there);
    assert_true(!is_there || may_be_there);
}

/* Open what is at path, which must be sound, and hold it against the answers. */
static void scene_check(const struct scene *scene, const char *path)
{
    struct store *store = scene_open(scene, path);

    assert_non_null(store);
    struct store_batch *batch = store_batch_create();
    struct finding finding = { 0 };
    store_batch_add(batch, &find);
    store_read(store, &batch, on_found, &finding);
    while (!finding.is_done) {
        loop_turn(scene->loop, 100);
    }
    for (int i = 0; i < KEYS; i++) {
        scene_check_key(&scene->keys[i], finding.is_there[i]);
    }
    store_destroy(store);
}

static void scene_check_power_cut(const struct scene *scene)
{
    char dir[TEMP_DIR_BYTES];
    char path[PATH_BYTES];

    temp_dir_create(dir);
    (void)snprintf(path, sizeof path, "%s/relay.db", dir);
    fault_vfs_write_images(dir);
    fault_vfs_clear();
    scene_check(scene, path);
    temp_dir_remove(dir);
}

/* Play the scene with the nth call of kind failing; false: it did not come to that. */
static bool scene_fails_at(enum fault_kind kind, int64_t n)
{
    static struct scene scene;

    scene = (struct scene){ .loop = loop_create() };
    temp_dir_create(scene.dir);
    (void)snprintf(scene.path, sizeof scene.path, "%s/relay.db", scene.dir);
    fault_vfs_clear();
    fault_vfs_arm(kind == FAULT_VFS_WRITE ? FAULT_VFS_NONE : kind, n);
    struct store *store = scene_open(&scene, scene.path);
    if (store != NULL) {
        if (kind == FAULT_VFS_WRITE) {
            fault_vfs_arm(kind, n); /* torn writes are tried while it opens, too */
        }
        scene_play(&scene, store);
        store_destroy(store);
    }
    bool has_failed = fault_vfs_has_failed();
    fault_vfs_arm(FAULT_VFS_NONE, 0);
    scene_check_power_cut(&scene);
    scene_check(&scene, scene.path);
    fault_vfs_clear();
    temp_dir_remove(scene.dir);
    loop_destroy(scene.loop);
    return has_failed;
}

static int64_t step = 1;

static void nothing_answered_ok_is_lost(enum fault_kind kind, int64_t at_least)
{
    int64_t n = 1;

    while (scene_fails_at(kind, n)) {
        n += step;
        assert_true(n < FAULTS_MAX);
    }
    assert_true(n > at_least); /* the scenario did write */
}

static void nothing_answered_ok_is_lost_when_a_sync_fails(void **state)
{
    (void)state;
    nothing_answered_ok_is_lost(FAULT_VFS_SYNC, 10);
}

static void nothing_answered_ok_is_lost_when_a_write_fails(void **state)
{
    (void)state;
    nothing_answered_ok_is_lost(FAULT_VFS_WRITE, 30);
}

static void nothing_answered_ok_is_lost_when_a_write_is_torn(void **state)
{
    (void)state;
    nothing_answered_ok_is_lost(FAULT_VFS_TORN, 50);
}

static void nothing_answered_ok_is_lost_when_a_read_fails(void **state)
{
    (void)state;
    nothing_answered_ok_is_lost(FAULT_VFS_READ, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_answered_ok_is_lost_when_a_sync_fails),
        cmocka_unit_test(nothing_answered_ok_is_lost_when_a_write_fails),
        cmocka_unit_test(nothing_answered_ok_is_lost_when_a_write_is_torn),
        cmocka_unit_test(nothing_answered_ok_is_lost_when_a_read_fails),
    };

    if (access("/dev/shm", W_OK) == 0) { /* the images stand for the disk: a fast one will do */
        (void)setenv("TMPDIR", "/dev/shm", 0); /* NOLINT(concurrency-mt-unsafe): no thread yet */
    }
    const char *every = getenv("SEALPOST_FAULT_STEP"); /* NOLINT(concurrency-mt-unsafe): the same */
    if (every != NULL) {
        step = strtoll(every, NULL, 10);
        CHECK(step > 0);
    }
    memset(note, 'n', sizeof note);
    log_setup(LOG_ERROR, LOG_LOGFMT);
    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
