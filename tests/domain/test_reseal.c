/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "common/bytes.h"
#include "common/loop.h"
#include "common/seal.h"
#include "server/domain/reseal.h"
#include "server/domain/sealed.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/support/unit.h"

enum {
    TURN_MS = 100,
    MANY = 150, /* more than two pages */
};

static const uint8_t key_two[SEAL_KEY_BYTES] = { 2 };

struct heard_count {
    bool done;
    struct reseal_count counts[RESEAL_KEYS_MAX];
    size_t count;
};

static void hear_count(void *arg, bool ok, const struct reseal_count *counts, size_t count)
{
    struct heard_count *heard = arg;

    assert_true(ok);
    for (size_t i = 0; i < count; i++) {
        heard->counts[i] = counts[i];
    }
    heard->count = count;
    heard->done = true;
}

static int64_t rows_under(struct factor_scenes *scenes, uint32_t key_id)
{
    struct heard_count heard = { .done = false };

    reseal_count(&scenes->temp.domain, hear_count, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    for (size_t i = 0; i < heard.count; i++) {
        if (heard.counts[i].key_id == key_id) {
            return heard.counts[i].row_count;
        }
    }
    return 0;
}

static void seal_with_two(struct factor_scenes *scenes)
{
    seal_add_key(scenes->temp.domain.seal, 2, key_two);
    seal_use(scenes->temp.domain.seal, 2);
}

/* Walk to the end and say how it was left. */
static struct reseal_state walk(struct factor_scenes *scenes)
{
    struct reseal *reseal = reseal_create(&scenes->temp.domain);
    struct reseal_state state;

    reseal_begin(reseal);
    do {
        loop_turn(scenes->temp.temp.loop, TURN_MS);
        state = reseal_state(reseal);
    } while (state.is_walking);
    reseal_destroy(reseal);
    return state;
}

/* Rows of handles that nobody has, each with a value that was sealed for its place. */
static void put_bindings(struct factor_scenes *scenes, uint8_t count)
{
    static const struct store_stmt put = {
        .name = "test.put",
        .sql = "INSERT INTO handles (handle_key, account, seq, binding, owner_hash, free_day)"
               " VALUES ($1, 0, 0, $2, NULL, 0)",
    };
    struct store_batch *batch = store_batch_create();

    for (uint8_t i = 0; i < count; i++) {
        const uint8_t key[SEALED_ROW_KEY_BYTES] = { i };
        const struct seal_place place = sealed_place(SEALED_BINDING, bytes_of(key, sizeof key));
        struct buf sealed = { 0 };

        seal_close(scenes->temp.domain.seal, &place, bytes_of(&i, 1), &sealed);
        store_batch_add(batch, &put);
        store_bind_bytes(batch, bytes_of(key, sizeof key));
        store_bind_bytes(batch, buf_view(&sealed));
        buf_clear(&sealed);
    }
    assert_int_equal(temp_store_run(&scenes->temp.temp, &batch, NULL, NULL), STORE_OK);
}

static void what_every_column_holds_is_sealed_anew_and_still_good(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_TOTP);
    struct started shown = factor_start(scenes, TXN_LINK, FACTOR_CODE);
    char text[CODES_DIGITS + 1];
    struct code code;
    struct reseal_state end;

    put_bindings(scenes, MANY);
    assert_int_equal(rows_under(scenes, 1), MANY + 2);
    seal_with_two(scenes);
    end = walk(scenes);
    assert_int_equal(end.left, 0);
    assert_int_equal(end.unreadable, 0);
    assert_int_equal(rows_under(scenes, 1), 0);
    assert_int_equal(rows_under(scenes, 2), MANY + 2);
    seal_drop_key(scenes->temp.domain.seal, 1);
    factor_app_code(scenes, &app, 1, text);
    assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_DONE);
    assert_true(factor_shown(scenes, &code));
    assert_int_equal(factor_answer(scenes, &shown, code.digits).result, TXNS_DONE);
    assert_int_equal(walk(scenes).unreadable, 0);
}

static void a_walk_that_was_cut_off_is_made_good_by_the_next(void **state)
{
    struct factor_scenes *scenes = *state;
    struct reseal *reseal = NULL;

    put_bindings(scenes, MANY);
    seal_with_two(scenes);
    reseal = reseal_create(&scenes->temp.domain);
    reseal_begin(reseal);
    temp_domain_restart(&scenes->temp); /* what waits is answered, and the walk ends */
    assert_false(reseal_state(reseal).is_walking);
    reseal_destroy(reseal);
    assert_int_equal(walk(scenes).left, 0);
    assert_int_equal(rows_under(scenes, 2), MANY);
}

static void a_row_that_changes_meanwhile_keeps_its_change(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol(scenes, FACTOR_TOTP, NULL);
    struct reseal *reseal = NULL;

    assert_int_equal(app.result, FACTORS_DONE);
    seal_with_two(scenes);
    reseal = reseal_create(&scenes->temp.domain);
    reseal_begin(reseal); /* its read is on the way */
    damage_run(&scenes->temp, "UPDATE factors SET secret = x'07'",
               "UPDATE factors SET secret = '\\x07'::bytea");
    while (reseal_state(reseal).is_walking) {
        loop_turn(scenes->temp.temp.loop, TURN_MS);
    }
    reseal_destroy(reseal);
    assert_int_equal(scene_count(&scenes->temp, "SELECT length(secret) FROM factors"), 1);
}

static void what_cannot_be_opened_is_counted_and_stays(void **state)
{
    struct factor_scenes *scenes = *state;
    struct reseal_state end;

    put_bindings(scenes, 3);
    seal_with_two(scenes);
    seal_drop_key(scenes->temp.domain.seal, 1);
    end = walk(scenes);
    assert_int_equal(end.unreadable, 3);
    assert_int_equal(end.left, 0);
    assert_int_equal(rows_under(scenes, 1), 3);
    damage_run(&scenes->temp, "UPDATE handles SET binding = x'01'",
               "UPDATE handles SET binding = '\\x01'::bytea");
    assert_int_equal(walk(scenes).unreadable, 3);
    assert_int_equal(rows_under(scenes, 0), 3);
}

static void nothing_is_done_where_all_is_under_the_key_in_use(void **state)
{
    struct factor_scenes *scenes = *state;

    put_bindings(scenes, 3);
    assert_int_equal(walk(scenes).left, 0);
    assert_int_equal(rows_under(scenes, 1), 3);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_every_column_holds_is_sealed_anew_and_still_good),
        TEST(a_walk_that_was_cut_off_is_made_good_by_the_next),
        TEST(a_row_that_changes_meanwhile_keeps_its_change),
        TEST(what_cannot_be_opened_is_counted_and_stays),
        TEST(nothing_is_done_where_all_is_under_the_key_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
