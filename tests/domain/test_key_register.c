/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/limits.h"
#include "common/loop.h"
#include "server/domain/changes.h"
#include "server/domain/key_register.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/key_folder.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

/* 40 bytes, in SQL. */
#define ZEROS                                  \
    "0000000000000000000000000000000000000000" \
    "0000000000000000000000000000000000000000"

struct setting {
    struct temp_domain temp;
    struct key_folder folder;
};

static int set_up(void **state)
{
    static struct setting setting;

    memset(&setting, 0, sizeof setting);
    temp_domain_open(&setting.temp);
    key_folder_open(&setting.temp, &setting.folder);
    key_folder_put(&setting.folder, "index", 1, 1);
    key_folder_put(&setting.folder, "seal", 1, 1);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    temp_domain_close(&setting->temp);
    key_folder_close(&setting->temp, &setting->folder);
    return 0;
}

enum {
    ROWS_MAX = 16
};

struct heard_rows {
    bool done;
    struct key_row rows[ROWS_MAX];
    size_t count;
};

static void hear_rows(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct heard_rows *heard = arg;

    assert_true(ok && count <= ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        heard->rows[i] = rows[i];
    }
    heard->count = count;
    heard->done = true;
}

static struct heard_rows settle_at(struct temp_domain *temp, const struct key_folder *folder,
                                   int64_t now_ms)
{
    struct heard_rows heard = { .done = false };

    key_register_settle(folder->keys, now_ms, hear_rows, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    return heard;
}

static struct heard_rows settle(struct temp_domain *temp, const struct key_folder *folder)
{
    return settle_at(temp, folder, SCENE_NOW_MS);
}

struct heard_change {
    bool done;
    struct key_change_outcome outcome;
};

static void hear_change(void *arg, const struct key_change_outcome *outcome)
{
    struct heard_change *heard = arg;

    assert_false(heard->done);
    heard->outcome = *outcome;
    heard->done = true;
}

static struct key_change_outcome rotate(struct setting *setting, const char *purpose)
{
    struct heard_change heard = { .done = false };

    key_change_rotate(setting->folder.keys, purpose, SCENE_NOW_MS, hear_change, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static struct key_change_outcome retire_at(struct setting *setting, const char *purpose,
                                           uint32_t id, int64_t now_ms)
{
    struct heard_change heard = { .done = false };

    key_change_retire(setting->folder.keys, purpose, id, now_ms, hear_change, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static struct key_change_outcome retire(struct setting *setting, const char *purpose, uint32_t id)
{
    return retire_at(setting, purpose, id, SCENE_NOW_MS);
}

static const struct key_row *row_of(const struct heard_rows *heard, const char *purpose,
                                    uint32_t id)
{
    for (size_t i = 0; i < heard->count; i++) {
        if (heard->rows[i].id == id && strcmp(heard->rows[i].purpose, purpose) == 0) {
            return &heard->rows[i];
        }
    }
    return NULL;
}

static void the_first_keys_are_in_force_at_once(void **state)
{
    struct setting *setting = *state;
    struct heard_rows heard = settle(&setting->temp, &setting->folder);

    assert_int_equal(heard.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(heard.rows[i].state, KEY_IN_FORCE);
        assert_int_equal(heard.rows[i].since, SCENE_NOW_MS / 1000);
        assert_int_equal(heard.rows[i].lacking, 0);
        assert_int_equal(heard.rows[i].using_it, 1);
    }
    assert_int_equal(setting->folder.used, 1);
}

static void a_fingerprint_that_was_noted_stays(void **state)
{
    struct setting *setting = *state;
    struct heard_rows heard;
    const uint8_t first[KEY_FINGERPRINT_BYTES] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

    (void)settle(&setting->temp, &setting->folder);
    memset(setting->folder.held[1].fingerprint, 9, KEY_FINGERPRINT_BYTES);
    heard = settle(&setting->temp, &setting->folder);
    assert_memory_equal(row_of(&heard, "seal", 1)->fingerprint, first, sizeof first);
    assert_int_equal(row_of(&heard, "seal", 1)->lacking, 1);
    assert_true(setting->folder.missed > 0);
}

static void a_new_key_is_used_at_once_where_nobody_else_is(void **state)
{
    struct setting *setting = *state;
    struct key_change_outcome outcome;
    struct heard_rows heard;

    (void)settle(&setting->temp, &setting->folder);
    outcome = rotate(setting, "seal");
    assert_int_equal(outcome.result, KEY_CHANGE_DONE);
    assert_int_equal(outcome.id, 2);
    assert_true(outcome.in_force);
    assert_int_equal(setting->folder.used, 2);
    heard = settle(&setting->temp, &setting->folder);
    assert_int_equal(row_of(&heard, "seal", 1)->using_it, 0);
    assert_int_equal(row_of(&heard, "seal", 2)->using_it, 1);
}

static void what_cannot_be_changed_is_told_with_the_reason(void **state)
{
    struct setting *setting = *state;
    struct key_change_outcome outcome = rotate(setting, "index");

    assert_int_equal(outcome.result, KEY_CHANGE_FIXED);
    assert_string_equal(outcome.why, "hashes");
    assert_int_equal(rotate(setting, "pepper").result, KEY_CHANGE_UNKNOWN);
    assert_int_equal(retire(setting, "index", 1).result, KEY_CHANGE_FIXED);
}

static void a_folder_that_cannot_be_written_changes_nothing(void **state)
{
    struct setting *setting = *state;
    struct key_change_outcome outcome;

    (void)settle(&setting->temp, &setting->folder);
    setting->folder.is_read_only = true;
    outcome = rotate(setting, "seal");
    assert_int_equal(outcome.result, KEY_CHANGE_FILE);
    assert_string_equal(outcome.error, "read-only");
    assert_int_equal(settle(&setting->temp, &setting->folder).count, 2);
}

static void a_key_is_retired_once_nothing_needs_it(void **state)
{
    struct setting *setting = *state;
    struct heard_rows heard;

    (void)settle(&setting->temp, &setting->folder);
    assert_int_equal(retire(setting, "seal", 1).result, KEY_CHANGE_IN_USE);
    assert_int_equal(retire(setting, "seal", 7).result, KEY_CHANGE_UNKNOWN);
    assert_int_equal(rotate(setting, "seal").result, KEY_CHANGE_DONE);
    assert_int_equal(retire(setting, "seal", 2).result, KEY_CHANGE_IN_USE);
    assert_int_equal(setting->folder.deleted, 0);
    assert_int_equal(retire(setting, "seal", 1).result, KEY_CHANGE_DONE);
    assert_int_equal(setting->folder.deleted, 1);
    assert_int_equal(setting->folder.dropped, 1);
    heard = settle(&setting->temp, &setting->folder);
    assert_int_equal(row_of(&heard, "seal", 1)->state, KEY_RETIRED);
    assert_int_equal(rotate(setting, "seal").id, 3);
}

static void a_file_that_stayed_is_deleted_by_the_next_call(void **state)
{
    struct setting *setting = *state;
    struct key_change_outcome outcome;

    (void)settle(&setting->temp, &setting->folder);
    (void)rotate(setting, "seal");
    setting->folder.is_read_only = true;
    outcome = retire(setting, "seal", 1);
    assert_int_equal(outcome.result, KEY_CHANGE_DONE);
    assert_string_equal(outcome.error, "read-only");
    setting->folder.is_read_only = false;
    outcome = retire(setting, "seal", 1);
    assert_int_equal(outcome.result, KEY_CHANGE_DONE);
    assert_string_equal(outcome.error, "");
    assert_int_equal(setting->folder.deleted, 2);
}

static void a_key_that_rows_are_sealed_under_is_not_retired(void **state)
{
    struct setting *setting = *state;
    struct key_change_outcome outcome;

    (void)settle(&setting->temp, &setting->folder);
    damage_run(&setting->temp,
               "INSERT INTO handles (handle_key, account, seq, binding, free_day)"
               " VALUES (x'07', 0, 0, x'0100000001" ZEROS "', 0)",
               "INSERT INTO handles (handle_key, account, seq, binding, free_day) VALUES"
               " ('\\x07'::bytea, 0, 0, decode('0100000001" ZEROS "', 'hex'), 0)");
    (void)rotate(setting, "seal");
    outcome = retire(setting, "seal", 1);
    assert_int_equal(outcome.result, KEY_CHANGE_NEEDED);
    assert_int_equal(outcome.row_count, 1);
    scene_run(&setting->temp, "DELETE FROM handles");
    assert_int_equal(retire(setting, "seal", 1).result, KEY_CHANGE_DONE);
}

static void a_key_of_challenges_is_not_retired_while_they_are_good(void **state)
{
    struct setting *setting = *state;
    struct key_change_outcome outcome;

    key_folder_put(&setting->folder, "challenge", 1, 1);
    (void)settle(&setting->temp, &setting->folder);
    assert_int_equal(rotate(setting, "challenge").result, KEY_CHANGE_DONE);
    outcome = retire(setting, "challenge", 1);
    assert_int_equal(outcome.result, KEY_CHANGE_RECENT);
    assert_true(outcome.retry_s >= LIMIT_CHALLENGE_S);
    outcome = retire_at(setting, "challenge", 1, SCENE_NOW_MS + outcome.retry_s * 1000);
    assert_int_equal(outcome.result, KEY_CHANGE_DONE);
}

static void keys_that_nobody_retires_come_to_an_end(void **state)
{
    struct setting *setting = *state;

    (void)settle(&setting->temp, &setting->folder);
    for (int i = 1; i < KEY_UNRETIRED_MAX; i++) {
        assert_int_equal(rotate(setting, "seal").result, KEY_CHANGE_DONE);
    }
    assert_int_equal(rotate(setting, "seal").result, KEY_CHANGE_TOO_MANY);
    assert_int_equal(retire(setting, "seal", 1).result, KEY_CHANGE_DONE);
    assert_int_equal(rotate(setting, "seal").result, KEY_CHANGE_DONE);
}

/* Another daemon with the same keys. */
static void open_beside(struct setting *setting, struct temp_domain *temp,
                        struct key_folder *folder)
{
    memset(folder, 0, sizeof *folder);
    temp_domain_open_beside(temp, &setting->temp);
    key_folder_open(temp, folder);
    key_folder_put(folder, "index", 1, 1);
    key_folder_put(folder, "seal", 1, 1);
    (void)settle(temp, folder);
}

static void close_beside(struct temp_domain *temp, struct key_folder *folder)
{
    temp_domain_close(temp);
    key_folder_close(temp, folder);
}

static void a_new_key_waits_until_every_daemon_has_it(void **state)
{
    struct setting *setting = *state;
    struct temp_domain beside;
    struct key_folder folder;
    struct key_change_outcome outcome;

    if (!temp_store_is_shared()) {
        skip();
    }
    (void)settle(&setting->temp, &setting->folder);
    open_beside(setting, &beside, &folder);
    outcome = rotate(setting, "seal");
    assert_int_equal(outcome.result, KEY_CHANGE_DONE);
    assert_false(outcome.in_force);
    assert_int_equal(outcome.lacking, 1);
    assert_int_equal(setting->folder.used, 1);
    outcome = rotate(setting, "seal");
    assert_int_equal(outcome.result, KEY_CHANGE_AWAITED);
    assert_int_equal(outcome.id, 2);
    assert_int_equal(retire(setting, "seal", 2).result, KEY_CHANGE_AWAITED);
    (void)settle(&beside, &folder);
    assert_int_equal(folder.missed, 1);
    key_folder_put(&folder, "seal", 2, 2);
    (void)settle(&beside, &folder);
    assert_int_equal(folder.used, 2);
    assert_int_equal(retire(setting, "seal", 1).result, KEY_CHANGE_DONE);
    assert_int_equal(setting->folder.used, 2);
    (void)settle(&beside, &folder);
    assert_int_equal(folder.dropped, 1);
    assert_int_equal(folder.deleted, 0);
    close_beside(&beside, &folder);
}

static void a_key_is_not_retired_while_another_daemon_makes_with_it(void **state)
{
    struct setting *setting = *state;
    struct temp_domain beside;
    struct key_folder folder;

    if (!temp_store_is_shared()) {
        skip();
    }
    key_folder_put(&setting->folder, "seal", 2, 2);
    (void)settle(&setting->temp, &setting->folder);
    open_beside(setting, &beside, &folder); /* it has not seal-2 and should not have begun */
    key_folder_use(&folder, "seal", 1);
    (void)settle(&beside, &folder);
    assert_int_equal(retire(setting, "seal", 1).result, KEY_CHANGE_IN_USE);
    close_beside(&beside, &folder);
}

static void whoever_stopped_or_died_is_not_waited_for(void **state)
{
    struct setting *setting = *state;
    struct temp_domain beside;
    struct key_folder folder;
    int64_t later_ms = SCENE_NOW_MS + INT64_C(181000);
    struct heard_rows heard;

    if (!temp_store_is_shared()) {
        skip();
    }
    (void)settle(&setting->temp, &setting->folder);
    open_beside(setting, &beside, &folder);
    close_beside(&beside, &folder);
    assert_int_equal(rotate(setting, "seal").lacking, 1);
    heard = settle_at(&setting->temp, &setting->folder, later_ms);
    assert_int_equal(row_of(&heard, "seal", 2)->state, KEY_IN_FORCE);
    assert_int_equal(setting->folder.used, 2);
}

static void however_many_ask_at_once_it_is_followed_once_more(void **state)
{
    struct setting *setting = *state;

    (void)settle(&setting->temp, &setting->folder);
    setting->folder.listed = 0;
    for (int i = 0; i < 50; i++) {
        key_register_follow(setting->folder.keys, SCENE_NOW_MS);
    }
    (void)settle(&setting->temp, &setting->folder);
    (void)settle(&setting->temp, &setting->folder);
    assert_int_equal(setting->folder.listed, 2 + 2);
}

static void what_was_told_before_a_daemon_began_is_not_followed(void **state)
{
    struct setting *setting = *state;
    struct temp_domain beside;
    struct key_folder folder;

    if (!temp_store_is_shared()) {
        skip();
    }
    (void)settle(&setting->temp, &setting->folder); /* it tells that it makes with its keys now */
    open_beside(setting, &beside, &folder);
    changes_destroy(beside.domain.changes);
    beside.domain.changes = changes_create();
    folder.listed = 0;
    changes_read(&beside.domain, SCENE_NOW_MS);
    for (int i = 0; i < 3; i++) {
        (void)settle(&beside, &folder);
    }
    assert_int_equal(folder.listed, 3);
    changes_begin(&beside.domain, 0); /* and what it was told meanwhile it looks at */
    while (folder.listed == 3) {
        loop_turn(beside.temp.loop, 100);
    }
    close_beside(&beside, &folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_first_keys_are_in_force_at_once),
        TEST(a_fingerprint_that_was_noted_stays),
        TEST(a_new_key_is_used_at_once_where_nobody_else_is),
        TEST(what_cannot_be_changed_is_told_with_the_reason),
        TEST(a_folder_that_cannot_be_written_changes_nothing),
        TEST(a_key_is_retired_once_nothing_needs_it),
        TEST(a_file_that_stayed_is_deleted_by_the_next_call),
        TEST(a_key_that_rows_are_sealed_under_is_not_retired),
        TEST(a_key_of_challenges_is_not_retired_while_they_are_good),
        TEST(keys_that_nobody_retires_come_to_an_end),
        TEST(a_new_key_waits_until_every_daemon_has_it),
        TEST(a_key_is_not_retired_while_another_daemon_makes_with_it),
        TEST(whoever_stopped_or_died_is_not_waited_for),
        TEST(however_many_ask_at_once_it_is_followed_once_more),
        TEST(what_was_told_before_a_daemon_began_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
