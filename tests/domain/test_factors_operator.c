/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "common/loop.h"
#include "server/domain/account_log.h"
#include "server/domain/factors_operator.h"
#include "server/domain/hub.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/support/unit.h"

enum {
    TURN_MS = 50
};

struct heard_list {
    bool done;
    enum factors_operator_result result;
    size_t count;
    struct factors_view views[FACTORS_LIST_MAX]; /* their labels are gone */
};

static void hear_list(void *arg, enum factors_operator_result result,
                      const struct factors_view *views, size_t count)
{
    struct heard_list *heard = arg;

    assert_false(heard->done);
    heard->result = result;
    heard->count = count;
    for (size_t i = 0; i < count; i++) {
        heard->views[i] = views[i];
    }
    heard->done = true;
}

static struct heard_list list_of(struct factor_scenes *scenes, const struct account_id *account_id)
{
    struct heard_list heard = { .done = false };

    factors_operator_list(&scenes->temp.domain, account_id, hear_list, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

struct heard_removal {
    bool done;
    enum factors_operator_result result;
};

static void hear_removal(void *arg, enum factors_operator_result result)
{
    struct heard_removal *heard = arg;

    assert_false(heard->done);
    heard->result = result;
    heard->done = true;
}

static void remove_start(struct factor_scenes *scenes, const struct factor_id *factor_id,
                         struct heard_removal *heard)
{
    *heard = (struct heard_removal){ .done = false };
    factors_operator_remove(&scenes->temp.domain, &scenes->ada.account_id, factor_id,
                            scenes->now_ms, hear_removal, heard);
}

static enum factors_operator_result remove_of(struct factor_scenes *scenes,
                                              const struct factor_id *factor_id)
{
    struct heard_removal heard;

    remove_start(scenes, factor_id, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.result;
}

static int64_t factor_count(struct factor_scenes *scenes)
{
    return scene_count(&scenes->temp, "SELECT count(*) FROM factors");
}

static void a_list_tells_kinds_and_dates(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol(scenes, FACTOR_TOTP, NULL);
    struct heard_factor set = factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL);
    struct heard_list list = list_of(scenes, &scenes->ada.account_id);

    assert_int_equal(list.result, FACTORS_OPERATOR_DONE);
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        const struct factors_view *view = &list.views[i];
        bool is_app = view->kind == FACTOR_TOTP;
        assert_memory_equal(view->factor_id.raw, is_app ? app.factor_id.raw : set.factor_id.raw,
                            sizeof view->factor_id.raw);
        assert_int_equal(view->is_confirmed, !is_app);
        assert_int_equal(view->codes_left, is_app ? 0 : RECOVERY_CODE_COUNT);
        assert_int_equal(view->created_at % 3600, 0);
    }
    assert_int_not_equal(list.views[0].kind, list.views[1].kind);
}

static void an_account_without_factors_is_known_and_another_is_not(void **state)
{
    struct factor_scenes *scenes = *state;
    const struct account_id nobody = { { 1 } };
    const struct factor_id unknown = { { 1 } };
    struct heard_removal heard = { .done = false };

    assert_int_equal(list_of(scenes, &scenes->ada.account_id).result, FACTORS_OPERATOR_DONE);
    assert_int_equal(list_of(scenes, &scenes->ada.account_id).count, 0);
    assert_int_equal(list_of(scenes, &nobody).result, FACTORS_OPERATOR_NO_ACCOUNT);
    factors_operator_remove(&scenes->temp.domain, &nobody, &unknown, scenes->now_ms, hear_removal,
                            &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.result, FACTORS_OPERATOR_NO_ACCOUNT);
    assert_int_equal(remove_of(scenes, &unknown), FACTORS_OPERATOR_UNKNOWN);
}

static void a_factor_of_another_account_is_unknown(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct heard_removal heard = { .done = false };
    struct person bob;

    person_init(&bob, 1);
    scene_register(&scenes->temp, &bob);
    factors_operator_remove(&scenes->temp.domain, &bob.account_id, &app.factor_id, scenes->now_ms,
                            hear_removal, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.result, FACTORS_OPERATOR_UNKNOWN);
    assert_int_equal(factor_count(scenes), 1);
    person_clear(&bob);
}

static void a_removed_factor_is_none_any_more(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);

    assert_int_equal(factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL).result, FACTORS_STEPUP);
    assert_int_equal(remove_of(scenes, &app.factor_id), FACTORS_OPERATOR_DONE);
    assert_int_equal(remove_of(scenes, &app.factor_id), FACTORS_OPERATOR_UNKNOWN);
    assert_int_equal(factor_begin(scenes, TXN_STEPUP, NULL).kinds, 1U << FACTOR_CODE);
    assert_int_equal(factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL).result, FACTORS_DONE);
}

static void a_removed_set_takes_its_codes_along(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor set = factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL);

    assert_int_equal(remove_of(scenes, &set.factor_id), FACTORS_OPERATOR_DONE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM recovery_codes"), 0);
}

/* What the account's log has, of device 0. */
static int64_t noted(struct factor_scenes *scenes)
{
    return scene_count(&scenes->temp,
                       "SELECT count(*) FROM account_log WHERE event = 2 AND kind = 1 AND "
                       "device_id = 0");
}

static void a_removal_is_in_the_log_and_told_to_the_devices(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct session_hash hash = scene_begin(&scenes->temp, &scenes->ada, 2);
    struct scene_stream stream;

    scene_listen(&scenes->temp, &person_device(&scenes->ada, 2)->pub, &hash, &stream);
    assert_int_equal(remove_of(scenes, &app.factor_id), FACTORS_OPERATOR_DONE);
    while (stream.event_count == 0) { /* the head is read before anybody is told */
        loop_turn(scenes->temp.temp.loop, TURN_MS);
    }
    assert_int_equal(stream.event.kind, HUB_EVENT_FACTOR);
    assert_int_equal(stream.event.factor_event, ACCOUNT_LOG_REMOVED);
    assert_int_equal(stream.event.factor_kind, FACTOR_TOTP);
    assert_true(account_log_is_operators(stream.event.factor_event, stream.event.device_id));
    assert_int_equal(noted(scenes), 1);
    scene_leave(&stream);
}

static void a_removal_that_cannot_be_noted_does_not_happen(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);

    damage_break(&scenes->temp, DAMAGE_INSERT_ACCOUNT_LOG);
    assert_int_equal(remove_of(scenes, &app.factor_id), FACTORS_OPERATOR_UNAVAILABLE);
    damage_mend(&scenes->temp);
    assert_int_equal(factor_count(scenes), 1);
    assert_int_equal(noted(scenes), 0);
}

static void of_two_removals_at_once_one_is_done_and_noted(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct heard_removal heard[2];

    for (size_t i = 0; i < 2; i++) {
        remove_start(scenes, &app.factor_id, &heard[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(
        (heard[0].result == FACTORS_OPERATOR_DONE) + (heard[1].result == FACTORS_OPERATOR_DONE), 1);
    assert_int_equal((heard[0].result == FACTORS_OPERATOR_UNKNOWN) +
                         (heard[1].result == FACTORS_OPERATOR_UNKNOWN),
                     1);
    assert_int_equal(noted(scenes), 1);
}

/* An operator is trusted with no device: what a device did is not his, nor is what was used. */
static void only_a_removal_by_no_device_is_the_operators(void **state)
{
    (void)state;
    assert_true(account_log_is_operators(ACCOUNT_LOG_REMOVED, 0));
    assert_false(account_log_is_operators(ACCOUNT_LOG_REMOVED, 1));
    assert_false(account_log_is_operators(ACCOUNT_LOG_USED, 0));
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_list_tells_kinds_and_dates),
        TEST(an_account_without_factors_is_known_and_another_is_not),
        TEST(a_factor_of_another_account_is_unknown),
        TEST(a_removed_factor_is_none_any_more),
        TEST(a_removed_set_takes_its_codes_along),
        TEST(a_removal_is_in_the_log_and_told_to_the_devices),
        TEST(a_removal_that_cannot_be_noted_does_not_happen),
        TEST(of_two_removals_at_once_one_is_done_and_noted),
        TEST(only_a_removal_by_no_device_is_the_operators),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
