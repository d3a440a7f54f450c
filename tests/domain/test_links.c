/* SPDX-License-Identifier: Apache-2.0 */
/* Links from end to end, and who may take which step.  Over a temp_domain, on either engine. */
#include <string.h>

#include "common/limits.h"
#include "tests/domain/support/link_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))
#define EPOCH_SQL "SELECT max(epoch) FROM accounts"

static void a_link_adds_its_device_and_is_done(void **state)
{
    struct link_scenes *scenes = *state;
    struct buf candidate = { 0 };
    struct person next;
    struct link link;
    struct heard_link heard;

    link_until_candidate(scenes, 1, &link, &candidate, &next);
    heard = link_sign(scenes, &link, 3, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_DONE);
    assert_int_equal(heard.state, LINK_DONE);
    assert_int_equal(heard.version, 4);
    assert_int_equal(heard.epoch, 1);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 1);
    assert_non_null(scene_mailbox(&scenes->temp, &link.pub));
    assert_int_equal(scene_count(&scenes->temp, "SELECT event FROM account_log"),
                     ACCOUNT_LOG_LINK_APPROVED);
    (void)scene_begin(&scenes->temp, &next, LINK_SCENES_NEWCOMER);
    /* An answer that was lost is the same again. */
    heard = link_sign(scenes, &link, 3, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_DONE);
    assert_int_equal(heard.epoch, 1);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 1);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
}

static void both_sides_speak_in_turn_and_read_it(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    struct links_actor new;
    struct link link;
    struct heard_link heard;

    link_begin_open(scenes, &link);
    new = link_new(&link);
    heard = link_say(scenes, &link, &new, 1, "commit");
    assert_int_equal(heard.result, LINKS_DONE);
    assert_int_equal(heard.state, LINK_CREATED);
    assert_int_equal(heard.version, 2);
    assert_int_equal(link_claim(scenes, &link, &old, 2).version, 3);
    heard = link_say(scenes, &link, &old, 3, "rE");
    assert_int_equal(heard.state, LINK_CLAIMED);
    heard = link_read(scenes, &link, &new);
    assert_int_equal(heard.message_count, 2);
    assert_int_equal(heard.last_from_new, 0);
    assert_string_equal(heard.last_message, "rE");
    assert_int_equal(heard.device_id, 1);
    assert_memory_equal(heard.account_id.raw, scenes->ada.account_id.raw, ACCOUNT_ID_BYTES);
    /* At another version nothing is said. */
    heard = link_say(scenes, &link, &new, 3, "rN");
    assert_int_equal(heard.result, LINKS_CONFLICT);
    assert_int_equal(heard.version, 4);
    assert_int_equal(heard.state, LINK_CLAIMED);
    assert_int_equal(link_say(scenes, &link, &new, 4, "rN").result, LINKS_DONE);
    assert_string_equal(link_read(scenes, &link, &old).last_message, "rN");
    link_clear(&link);
}

static void messages_are_few_and_fewer_before_the_claim(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    struct links_actor new;
    struct link link;
    int64_t version = 1;

    link_begin_open(scenes, &link);
    new = link_new(&link);
    for (int i = 0; i < LIMIT_LINK_MESSAGES_CREATED; i++) {
        assert_int_equal(link_say(scenes, &link, &new, version, "m").result, LINKS_DONE);
        version++;
    }
    assert_int_equal(link_say(scenes, &link, &new, version, "m").result, LINKS_TOO_MANY);
    assert_int_equal(link_claim(scenes, &link, &old, version).result, LINKS_DONE);
    version++;
    for (int i = LIMIT_LINK_MESSAGES_CREATED; i < LIMIT_LINK_MESSAGES; i++) {
        assert_int_equal(link_say(scenes, &link, &new, version, "m").result, LINKS_DONE);
        version++;
    }
    assert_int_equal(link_say(scenes, &link, &old, version, "m").result, LINKS_TOO_MANY);
    assert_int_equal(link_read(scenes, &link, &old).version, version);
    link_clear(&link);
}

static void only_its_sides_see_a_link_and_act(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor admin = link_old(scenes, &scenes->ada, 1);
    struct links_actor other = link_old(scenes, &scenes->ada, 2);
    struct links_actor plain = link_old(scenes, &scenes->ada, 3);
    struct links_actor stranger = link_old(scenes, &scenes->bob, 1);
    struct links_actor wrong = { .is_new = true };
    struct link link;

    link_begin_open(scenes, &link);
    /* Whoever has the id of an open link may read it: the QR code carries it. */
    assert_int_equal(link_read(scenes, &link, &stranger).result, LINKS_DONE);
    assert_int_equal(link_read(scenes, &link, &wrong).result, LINKS_UNKNOWN);
    assert_int_equal(link_say(scenes, &link, &wrong, 1, "m").result, LINKS_UNKNOWN);
    assert_int_equal(link_deny(scenes, &link, &wrong).result, LINKS_UNKNOWN);
    assert_int_equal(link_claim(scenes, &link, &plain, 1).result, LINKS_NOT_ADMIN);
    assert_int_equal(link_say(scenes, &link, &admin, 1, "m").result, LINKS_CONFLICT);
    assert_int_equal(link_claim(scenes, &link, &admin, 1).result, LINKS_DONE);
    assert_int_equal(link_claim(scenes, &link, &admin, 2).result, LINKS_CONFLICT);
    assert_int_equal(link_claim(scenes, &link, &other, 2).result, LINKS_CONFLICT);
    assert_int_equal(link_claim(scenes, &link, &plain, 2).result, LINKS_NOT_ADMIN);
    assert_int_equal(link_read(scenes, &link, &stranger).result, LINKS_UNKNOWN);
    assert_int_equal(link_claim(scenes, &link, &stranger, 2).result, LINKS_UNKNOWN);
    assert_int_equal(link_deny(scenes, &link, &stranger).result, LINKS_UNKNOWN);
    /* Another device of the account sees it, and may deny it, but not take the steps. */
    assert_int_equal(link_read(scenes, &link, &other).result, LINKS_DONE);
    assert_int_equal(link_say(scenes, &link, &other, 2, "m").result, LINKS_CONFLICT);
    assert_int_equal(link_deny(scenes, &link, &plain).state, LINK_DENIED);
    assert_int_equal(link_deny(scenes, &link, &admin).result, LINKS_DONE);
    assert_int_equal(link_claim(scenes, &link, &admin, 3).result, LINKS_CONFLICT);
    link.link_id.raw[0] ^= 1;
    assert_int_equal(link_read(scenes, &link, &admin).result, LINKS_UNKNOWN);
    link_clear(&link);
}

static enum links_result propose(struct link_scenes *scenes, const struct link *link,
                                 const struct person *person, struct heard_link *out)
{
    struct links_actor old = link_old(scenes, &scenes->ada, 1);

    *out = link_candidate(scenes, link, &old, 2, buf_view(&person->manifest));
    return out->result;
}

static void a_candidate_is_the_head_and_that_device_and_nothing_else(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    struct links_actor second = link_old(scenes, &scenes->ada, 2);
    struct buf candidate = { 0 };
    struct heard_link heard;
    struct person next;
    struct person other;
    struct link link;

    link_begin_open(scenes, &link);
    (void)link_claim(scenes, &link, &old, 1);
    /* The relay itself puts a ghost in: it has no key of the account. */
    person_copy(&scenes->ada, &other);
    (void)person_add(&other, 4, 0);
    person_next_by(&other, 1);
    assert_int_equal(propose(scenes, &link, &other, &heard), LINKS_FOREIGN);
    person_clear(&other);
    /* The device, and ADMIN for another. */
    person_copy(&scenes->ada, &other);
    person_device(&other, 3)->flags = MANIFEST_DEVICE_ADMIN;
    link_make_candidate(&other, 1, &link, &candidate, &next);
    heard = link_candidate(scenes, &link, &old, 2, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_FOREIGN);
    person_clear(&other);
    person_clear(&next);
    /* Signed by another admin than the one that claimed it, or not well. */
    link_make_candidate(&scenes->ada, 2, &link, &candidate, &next);
    heard = link_candidate(scenes, &link, &old, 2, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_FOREIGN);
    person_clear(&next);
    link_make_candidate(&scenes->ada, 1, &link, &candidate, &next);
    candidate.at[candidate.size - 1] ^= 1;
    heard = link_candidate(scenes, &link, &old, 2, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_MANIFEST);
    assert_int_equal(heard.manifest, MANIFESTS_INVALID);
    candidate.at[candidate.size - 1] ^= 1;
    /* Signed by the new device already; cut; by another device of the account. */
    assert_int_equal(propose(scenes, &link, &next, &heard), LINKS_FOREIGN);
    heard = link_candidate(scenes, &link, &old, 2, bytes_of(candidate.at, candidate.size - 1));
    assert_int_equal(heard.verdict, MANIFEST_RULE_1_FORM);
    heard = link_candidate(scenes, &link, &second, 2, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_CONFLICT);
    assert_int_equal(link_read(scenes, &link, &old).version, 2);
    heard = link_candidate(scenes, &link, &old, 2, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_DONE);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
}

static void a_candidate_that_the_head_left_behind_is_made_anew(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    struct buf candidate = { 0 };
    struct heard_link heard;
    struct person next;
    struct link link;

    link_until_candidate(scenes, 1, &link, &candidate, &next);
    person_clear(&next);
    (void)person_add(&scenes->ada, 5, 0);
    person_next(&scenes->ada);
    assert_int_equal(scene_put(&scenes->temp, &scenes->ada), MANIFESTS_STORED);
    heard = link_sign(scenes, &link, 3, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_MANIFEST);
    assert_int_equal(heard.manifest, MANIFESTS_CONFLICT);
    heard = link_candidate(scenes, &link, &old, 3, buf_view(&candidate));
    assert_int_equal(heard.manifest, MANIFESTS_CONFLICT);
    assert_int_equal(link_read(scenes, &link, &old).state, LINK_CANDIDATE);
    link_make_candidate(&scenes->ada, 1, &link, &candidate, &next);
    assert_int_equal(link_candidate(scenes, &link, &old, 3, buf_view(&candidate)).version, 4);
    heard = link_sign(scenes, &link, 3, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_CONFLICT);
    assert_int_equal(link_sign(scenes, &link, 4, buf_view(&candidate)).result, LINKS_DONE);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
}

static void a_wrong_signature_of_the_new_device_changes_nothing(void **state)
{
    struct link_scenes *scenes = *state;
    struct buf candidate = { 0 };
    struct heard_link heard;
    struct person next;
    struct link thief;
    struct link link;

    link_until_candidate(scenes, 1, &link, &candidate, &next);
    thief = link;
    thief.seed[0] ^= 1;
    heard = link_sign(scenes, &thief, 3, buf_view(&candidate));
    assert_int_equal(heard.manifest, MANIFESTS_INVALID);
    assert_int_equal(heard.verdict, MANIFEST_RULE_5_SIGNATURES);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 0);
    memset(thief.token_hash.raw, 1, sizeof thief.token_hash.raw);
    assert_int_equal(link_sign(scenes, &thief, 3, buf_view(&candidate)).result, LINKS_UNKNOWN);
    assert_int_equal(link_sign(scenes, &link, 3, buf_view(&candidate)).result, LINKS_DONE);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
}

static void a_manifest_that_was_put_without_the_link_ends_it_too(void **state)
{
    struct link_scenes *scenes = *state;
    struct buf candidate = { 0 };
    struct person next;
    struct link link;

    link_until_candidate(scenes, 1, &link, &candidate, &next);
    assert_int_equal(scene_put(&scenes->temp, &next), MANIFESTS_STORED);
    assert_int_equal(link_sign(scenes, &link, 3, buf_view(&candidate)).state, LINK_DONE);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
}

static void while_something_is_held_no_device_is_added(void **state)
{
    struct link_scenes *scenes = *state;
    struct buf candidate = { 0 };
    struct heard_link heard;
    struct person without;
    struct person next;
    struct link link;

    scenes->temp.domain.settings.hold_s = 3600;
    link_until_candidate(scenes, 1, &link, &candidate, &next);
    person_copy(&scenes->ada, &without);
    person_remove(&without, 1);
    person_next_by(&without, 2);
    assert_int_equal(scene_put(&scenes->temp, &without), MANIFESTS_HELD);
    heard = link_sign(scenes, &link, 3, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_MANIFEST);
    assert_int_equal(heard.manifest, MANIFESTS_BLOCKED);
    assert_int_equal(heard.held_until, SCENE_NOW_MS / 1000 + 3600);
    assert_int_equal(scene_count(&scenes->temp, "SELECT state FROM links"), LINK_CANDIDATE);
    person_clear(&without);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
}

static void a_link_is_over_after_ten_minutes(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    struct buf candidate = { 0 };
    struct links_actor new;
    struct heard_link heard;
    struct person next;
    struct link open;
    struct link link;

    link_until_candidate(scenes, 1, &link, &candidate, &next);
    link_begin_open(scenes, &open);
    new = link_new(&link);
    scenes->now_ms += S(LIMIT_LINK_S) - 1;
    assert_int_equal(link_read(scenes, &link, &new).state, LINK_CANDIDATE);
    scenes->now_ms += 1;
    assert_int_equal(link_read(scenes, &link, &new).state, LINK_EXPIRED);
    heard = link_sign(scenes, &link, 3, buf_view(&candidate));
    assert_int_equal(heard.result, LINKS_CONFLICT);
    assert_int_equal(heard.state, LINK_EXPIRED);
    assert_int_equal(link_claim(scenes, &open, &old, 1).state, LINK_EXPIRED);
    assert_int_equal(link_deny(scenes, &open, &old).result, LINKS_CONFLICT);
    link_expire(scenes);
    link_expire(scenes);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT event FROM account_log"),
                     ACCOUNT_LOG_LINK_EXPIRED);
    assert_int_equal(link_read(scenes, &link, &new).version, 4);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 0);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&link);
    link_clear(&open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_scenes_set_up, link_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_link_adds_its_device_and_is_done),
        TEST(both_sides_speak_in_turn_and_read_it),
        TEST(messages_are_few_and_fewer_before_the_claim),
        TEST(only_its_sides_see_a_link_and_act),
        TEST(a_candidate_is_the_head_and_that_device_and_nothing_else),
        TEST(a_candidate_that_the_head_left_behind_is_made_anew),
        TEST(a_wrong_signature_of_the_new_device_changes_nothing),
        TEST(a_manifest_that_was_put_without_the_link_ends_it_too),
        TEST(while_something_is_held_no_device_is_added),
        TEST(a_link_is_over_after_ten_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
