/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of races: two steps of one link, or of its account, that come at once, at one daemon
 * and where daemons share the database at two.  Whatever comes first, one outcome holds for all.
 */
#include <string.h>

#include "common/limits.h"
#include "server/domain/accounts.h"
#include "tests/domain/support/link_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))
#define EPOCH_SQL "SELECT max(epoch) FROM accounts"
#define STATE_SQL "SELECT state FROM links"

enum {
    ROUNDS = 6 /* of each race: the second begins it, and the other daemon */
};

struct race {
    struct link_scenes *scenes;
    struct temp_domain beside;
    struct temp_domain *daemons[2]; /* of the first step, and of the second */
    struct links_actor old;
    struct link link;
    struct buf candidate;
    struct person next;
};

/* A link with a candidate by ada's device 1, and who takes which step in this round. */
static void race_begin(struct race *race, struct link_scenes *scenes)
{
    memset(race, 0, sizeof *race);
    race->scenes = scenes;
    race->daemons[0] = &scenes->temp;
    race->daemons[1] = &scenes->temp;
    if (temp_store_is_shared()) {
        temp_domain_open_beside(&race->beside, &scenes->temp);
        race->daemons[1] = &race->beside;
    }
    link_until_candidate(scenes, 1, &race->link, &race->candidate, &race->next);
    race->old = link_old(scenes, &scenes->ada, 1);
}

static void race_end(struct race *race)
{
    if (temp_store_is_shared()) {
        temp_domain_close(&race->beside);
    }
    person_clear(&race->next);
    buf_clear(&race->candidate);
    link_clear(&race->link);
}

static void sign(struct race *race, size_t by, struct heard_link *heard)
{
    link_sign_start(race->daemons[by], race->scenes, &race->link, 3, buf_view(&race->candidate),
                    heard);
}

static void two_approvers_one_of_whom_claims(void **state)
{
    struct link_scenes *scenes = *state;
    struct temp_domain beside;
    struct temp_domain *second = &scenes->temp;
    struct links_actor actors[2] = { link_old(scenes, &scenes->ada, 1),
                                     link_old(scenes, &scenes->ada, 2) };
    struct heard_link heard[2];

    if (temp_store_is_shared()) {
        temp_domain_open_beside(&beside, &scenes->temp);
        second = &beside;
    }
    for (int round = 0; round < ROUNDS; round++) {
        size_t first = (size_t)round % 2;
        struct link link;

        link_begin_open(scenes, &link);
        link_claim_start(&scenes->temp, scenes, &link, &actors[first], 1, &heard[0]);
        link_claim_start(second, scenes, &link, &actors[1 - first], 1, &heard[1]);
        link_wait(scenes, heard, 2);
        assert_int_equal((heard[0].result == LINKS_DONE) + (heard[1].result == LINKS_DONE), 1);
        for (size_t i = 0; i < 2; i++) {
            assert_true(heard[i].result == LINKS_DONE || heard[i].result == LINKS_CONFLICT);
            assert_int_equal(heard[i].version, 2);
            assert_int_equal(heard[i].state, LINK_CLAIMED);
        }
        (void)link_deny(scenes, &link, &actors[0]);
        link_clear(&link);
    }
    if (second == &beside) {
        temp_domain_close(&beside);
    }
}

/* Another admin throws the approver out while the new device signs. */
static void approval_against_removal_of_the_approver(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_link heard;
    struct heard_put removed;
    struct person without;
    struct race race;

    race_begin(&race, scenes);
    person_copy(&scenes->ada, &without);
    person_remove(&without, 1);
    person_next_by(&without, 2);
    sign(&race, 1, &heard);
    scene_put_start(&scenes->temp, &without, &removed);
    link_wait(scenes, &heard, 1);
    temp_store_wait(&scenes->temp.temp, &removed.done);
    buf_clear(&removed.head);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 1);
    if (heard.result == LINKS_DONE) {
        assert_int_equal(removed.outcome.result, MANIFESTS_CONFLICT);
        assert_int_equal(scene_count(&scenes->temp, STATE_SQL), LINK_DONE);
        assert_non_null(scene_mailbox(&scenes->temp, &race.link.pub));
    } else {
        assert_int_equal(heard.manifest, MANIFESTS_CONFLICT);
        assert_int_equal(removed.outcome.result, MANIFESTS_STORED);
        assert_int_equal(scene_count(&scenes->temp, STATE_SQL), LINK_CANDIDATE);
        assert_null(scene_mailbox(&scenes->temp, &race.link.pub));
    }
    person_clear(&without);
    race_end(&race);
}

/* The removal that was there first is not undone by what its device signed before. */
static void what_a_removed_approver_signed_is_refused(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_link heard;
    struct person without;
    struct race race;

    race_begin(&race, scenes);
    person_copy(&scenes->ada, &without);
    person_remove(&without, 1);
    person_next_by(&without, 2);
    assert_int_equal(scene_put(&scenes->temp, &without), MANIFESTS_STORED);
    heard = link_sign(scenes, &race.link, 3, buf_view(&race.candidate));
    assert_int_equal(heard.result, LINKS_MANIFEST);
    assert_int_equal(heard.manifest, MANIFESTS_CONFLICT);
    heard = link_candidate(scenes, &race.link, &race.old, 3, buf_view(&race.candidate));
    assert_int_equal(heard.manifest, MANIFESTS_CONFLICT);
    assert_null(scene_mailbox(&scenes->temp, &race.link.pub));
    person_clear(&without);
    race_end(&race);
}

static void approval_against_denial(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_link heard[2];
    struct race race;
    bool is_done = false;

    race_begin(&race, scenes);
    sign(&race, 0, &heard[0]);
    link_deny_start(race.daemons[1], scenes, &race.link, &race.old, &heard[1]);
    link_wait(scenes, heard, 2);
    is_done = heard[0].result == LINKS_DONE;
    assert_int_equal(heard[1].result, is_done ? LINKS_CONFLICT : LINKS_DONE);
    assert_int_equal(heard[0].state, is_done ? LINK_DONE : LINK_DENIED);
    assert_int_equal(heard[1].state, heard[0].state);
    assert_int_equal(scene_count(&scenes->temp, STATE_SQL), heard[0].state);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), is_done ? 1 : 0);
    race_end(&race);
}

static void a_denial_that_was_first_holds(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_link heard;
    struct race race;

    race_begin(&race, scenes);
    assert_int_equal(link_deny(scenes, &race.link, &race.old).state, LINK_DENIED);
    heard = link_sign(scenes, &race.link, 3, buf_view(&race.candidate));
    assert_int_equal(heard.result, LINKS_CONFLICT);
    assert_int_equal(heard.state, LINK_DENIED);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 0);
    race_end(&race);
}

/* The new device signs in the last moment, and the janitor's clock is one second further. */
static void approval_against_expiry(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_purge expired = { .done = false };
    struct heard_link heard;
    struct race race;
    bool is_done = false;

    race_begin(&race, scenes);
    scenes->now_ms += S(LIMIT_LINK_S) - 1;
    sign(&race, 1, &heard);
    links_expire(&scenes->temp.domain, scenes->now_ms + 1, scene_hear_purge, &expired);
    link_wait(scenes, &heard, 1);
    temp_store_wait(&scenes->temp.temp, &expired.done);
    is_done = heard.result == LINKS_DONE;
    assert_int_equal(heard.state, is_done ? LINK_DONE : LINK_EXPIRED);
    assert_int_equal(scene_count(&scenes->temp, STATE_SQL), heard.state);
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), is_done ? 1 : 0);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 1);
    race_end(&race);
}

static void one_signature_that_comes_twice(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_link heard[2];
    struct race race;

    race_begin(&race, scenes);
    sign(&race, 0, &heard[0]);
    sign(&race, 1, &heard[1]);
    link_wait(scenes, heard, 2);
    assert_true(heard[0].result == LINKS_DONE || heard[1].result == LINKS_DONE);
    for (size_t i = 0; i < 2; i++) {
        assert_true(heard[i].result == LINKS_DONE || heard[i].result == LINKS_CONFLICT);
        assert_int_equal(heard[i].state, LINK_DONE);
    }
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 1);
    race_end(&race);
}

/* Two links of one account: the head takes one, the other is made anew. */
static void two_links_of_one_head(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_link heard[2];
    struct race race;
    struct link other;
    struct buf candidate = { 0 };
    struct person next;

    race_begin(&race, scenes);
    link_until_candidate(scenes, 2, &other, &candidate, &next);
    sign(&race, 0, &heard[0]);
    link_sign_start(race.daemons[1], scenes, &other, 3, buf_view(&candidate), &heard[1]);
    link_wait(scenes, heard, 2);
    assert_int_equal((heard[0].result == LINKS_DONE) + (heard[1].result == LINKS_DONE), 1);
    for (size_t i = 0; i < 2; i++) {
        assert_true(heard[i].result == LINKS_DONE || heard[i].manifest == MANIFESTS_CONFLICT);
    }
    assert_int_equal(scene_count(&scenes->temp, EPOCH_SQL), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM links WHERE state = 4"), 1);
    person_clear(&next);
    buf_clear(&candidate);
    link_clear(&other);
    race_end(&race);
}

static void approval_against_erasure(void **state)
{
    struct link_scenes *scenes = *state;
    struct heard_account erased = { .done = false };
    struct heard_link heard;
    struct race race;

    race_begin(&race, scenes);
    sign(&race, 1, &heard);
    accounts_erase(&scenes->temp.domain,
                   &(struct accounts_erasure){ .account_id = scenes->ada.account_id },
                   scenes->now_ms, scene_hear_account, &erased);
    link_wait(scenes, &heard, 1);
    temp_store_wait(&scenes->temp.temp, &erased.done);
    assert_int_equal(erased.outcome.result, ACCOUNTS_DONE);
    assert_true(heard.result == LINKS_DONE || heard.result == LINKS_UNKNOWN ||
                (heard.result == LINKS_CONFLICT && heard.state == LINK_DENIED));
    assert_null(scene_mailbox(&scenes->temp, &race.link.pub));
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM links WHERE account > 0"), 0);
    race_end(&race);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_scenes_set_up, link_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(two_approvers_one_of_whom_claims),
        TEST(approval_against_removal_of_the_approver),
        TEST(what_a_removed_approver_signed_is_refused),
        TEST(approval_against_denial),
        TEST(a_denial_that_was_first_holds),
        TEST(approval_against_expiry),
        TEST(one_signature_that_comes_twice),
        TEST(two_links_of_one_head),
        TEST(approval_against_erasure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
