/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/domain/mailboxes.h"
#include "server/domain/manifests.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

struct setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 (ADMIN) and 2 */
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 2);
    scene_register(&setting.temp, &setting.ada);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    temp_domain_close(&setting->temp);
    return 0;
}

static void a_successor_is_stored_and_is_the_head(void **state)
{
    struct setting *setting = *state;
    struct heard_put heard;

    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    scene_put_start(&setting->temp, &setting->ada, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, MANIFESTS_STORED);
    assert_int_equal(heard.outcome.epoch, 1);
    assert_memory_equal(heard.outcome.hash.raw, setting->ada.hash.raw, 32);
    assert_int_equal(scene_count(&setting->temp, "SELECT epoch FROM accounts"), 1);
    assert_non_null(scene_mailbox(&setting->temp, &person_device(&setting->ada, 3)->pub));
    (void)scene_begin(&setting->temp, &setting->ada, 3);
    buf_clear(&heard.head);
}

static void the_same_manifest_is_present_also_when_it_is_not_the_head_any_more(void **state)
{
    struct setting *setting = *state;
    struct person old;

    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_PRESENT);
    person_copy(&setting->ada, &old);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(scene_put(&setting->temp, &old), MANIFESTS_PRESENT);
    person_clear(&old);
}

static void another_manifest_of_a_taken_epoch_conflicts_and_hears_the_head(void **state)
{
    struct setting *setting = *state;
    struct heard_put heard;
    struct person fork;

    person_copy(&setting->ada, &fork);
    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    (void)person_add(&fork, 4, 0);
    person_next(&fork);
    scene_put_start(&setting->temp, &fork, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, MANIFESTS_CONFLICT);
    assert_int_equal(heard.outcome.epoch, 1);
    assert_memory_equal(heard.outcome.hash.raw, setting->ada.hash.raw, 32);
    assert_true(bytes_equal(buf_view(&heard.head), buf_view(&setting->ada.manifest)));
    buf_clear(&heard.head);
    person_next(&fork); /* the right number, on the wrong manifest */
    scene_put_start(&setting->temp, &fork, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, MANIFESTS_CONFLICT);
    assert_true(bytes_equal(buf_view(&heard.head), buf_view(&setting->ada.manifest)));
    buf_clear(&heard.head);
    person_clear(&fork);
}

static void an_epoch_too_far_ahead_conflicts(void **state)
{
    struct setting *setting = *state;

    person_next(&setting->ada);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_CONFLICT);
    assert_int_equal(scene_count(&setting->temp, "SELECT epoch FROM accounts"), 0);
}

static void of_rivals_for_one_epoch_exactly_one_wins(void **state)
{
    enum {
        RIVALS = 6
    };
    static struct person rivals[RIVALS];
    struct setting *setting = *state;
    struct heard_put heard[RIVALS];
    size_t winner = RIVALS;
    int stored = 0;

    for (size_t i = 0; i < RIVALS; i++) {
        person_copy(&setting->ada, &rivals[i]);
        (void)person_add(&rivals[i], (uint32_t)(10 + i), 0);
        person_next(&rivals[i]);
    }
    for (size_t i = 0; i < RIVALS; i++) {
        scene_put_start(&setting->temp, &rivals[i], &heard[i]);
    }
    for (size_t i = 0; i < RIVALS; i++) {
        temp_store_wait(&setting->temp.temp, &heard[i].done);
        if (heard[i].outcome.result == MANIFESTS_STORED) {
            stored++;
            winner = i;
        }
    }
    assert_int_equal(stored, 1);
    for (size_t i = 0; i < RIVALS; i++) {
        if (i != winner) {
            assert_int_equal(heard[i].outcome.result, MANIFESTS_CONFLICT);
            assert_true(bytes_equal(buf_view(&heard[i].head), buf_view(&rivals[winner].manifest)));
        }
        buf_clear(&heard[i].head);
    }
    for (size_t i = 0; i < RIVALS; i++) {
        person_clear(&rivals[i]);
    }
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"), 3);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM manifests"), 2);
}

static void copies_of_one_manifest_that_race_are_one(void **state)
{
    struct setting *setting = *state;
    struct heard_put heard[3];
    int stored = 0;

    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    for (size_t i = 0; i < 3; i++) {
        scene_put_start(&setting->temp, &setting->ada, &heard[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        temp_store_wait(&setting->temp.temp, &heard[i].done);
        stored += heard[i].outcome.result == MANIFESTS_STORED ? 1 : 0;
        assert_true(heard[i].outcome.result == MANIFESTS_STORED ||
                    heard[i].outcome.result == MANIFESTS_PRESENT);
        buf_clear(&heard[i].head);
    }
    assert_int_equal(stored, 1);
}

static void a_broken_rule_is_named(void **state)
{
    struct setting *setting = *state;
    struct heard_put heard;

    person_next(&setting->ada);
    setting->ada.manifest.at[setting->ada.manifest.size - 1] ^= 1;
    scene_put_start(&setting->temp, &setting->ada, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, MANIFESTS_INVALID);
    assert_int_equal(heard.outcome.verdict, MANIFEST_RULE_5_SIGNATURES);
    buf_empty(&setting->ada.manifest);
    buf_append_text(&setting->ada.manifest, "SPM1");
    scene_put_start(&setting->temp, &setting->ada, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.outcome.verdict, MANIFEST_RULE_1_FORM);
}

static void a_manifest_in_the_wrong_place_is_refused_at_once(void **state)
{
    struct setting *setting = *state;
    struct heard_put heard;

    person_next(&setting->ada);
    setting->ada.epoch = 2;
    scene_put_start(&setting->temp, &setting->ada, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.outcome.result, MANIFESTS_EPOCH_DIFFERS);
    setting->ada.account_id.raw[0] ^= 1;
    scene_put_start(&setting->temp, &setting->ada, &heard);
    assert_int_equal(heard.outcome.result, MANIFESTS_ACCOUNT_DIFFERS);
}

static void an_unknown_account_is_unknown(void **state)
{
    struct setting *setting = *state;
    struct person stranger;

    person_init(&stranger, 1);
    person_next(&stranger);
    assert_int_equal(scene_put(&setting->temp, &stranger), MANIFESTS_ACCOUNT_UNKNOWN);
    person_clear(&stranger);
}

static void a_device_that_leaves_loses_mailbox_sessions_and_stream(void **state)
{
    struct setting *setting = *state;
    struct device_pub pub = person_device(&setting->ada, 2)->pub;
    struct session_hash gone = scene_begin(&setting->temp, &setting->ada, 2);
    struct session_hash stays = scene_begin(&setting->temp, &setting->ada, 1);
    struct scene_stream stream;

    assert_non_null(scene_mailbox(&setting->temp, &pub));
    scene_run(&setting->temp,
              "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag,"
              " id, body) SELECT mailbox, mailbox, 0, 0, 1, 1, 0, 0, device_pub, device_pub FROM "
              "devices");
    scene_listen(&setting->temp, &pub, &gone, &stream);
    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(stream.end_count, 1);
    assert_int_equal(stream.end, HUB_END_REVOKED);
    assert_int_equal(stream.events_before_end, 1);
    assert_null(mailboxes_cached(setting->temp.domain.mailboxes, &pub));
    assert_null(scene_mailbox(&setting->temp, &pub));
    assert_null(sessions_cached(&setting->temp.domain, &gone, SCENE_NOW_MS));
    assert_false(scene_is_live(&setting->temp, &gone, SCENE_NOW_MS, NULL));
    assert_true(scene_is_live(&setting->temp, &stays, SCENE_NOW_MS, NULL));
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM envelopes"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM left_devices"), 1);
}

static void a_session_that_races_with_the_removal_does_not_outlive_it(void **state)
{
    struct setting *setting = *state;
    struct heard_begin begin = { 0 };
    struct heard_put put;
    struct sessions_proof proof;
    struct session_hash hash;

    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 2), &proof);
    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    sessions_begin(&setting->temp.domain, &proof, SCENE_NOW_MS, scene_hear_begin, &begin);
    scene_put_start(&setting->temp, &setting->ada, &put);
    temp_store_wait(&setting->temp.temp, &begin.done);
    temp_store_wait(&setting->temp.temp, &put.done);
    assert_int_equal(put.outcome.result, MANIFESTS_STORED);
    if (begin.result == SESSIONS_OK) {
        assert_true(sessions_parse(bytes_text(begin.begun.token), &hash));
        assert_null(sessions_cached(&setting->temp.domain, &hash, SCENE_NOW_MS));
    }
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 0);
}

static void all_old_and_new_devices_hear_of_the_change(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = { { 1 } };
    struct device_pub pubs[3];
    struct scene_stream streams[3];

    (void)person_add(&setting->ada, 3, 0);
    for (uint32_t i = 0; i < 3; i++) {
        pubs[i] = person_device(&setting->ada, i + 1)->pub;
        hash.raw[0]++;
        scene_listen(&setting->temp, &pubs[i], &hash, &streams[i]);
    }
    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(streams[i].event_count, 1);
        assert_int_equal(streams[i].event.kind, HUB_EVENT_MANIFEST_CHANGED);
        assert_int_equal(streams[i].event.epoch, 1);
        assert_memory_equal(streams[i].event.hash.raw, setting->ada.hash.raw, 32);
        assert_int_equal(streams[i].end_count, i == 1 ? 1 : 0);
        scene_leave(&streams[i]);
    }
}

static void a_key_that_left_never_comes_back(void **state)
{
    struct setting *setting = *state;
    struct person_device left = *person_device(&setting->ada, 2);
    struct person fork;
    struct person bob;

    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    person_copy(&setting->ada, &fork);
    person_take_key(person_add(&fork, 5, 0), &left);
    person_next(&fork);
    assert_int_equal(scene_put(&setting->temp, &fork), MANIFESTS_KEY_USED);
    person_init(&bob, 1);
    scene_register(&setting->temp, &bob);
    person_take_key(person_add(&bob, 2, 0), &left);
    person_next(&bob);
    assert_int_equal(scene_put(&setting->temp, &bob), MANIFESTS_KEY_USED);
    person_clear(&fork);
    person_init(&fork, 2);
    person_take_key(person_device(&fork, 2), &left);
    person_first(&fork);
    assert_int_equal(scene_register_with(&setting->temp, &fork, "").result, ACCOUNTS_KEY_USED);
    person_clear(&fork);
    person_clear(&bob);
}

static void a_key_does_not_change_its_number_in_one_step(void **state)
{
    struct setting *setting = *state;
    struct person_device moved = *person_device(&setting->ada, 2);

    person_remove(&setting->ada, 2);
    person_take_key(person_add(&setting->ada, 7, 0), &moved);
    person_next(&setting->ada);
    assert_int_not_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(scene_count(&setting->temp, "SELECT epoch FROM accounts"), 0);
}

static void a_key_of_another_account_is_refused(void **state)
{
    struct setting *setting = *state;
    struct person bob;

    person_init(&bob, 1);
    scene_register(&setting->temp, &bob);
    person_take_key(person_add(&setting->ada, 3, 0), person_device(&bob, 1));
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_KEY_USED);
    person_clear(&bob);
}

static void a_number_that_was_removed_is_given_to_a_new_device(void **state)
{
    struct setting *setting = *state;

    scene_run(&setting->temp, "UPDATE devices SET command_seq = 5000");
    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    (void)person_add(&setting->ada, 2, 0);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT added_epoch FROM devices WHERE device_id = 2"), 2);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT command_seq FROM devices WHERE device_id = 2"), 0);
}

static void a_device_that_stays_keeps_all_but_its_flags(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = scene_begin(&setting->temp, &setting->ada, 2);
    int64_t mailbox =
        scene_count(&setting->temp, "SELECT mailbox FROM devices WHERE device_id = 2");

    person_device(&setting->ada, 2)->flags = MANIFEST_DEVICE_ADMIN;
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(scene_count(&setting->temp, "SELECT flags FROM devices WHERE device_id = 2"),
                     MANIFEST_DEVICE_ADMIN);
    assert_int_equal(scene_count(&setting->temp, "SELECT mailbox FROM devices WHERE device_id = 2"),
                     mailbox);
    assert_true(scene_is_live(&setting->temp, &hash, SCENE_NOW_MS, NULL));
}

static void a_full_house_of_devices_changes_at_once(void **state)
{
    struct setting *setting = *state;

    for (uint32_t id = 3; id <= LIMIT_MANIFEST_DEVICES; id++) {
        (void)person_add(&setting->ada, id, 0);
    }
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    for (uint32_t id = 2; id <= LIMIT_MANIFEST_DEVICES; id++) {
        person_remove(&setting->ada, id);
    }
    for (uint32_t id = 2; id <= LIMIT_MANIFEST_DEVICES; id++) {
        (void)person_add(&setting->ada, id + LIMIT_MANIFEST_DEVICES, 0);
    }
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"),
                     LIMIT_MANIFEST_DEVICES);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM left_devices"),
                     LIMIT_MANIFEST_DEVICES - 1);
}

static void a_manifest_that_cannot_be_stored_changes_nothing(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = scene_begin(&setting->temp, &setting->ada, 2);

    damage_break(&setting->temp, DAMAGE_INSERT_DEVICES);
    person_remove(&setting->ada, 2);
    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_UNAVAILABLE);
    assert_int_equal(scene_count(&setting->temp, "SELECT epoch FROM accounts"), 0);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"), 2);
    assert_true(scene_is_live(&setting->temp, &hash, SCENE_NOW_MS, NULL));
    damage_mend(&setting->temp);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_successor_is_stored_and_is_the_head),
        TEST(the_same_manifest_is_present_also_when_it_is_not_the_head_any_more),
        TEST(another_manifest_of_a_taken_epoch_conflicts_and_hears_the_head),
        TEST(an_epoch_too_far_ahead_conflicts),
        TEST(of_rivals_for_one_epoch_exactly_one_wins),
        TEST(copies_of_one_manifest_that_race_are_one),
        TEST(a_broken_rule_is_named),
        TEST(a_manifest_in_the_wrong_place_is_refused_at_once),
        TEST(an_unknown_account_is_unknown),
        TEST(a_device_that_leaves_loses_mailbox_sessions_and_stream),
        TEST(a_session_that_races_with_the_removal_does_not_outlive_it),
        TEST(all_old_and_new_devices_hear_of_the_change),
        TEST(a_key_that_left_never_comes_back),
        TEST(a_key_does_not_change_its_number_in_one_step),
        TEST(a_key_of_another_account_is_refused),
        TEST(a_number_that_was_removed_is_given_to_a_new_device),
        TEST(a_device_that_stays_keeps_all_but_its_flags),
        TEST(a_full_house_of_devices_changes_at_once),
        TEST(a_manifest_that_cannot_be_stored_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
