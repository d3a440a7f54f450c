/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery contacts.  Over a temp_domain, on either engine. */
#include <stddef.h>
#include <string.h>

#include "common/limits.h"
#include "server/domain/domain.h"
#include "tests/domain/support/recovery_scenes.h"
#include "tests/support/unit.h"

struct heard_list {
    bool done;
    size_t count;
    int64_t slots[LIMIT_RECOVERY_SLOTS];
    size_t label_size;
};

static void hear_list(void *arg, bool ok, const struct recovery_contacts_view *views, size_t count)
{
    struct heard_list *heard = arg;

    assert_true(ok);
    heard->count = count;
    for (size_t i = 0; i < count; i++) {
        heard->slots[i] = views[i].slot;
        heard->label_size = views[i].label.size;
    }
    heard->done = true;
}

static struct heard_list list(struct factor_scenes *scenes)
{
    struct heard_list heard = { .done = false };

    recovery_contacts_list(&scenes->temp.domain, &scenes->ada.account_id, hear_list, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

static void slots_are_listed_in_their_order(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_list heard;

    for (int64_t slot = LIMIT_RECOVERY_SLOTS; slot > 0; slot--) {
        assert_int_equal(recovery_put(scenes, 1, slot, recovery_a, NULL), RECOVERY_CONTACTS_DONE);
    }
    heard = list(scenes);
    assert_int_equal(heard.count, LIMIT_RECOVERY_SLOTS);
    for (size_t i = 0; i < heard.count; i++) {
        assert_int_equal(heard.slots[i], i + 1);
    }
    assert_int_equal(heard.label_size, strlen("label"));
}

static void a_share_stands_sealed_and_for_its_slot(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);

    assert_int_equal(scene_count(&scenes->temp, "SELECT length(share) FROM recovery_contacts"),
                     RECOVERY_A_BYTES + 45);
    recovery_meet(scenes, &begun, RECOVERY_SLOT + 1);
    scene_run(&scenes->temp, "UPDATE recovery_contacts SET slot = slot + 1");
    recovery_set_clock(scenes, SCENE_NOW_MS + RECOVERY_WAIT_S * 1000, 0);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_UNAVAILABLE);
}

static void another_share_takes_the_place_of_the_first(void **state)
{
    static const uint8_t other[RECOVERY_A_BYTES] = "another share";
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard;

    assert_int_equal(recovery_put(scenes, 1, RECOVERY_SLOT, other, NULL), RECOVERY_CONTACTS_DONE);
    assert_int_equal(list(scenes).count, 1);
    recovery_set_clock(scenes, SCENE_NOW_MS + RECOVERY_WAIT_S * 1000, 0);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_memory_equal(heard.a, other, sizeof other);
}

static void an_empty_slot_cannot_be_emptied(void **state)
{
    struct factor_scenes *scenes = *state;

    assert_int_equal(recovery_remove(scenes, 1, 1, NULL), RECOVERY_CONTACTS_UNKNOWN);
    assert_int_equal(recovery_remove(scenes, 1, RECOVERY_SLOT, NULL), RECOVERY_CONTACTS_DONE);
    assert_int_equal(recovery_remove(scenes, 1, RECOVERY_SLOT, NULL), RECOVERY_CONTACTS_UNKNOWN);
    assert_int_equal(list(scenes).count, 0);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM account_log WHERE event IN (20, 21)"), 2);
}

static void only_an_admin_device_changes_a_slot(void **state)
{
    struct factor_scenes *scenes = *state;

    assert_int_equal(recovery_put(scenes, 2, 1, recovery_a, NULL), RECOVERY_CONTACTS_NOT_ADMIN);
    assert_int_equal(recovery_remove(scenes, 2, RECOVERY_SLOT, NULL), RECOVERY_CONTACTS_NOT_ADMIN);
    scenes->command_seq = 1;
    assert_int_equal(recovery_put(scenes, 1, 1, recovery_a, NULL), RECOVERY_CONTACTS_REPLAYED);
}

static void where_a_factor_is_enrolled_a_step_up_is_needed(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct started started = factor_start(scenes, TXN_STEPUP, FACTOR_TOTP);
    const struct grant none = { .raw = { 1 } };
    struct txns_outcome outcome;
    char text[CODES_DIGITS + 1];

    factor_app_code(scenes, &app, 1, text);
    outcome = factor_answer(scenes, &started, text);
    assert_int_equal(outcome.result, TXNS_DONE);
    assert_int_equal(recovery_put(scenes, 1, 1, recovery_a, NULL), RECOVERY_CONTACTS_STEPUP);
    assert_int_equal(recovery_put(scenes, 1, 1, recovery_a, &none), RECOVERY_CONTACTS_STEPUP);
    assert_int_equal(recovery_remove(scenes, 1, RECOVERY_SLOT, NULL), RECOVERY_CONTACTS_STEPUP);
    assert_int_equal(recovery_put(scenes, 1, 1, recovery_a, &outcome.grant),
                     RECOVERY_CONTACTS_DONE);
    assert_int_equal(recovery_remove(scenes, 1, 1, &outcome.grant), RECOVERY_CONTACTS_STEPUP);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, recovery_scenes_set_up, recovery_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(slots_are_listed_in_their_order),
        TEST(a_share_stands_sealed_and_for_its_slot),
        TEST(another_share_takes_the_place_of_the_first),
        TEST(an_empty_slot_cannot_be_emptied),
        TEST(only_an_admin_device_changes_a_slot),
        TEST(where_a_factor_is_enrolled_a_step_up_is_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
