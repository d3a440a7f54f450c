/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/domain/accounts.h"
#include "server/domain/invites.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

struct heard_invite {
    bool done;
    char text[INVITE_TEXT_BYTES];
};

static void hear_invite(void *arg, enum invites_result result, const char *text)
{
    struct heard_invite *heard = arg;

    assert_int_equal(result, INVITES_OK);
    heard->done = true;
    memcpy(heard->text, text, strlen(text) + 1);
}

static struct heard_invite invite(struct temp_domain *temp, int64_t uses, int64_t expires_at)
{
    const struct invites_terms terms = { .uses = uses,
                                         .expires_at = expires_at,
                                         .note = bytes_text("for Ada") };
    struct heard_invite heard = { 0 };

    invites_create(&temp->domain, &terms, SCENE_NOW_MS, hear_invite, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    return heard;
}

static int set_up(void **state)
{
    static struct temp_domain temp;

    temp_domain_open(&temp);
    *state = &temp;
    return 0;
}

static int tear_down(void **state)
{
    temp_domain_close(*state);
    return 0;
}

static void registering_makes_the_account_its_chain_and_its_mailboxes(void **state)
{
    struct temp_domain *temp = *state;
    struct accounts_outcome outcome;
    struct person ada;

    person_init(&ada, 2);
    outcome = scene_register_with(temp, &ada, "");
    assert_int_equal(outcome.result, ACCOUNTS_DONE);
    assert_memory_equal(outcome.account_id.raw, ada.account_id.raw, 32);
    assert_memory_equal(outcome.hash.raw, ada.hash.raw, 32);
    assert_int_equal(outcome.epoch, 0);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 1);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM manifests"), 1);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM devices"), 2);
    assert_int_equal(scene_count(temp, "SELECT CAST(sum(flags) AS BIGINT) FROM devices"), 1);
    assert_int_equal(scene_count(temp, "SELECT created_day FROM accounts"), SCENE_DAY);
    assert_non_null(scene_mailbox(temp, &person_device(&ada, 2)->pub));
    person_clear(&ada);
}

static void registering_again_is_present_with_the_head_of_now(void **state)
{
    struct temp_domain *temp = *state;
    struct accounts_outcome outcome;
    struct person first;
    struct person ada;

    person_init(&first, 1);
    scene_register(temp, &first);
    person_copy(&first, &ada);
    (void)person_add(&ada, 2, 0);
    person_next(&ada);
    assert_int_equal(scene_put(temp, &ada), MANIFESTS_STORED);
    outcome = scene_register_with(temp, &first, "");
    assert_int_equal(outcome.result, ACCOUNTS_PRESENT);
    assert_int_equal(outcome.epoch, 1);
    assert_memory_equal(outcome.hash.raw, ada.hash.raw, 32);
    person_clear(&ada);
    person_clear(&first);
}

static void a_race_of_the_same_bytes_makes_one_account(void **state)
{
    enum {
        RUNNERS = 5
    };
    struct temp_domain *temp = *state;
    struct heard_account heard[RUNNERS] = { 0 };
    struct person ada;
    int made = 0;

    person_init(&ada, 1);
    for (size_t i = 0; i < RUNNERS; i++) {
        accounts_register(&temp->domain, buf_view(&ada.manifest), bytes_text(""), SCENE_NOW_MS,
                          scene_hear_account, &heard[i]);
    }
    for (size_t i = 0; i < RUNNERS; i++) {
        temp_store_wait(&temp->temp, &heard[i].done);
        made += heard[i].outcome.result == ACCOUNTS_DONE ? 1 : 0;
        assert_true(heard[i].outcome.result == ACCOUNTS_DONE ||
                    heard[i].outcome.result == ACCOUNTS_PRESENT);
    }
    assert_int_equal(made, 1);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 1);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM devices"), 1);
    person_clear(&ada);
}

static void a_manifest_that_breaks_a_rule_is_refused_at_once_with_its_number(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_account heard = { 0 };
    struct person ada;

    person_init(&ada, 1);
    ada.manifest.at[ada.manifest.size - 1] ^= 1;
    accounts_register(&temp->domain, buf_view(&ada.manifest), bytes_text(""), SCENE_NOW_MS,
                      scene_hear_account, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_MANIFEST_INVALID);
    assert_int_equal(heard.outcome.verdict, MANIFEST_RULE_2_FIRST);
    heard.done = false;
    accounts_register(&temp->domain, bytes_text("SPM1"), bytes_text(""), SCENE_NOW_MS,
                      scene_hear_account, &heard);
    assert_int_equal(heard.outcome.verdict, MANIFEST_RULE_1_FORM);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 0);
    person_clear(&ada);
}

static void an_epoch_above_zero_does_not_register(void **state)
{
    struct temp_domain *temp = *state;
    struct accounts_outcome outcome;
    struct person ada;

    person_init(&ada, 1);
    person_next(&ada);
    outcome = scene_register_with(temp, &ada, "");
    assert_int_equal(outcome.result, ACCOUNTS_MANIFEST_INVALID);
    assert_int_equal(outcome.verdict, MANIFEST_RULE_2_FIRST);
    person_clear(&ada);
}

static void a_closed_relay_takes_nobody_but_knows_whom_it_has(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_invite card = invite(temp, 1, SCENE_NOW_MS / 1000 + 60);
    struct person ada;
    struct person bob;

    person_init(&ada, 1);
    person_init(&bob, 1);
    scene_register(temp, &ada);
    temp->domain.settings.registration = DOMAIN_CLOSED;
    assert_int_equal(scene_register_with(temp, &bob, card.text).result,
                     ACCOUNTS_REGISTRATION_CLOSED);
    assert_int_equal(scene_register_with(temp, &ada, "").result, ACCOUNTS_PRESENT);
    person_clear(&ada);
    person_clear(&bob);
}

static enum accounts_result join(struct temp_domain *temp, const char *text)
{
    enum accounts_result result = ACCOUNTS_DONE;
    struct person newcomer;

    person_init(&newcomer, 1);
    result = scene_register_with(temp, &newcomer, text).result;
    person_clear(&newcomer);
    return result;
}

static void an_invite_is_good_for_its_uses(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_invite card = invite(temp, 2, SCENE_NOW_MS / 1000 + 60);

    temp->domain.settings.registration = DOMAIN_INVITE;
    assert_int_equal(join(temp, card.text), ACCOUNTS_DONE);
    assert_int_equal(join(temp, card.text), ACCOUNTS_DONE);
    assert_int_equal(join(temp, card.text), ACCOUNTS_INVITE_INVALID);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 2);
}

static void an_invite_that_is_missing_wrong_or_expired_is_refused(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_invite over = invite(temp, 9, SCENE_NOW_MS / 1000);
    struct heard_invite good = invite(temp, 9, SCENE_NOW_MS / 1000 + 1);

    temp->domain.settings.registration = DOMAIN_INVITE;
    assert_int_equal(join(temp, ""), ACCOUNTS_INVITE_INVALID);
    assert_int_equal(join(temp, "spi1_AAAAAAAAAAAAAAAAAAAAAA"), ACCOUNTS_INVITE_INVALID);
    assert_int_equal(join(temp, good.text + 1), ACCOUNTS_INVITE_INVALID);
    assert_int_equal(join(temp, over.text), ACCOUNTS_INVITE_INVALID);
    assert_int_equal(join(temp, good.text), ACCOUNTS_DONE);
}

static void an_invite_is_not_used_up_by_a_repeat_or_a_refusal(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_invite card = invite(temp, 2, SCENE_NOW_MS / 1000 + 60);
    struct person ada;
    struct person thief;

    temp->domain.settings.registration = DOMAIN_INVITE;
    person_init(&ada, 1);
    assert_int_equal(scene_register_with(temp, &ada, card.text).result, ACCOUNTS_DONE);
    assert_int_equal(scene_register_with(temp, &ada, card.text).result, ACCOUNTS_PRESENT);
    person_init(&thief, 2);
    person_take_key(person_device(&thief, 2), person_device(&ada, 1));
    person_first(&thief);
    assert_int_equal(scene_register_with(temp, &thief, card.text).result, ACCOUNTS_KEY_USED);
    assert_int_equal(scene_count(temp, "SELECT uses_left FROM invites"), 1);
    person_clear(&ada);
    person_clear(&thief);
}

static void one_use_that_many_race_for_lets_one_in(void **state)
{
    enum {
        RUNNERS = 6
    };
    struct temp_domain *temp = *state;
    struct heard_invite card = invite(temp, 1, SCENE_NOW_MS / 1000 + 60);
    struct heard_account heard[RUNNERS] = { 0 };
    static struct person runners[RUNNERS];
    int made = 0;

    temp->domain.settings.registration = DOMAIN_INVITE;
    for (size_t i = 0; i < RUNNERS; i++) {
        person_init(&runners[i], 1);
        accounts_register(&temp->domain, buf_view(&runners[i].manifest), bytes_text(card.text),
                          SCENE_NOW_MS, scene_hear_account, &heard[i]);
    }
    for (size_t i = 0; i < RUNNERS; i++) {
        temp_store_wait(&temp->temp, &heard[i].done);
        made += heard[i].outcome.result == ACCOUNTS_DONE ? 1 : 0;
        assert_true(heard[i].outcome.result == ACCOUNTS_DONE ||
                    heard[i].outcome.result == ACCOUNTS_INVITE_INVALID);
        person_clear(&runners[i]);
    }
    assert_int_equal(made, 1);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 1);
    assert_int_equal(scene_count(temp, "SELECT uses_left FROM invites"), 0);
}

static void a_key_that_stands_in_another_account_is_refused(void **state)
{
    struct temp_domain *temp = *state;
    struct person ada;
    struct person thief;

    person_init(&ada, 2);
    scene_register(temp, &ada);
    person_init(&thief, 3);
    person_take_key(person_device(&thief, 3), person_device(&ada, 2));
    person_first(&thief);
    assert_int_equal(scene_register_with(temp, &thief, "").result, ACCOUNTS_KEY_USED);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM devices"), 2);
    person_clear(&ada);
    person_clear(&thief);
}

static void two_accounts_that_race_for_a_key_get_it_once(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_account heard[2] = { 0 };
    static struct person racers[2];
    int made = 0;

    person_init(&racers[0], 1);
    person_init(&racers[1], 2);
    person_take_key(person_device(&racers[1], 2), person_device(&racers[0], 1));
    person_first(&racers[1]);
    for (size_t i = 0; i < 2; i++) {
        accounts_register(&temp->domain, buf_view(&racers[i].manifest), bytes_text(""),
                          SCENE_NOW_MS, scene_hear_account, &heard[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        temp_store_wait(&temp->temp, &heard[i].done);
        made += heard[i].outcome.result == ACCOUNTS_DONE ? 1 : 0;
        assert_true(heard[i].outcome.result == ACCOUNTS_DONE ||
                    heard[i].outcome.result == ACCOUNTS_KEY_USED);
        person_clear(&racers[i]);
    }
    assert_int_equal(made, 1);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 1);
}

struct heard_list {
    bool done;
    size_t count;
    struct accounts_entry entries[4];
};

static void hear_list(void *arg, const struct accounts_entry *entries, size_t count)
{
    struct heard_list *heard = arg;

    assert_non_null(entries);
    assert_true(count <= 4);
    heard->done = true;
    heard->count = count;
    memcpy(heard->entries, entries, count * sizeof *entries);
}

static void the_list_comes_in_pages(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_list first = { 0 };
    struct heard_list rest = { 0 };
    static struct person people[3];

    for (size_t i = 0; i < 3; i++) {
        person_init(&people[i], i + 1);
        scene_register(temp, &people[i]);
    }
    accounts_list(&temp->domain, 0, 2, hear_list, &first);
    temp_store_wait(&temp->temp, &first.done);
    assert_int_equal(first.count, 2);
    accounts_list(&temp->domain, first.entries[1].account, 2, hear_list, &rest);
    temp_store_wait(&temp->temp, &rest.done);
    assert_int_equal(rest.count, 1);
    assert_memory_equal(rest.entries[0].account_id.raw, people[2].account_id.raw, 32);
    assert_int_equal(rest.entries[0].device_count, 3);
    assert_int_equal(rest.entries[0].seen_day, SCENE_DAY);
    for (size_t i = 0; i < 3; i++) {
        person_clear(&people[i]);
    }
}

static void a_registration_that_cannot_be_stored_leaves_no_trace(void **state)
{
    struct temp_domain *temp = *state;
    struct heard_invite card = invite(temp, 1, SCENE_NOW_MS / 1000 + 60);
    struct person ada;

    temp->domain.settings.registration = DOMAIN_INVITE;
    damage_break(temp, DAMAGE_INSERT_DEVICES);
    person_init(&ada, 1);
    assert_int_equal(scene_register_with(temp, &ada, card.text).result, ACCOUNTS_UNAVAILABLE);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM accounts"), 0);
    assert_int_equal(scene_count(temp, "SELECT count(*) FROM manifests"), 0);
    damage_mend(temp);
    assert_int_equal(scene_register_with(temp, &ada, card.text).result, ACCOUNTS_DONE);
    person_clear(&ada);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registering_makes_the_account_its_chain_and_its_mailboxes),
        TEST(registering_again_is_present_with_the_head_of_now),
        TEST(a_race_of_the_same_bytes_makes_one_account),
        TEST(a_manifest_that_breaks_a_rule_is_refused_at_once_with_its_number),
        TEST(an_epoch_above_zero_does_not_register),
        TEST(a_closed_relay_takes_nobody_but_knows_whom_it_has),
        TEST(an_invite_is_good_for_its_uses),
        TEST(an_invite_that_is_missing_wrong_or_expired_is_refused),
        TEST(an_invite_is_not_used_up_by_a_repeat_or_a_refusal),
        TEST(one_use_that_many_race_for_lets_one_in),
        TEST(a_key_that_stands_in_another_account_is_refused),
        TEST(two_accounts_that_race_for_a_key_get_it_once),
        TEST(the_list_comes_in_pages),
        TEST(a_registration_that_cannot_be_stored_leaves_no_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
