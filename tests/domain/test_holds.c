/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/clock.h"
#include "common/loop.h"
#include "server/domain/accounts.h"
#include "server/domain/commands.h"
#include "server/domain/holds.h"
#include "server/domain/holds_veto.h"
#include "server/domain/janitor.h"
#include "server/domain/mailboxes.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

#define HOLD_S INT64_C(3600)
#define DUE_MS (SCENE_NOW_MS + HOLD_S * 1000)
#define AWAKE_MS INT64_C(0)
#define HELD_SQL "SELECT count(*) FROM holds"
#define EPOCH_SQL "SELECT epoch FROM accounts"

struct setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 and 2 (ADMIN), and 3 */
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    setting.temp.domain.settings.hold_s = HOLD_S;
    person_init(&setting.ada, 3);
    person_device(&setting.ada, 2)->flags = MANIFEST_DEVICE_ADMIN;
    person_first(&setting.ada);
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

/* Make the person who went on without device gone, by the signature of device signer alone. */
static void without(const struct person *person, uint32_t gone, uint32_t signer, struct person *out)
{
    person_copy(person, out);
    person_remove(out, gone);
    person_next_by(out, signer);
}

static void expect_held(struct setting *setting, const struct person *person)
{
    struct heard_put heard;

    scene_put_start(&setting->temp, person, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    buf_clear(&heard.head);
    assert_int_equal(heard.outcome.result, MANIFESTS_HELD);
    assert_int_equal(heard.outcome.held_until, SCENE_NOW_MS / 1000 + HOLD_S);
}

static size_t run_at(struct setting *setting, int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    holds_run(&setting->temp.domain, now_ms, AWAKE_MS, scene_hear_purge, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.row_count;
}

struct heard_veto {
    bool done;
    struct holds_outcome outcome;
};

static void hear_veto(void *arg, const struct holds_outcome *outcome)
{
    struct heard_veto *heard = arg;

    assert_false(heard->done);
    heard->done = true;
    heard->outcome = *outcome;
}

static void veto_start(struct setting *setting, const struct holds_veto *order, uint32_t device_id,
                       int64_t seq, struct heard_veto *heard)
{
    struct mailbox *mailbox =
        scene_mailbox(&setting->temp, &person_device(&setting->ada, device_id)->pub);
    struct holds_veto whole = *order;
    struct command_guard guard;

    assert_non_null(mailbox);
    guard = (struct command_guard){ .mailbox = mailbox->number, .seq = seq };
    whole.account_id = setting->ada.account_id;
    whole.guard = &guard;
    whole.device_id = device_id;
    *heard = (struct heard_veto){ 0 };
    holds_veto(&setting->temp.domain, &whole, SCENE_NOW_MS, hear_veto, heard);
}

static struct holds_outcome veto(struct setting *setting, const struct holds_veto *order,
                                 uint32_t device_id, int64_t seq)
{
    struct heard_veto heard;

    veto_start(setting, order, device_id, seq, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static struct holds_veto of(const struct person *person)
{
    return (struct holds_veto){ .kind = HOLD_MANIFEST,
                                .epoch = person->epoch,
                                .hash = person->hash };
}

static void the_removal_of_another_admin_is_held_and_changes_nothing(void **state)
{
    struct setting *setting = *state;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    expect_held(setting, &next);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 1);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 0);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"), 3);
    assert_int_equal(scene_count(&setting->temp, "SELECT signer FROM holds"), 1);
    person_clear(&next);
}

static void who_leaves_by_its_own_signature_or_is_no_admin_leaves_at_once(void **state)
{
    struct setting *setting = *state;

    person_remove(&setting->ada, 3);
    person_next_by(&setting->ada, 1);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    person_remove(&setting->ada, 2);
    person_next_by(&setting->ada, 2);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
}

static void an_admin_bit_that_is_cleared_is_held(void **state)
{
    struct setting *setting = *state;
    struct person next;

    person_copy(&setting->ada, &next);
    person_device(&next, 2)->flags = 0;
    person_next_by(&next, 1);
    expect_held(setting, &next);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT flags FROM devices WHERE device_id = 2"),
                     0);
    person_clear(&next);
}

static void what_is_held_is_put_at_its_time_and_not_before(void **state)
{
    struct setting *setting = *state;
    struct device_pub pub = person_device(&setting->ada, 2)->pub;
    struct session_hash gone = scene_begin(&setting->temp, &setting->ada, 2);
    struct scene_stream stream;
    struct person next;

    scene_listen(&setting->temp, &pub, &gone, &stream);
    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_HELD);
    assert_int_equal(stream.event.device_id, 1);
    assert_int_equal(stream.event.held_until, DUE_MS / 1000);
    assert_memory_equal(stream.event.hash.raw, next.hash.raw, 32);
    assert_int_equal(run_at(setting, DUE_MS - 1), 0);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 0);
    assert_int_equal(stream.end_count, 0);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_CHANGED);
    assert_int_equal(stream.end, HUB_END_REVOKED);
    assert_null(scene_mailbox(&setting->temp, &pub));
    assert_null(sessions_cached(&setting->temp.domain, &gone, SCENE_NOW_MS));
    assert_int_equal(run_at(setting, DUE_MS), 0);
    assert_int_equal(scene_put(&setting->temp, &next), MANIFESTS_PRESENT);
    person_clear(&next);
}

static void what_is_held_is_put_in_the_next_life_of_the_daemon(void **state)
{
    struct setting *setting = *state;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    temp_domain_restart(&setting->temp);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    person_clear(&next);
}

static void a_relay_that_was_away_waits_for_the_devices_to_come_back(void **state)
{
    struct setting *setting = *state;
    struct heard_purge heard = { 0 };
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    holds_run(&setting->temp.domain, DUE_MS + 299999, DUE_MS, scene_hear_purge, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.row_count, 0);
    heard.done = false;
    holds_run(&setting->temp.domain, DUE_MS + 300000, DUE_MS, scene_hear_purge, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.row_count, 1);
    person_clear(&next);
}

/* Let the janitor make rounds until one has taken away a challenge that was used. */
static void round_at(struct setting *setting, struct janitor *janitor, int64_t now_ms)
{
    int64_t until_ms = clock_steady_ms() + 30000;

    damage_run(&setting->temp, "INSERT INTO used_challenges (rand, expires_at) VALUES (x'01', 1)",
               "INSERT INTO used_challenges (rand, expires_at) VALUES ('\\x01'::bytea, 1)");
    while (scene_count(&setting->temp, "SELECT count(*) FROM used_challenges") > 0) {
        assert_true(clock_steady_ms() < until_ms);
        janitor_run(janitor, now_ms);
        loop_turn(setting->temp.temp.loop, 0);
    }
}

static void the_janitor_does_not_trust_a_clock_that_jumps(void **state)
{
    struct setting *setting = *state;
    struct janitor *janitor = janitor_create(&setting->temp.domain);
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    for (int64_t at_ms = SCENE_NOW_MS; at_ms < SCENE_NOW_MS + 400000; at_ms += 50000) {
        round_at(setting, janitor, at_ms);
    }
    round_at(setting, janitor, DUE_MS + 1000);
    round_at(setting, janitor, DUE_MS + 2000);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 0);
    for (int64_t at_ms = DUE_MS + 3000; at_ms < DUE_MS + 500000; at_ms += 50000) {
        round_at(setting, janitor, at_ms);
    }
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    person_clear(&next);
    temp_store_reopen(&setting->temp.temp);
    setting->temp.domain.store = setting->temp.temp.store;
    janitor_destroy(janitor);
}

static void a_second_order_of_one_admin_is_blocked_and_anothers_is_held(void **state)
{
    static struct person first;
    static struct person second;
    static struct person other;
    struct setting *setting = *state;
    struct heard_put heard;

    without(&setting->ada, 2, 1, &first);
    without(&setting->ada, 1, 2, &other);
    person_copy(&setting->ada, &second);
    person_device(&second, 2)->flags = 0;
    person_next_by(&second, 1);
    expect_held(setting, &first);
    expect_held(setting, &other);
    scene_put_start(&setting->temp, &second, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    buf_clear(&heard.head);
    assert_int_equal(heard.outcome.result, MANIFESTS_BLOCKED);
    assert_int_equal(heard.outcome.held_until, DUE_MS / 1000);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 2);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    person_clear(&first);
    person_clear(&second);
    person_clear(&other);
}

static void while_something_is_held_the_head_stays(void **state)
{
    struct setting *setting = *state;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_BLOCKED);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 0);
    setting->temp.domain.settings.hold_s = 0; /* what is held stays so */
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_BLOCKED);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    person_clear(&next);
}

static void a_plain_manifest_that_races_with_a_hold_never_ends_it(void **state)
{
    struct setting *setting = *state;
    struct heard_put plain;
    struct heard_put held;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    person_next(&setting->ada);
    scene_put_start(&setting->temp, &setting->ada, &plain);
    scene_put_start(&setting->temp, &next, &held);
    temp_store_wait(&setting->temp.temp, &plain.done);
    temp_store_wait(&setting->temp.temp, &held.done);
    buf_clear(&plain.head);
    buf_clear(&held.head);
    if (plain.outcome.result == MANIFESTS_STORED) {
        assert_int_equal(held.outcome.result, MANIFESTS_CONFLICT);
        assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    } else {
        assert_int_equal(plain.outcome.result, MANIFESTS_BLOCKED);
        assert_int_equal(held.outcome.result, MANIFESTS_HELD);
        assert_int_equal(scene_count(&setting->temp, HELD_SQL), 1);
    }
    person_clear(&next);
}

static void a_veto_is_for_devices_that_nothing_held_removes(void **state)
{
    struct setting *setting = *state;
    struct scene_stream stream;
    struct session_hash session = scene_begin(&setting->temp, &setting->ada, 3);
    struct holds_veto order;
    struct person next;

    scene_listen(&setting->temp, &person_device(&setting->ada, 3)->pub, &session, &stream);
    without(&setting->ada, 2, 1, &next);
    order = of(&next);
    expect_held(setting, &next);
    assert_int_equal(veto(setting, &order, 2, 5).result, HOLDS_DENIED);
    assert_int_equal(scene_count(&setting->temp, "SELECT max(command_seq) FROM devices"), 0);
    assert_int_equal(veto(setting, &order, 3, 5).result, HOLDS_VETOED);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_DROPPED);
    assert_memory_equal(stream.event.hash.raw, next.hash.raw, 32);
    assert_int_equal(veto(setting, &order, 3, 6).result, HOLDS_UNKNOWN);
    assert_int_equal(run_at(setting, DUE_MS), 0);
    expect_held(setting, &next);
    assert_int_equal(veto(setting, &order, 3, 5).result, HOLDS_REPLAYED);
    assert_int_equal(veto(setting, &order, 3, 5).last_seq, 5);
    assert_int_equal(veto(setting, &order, 1, 5).result, HOLDS_VETOED);
    scene_leave(&stream);
    person_clear(&next);
}

static void of_a_veto_and_the_janitor_exactly_one_wins(void **state)
{
    struct setting *setting = *state;
    struct heard_purge ran = { 0 };
    struct heard_veto vetoed;
    struct holds_veto order;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    order = of(&next);
    expect_held(setting, &next);
    veto_start(setting, &order, 3, 5, &vetoed);
    holds_run(&setting->temp.domain, DUE_MS, AWAKE_MS, scene_hear_purge, &ran);
    temp_store_wait(&setting->temp.temp, &vetoed.done);
    temp_store_wait(&setting->temp.temp, &ran.done);
    if (vetoed.outcome.result == HOLDS_VETOED) {
        assert_int_equal(ran.row_count, 0);
    } else {
        assert_int_equal(vetoed.outcome.result, HOLDS_UNKNOWN);
        assert_int_equal(ran.row_count, 1);
    }
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), (int64_t)ran.row_count);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    person_clear(&next);
}

static void two_runs_at_once_put_it_once(void **state)
{
    struct setting *setting = *state;
    struct heard_purge ran[2] = { { 0 }, { 0 } };
    struct temp_domain there;
    struct domain *second = &setting->temp.domain;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    if (temp_store_is_shared()) {
        temp_domain_open_beside(&there, &setting->temp);
        second = &there.domain;
    }
    holds_run(&setting->temp.domain, DUE_MS, AWAKE_MS, scene_hear_purge, &ran[0]);
    holds_run(second, DUE_MS, AWAKE_MS, scene_hear_purge, &ran[1]);
    temp_store_wait(&setting->temp.temp, &ran[0].done);
    temp_store_wait(&setting->temp.temp, &ran[1].done);
    assert_int_equal(ran[0].row_count + ran[1].row_count, 1);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM left_devices"), 1);
    if (temp_store_is_shared()) {
        temp_domain_close(&there);
    }
    person_clear(&next);
}

static void what_the_store_cannot_do_now_is_done_later(void **state)
{
    struct setting *setting = *state;
    struct person next;

    person_copy(&setting->ada, &next);
    person_remove(&next, 2);
    (void)person_add(&next, 9, 0);
    person_next_by(&next, 1);
    expect_held(setting, &next);
    damage_break(&setting->temp, DAMAGE_INSERT_DEVICES);
    assert_int_equal(run_at(setting, DUE_MS), 0);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 1);
    damage_mend(&setting->temp);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    person_clear(&next);
}

static void what_cannot_be_put_any_more_is_dropped_and_told(void **state)
{
    struct setting *setting = *state;
    struct session_hash session = scene_begin(&setting->temp, &setting->ada, 3);
    struct scene_stream stream;
    struct person next;
    struct person bob;

    scene_listen(&setting->temp, &person_device(&setting->ada, 3)->pub, &session, &stream);
    person_copy(&setting->ada, &next);
    person_remove(&next, 2);
    (void)person_add(&next, 9, 0);
    person_next_by(&next, 1);
    expect_held(setting, &next);
    person_init(&bob, 1);
    person_take_key(person_device(&bob, 1), person_device(&next, 9));
    person_first(&bob);
    scene_register(&setting->temp, &bob);
    assert_int_equal(run_at(setting, DUE_MS), 0);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_DROPPED);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    scene_leave(&stream);
    person_clear(&next);
    person_clear(&bob);
}

static void a_row_that_is_damaged_is_dropped(void **state)
{
    struct setting *setting = *state;
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    damage_run(&setting->temp, "UPDATE holds SET signed = x'00'",
               "UPDATE holds SET signed = '\\x00'::bytea");
    assert_int_equal(run_at(setting, DUE_MS), 0);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 0);
    person_clear(&next);
}

static struct accounts_outcome erase_by(struct setting *setting, uint32_t device_id, int64_t seq)
{
    struct mailbox *mailbox =
        scene_mailbox(&setting->temp, &person_device(&setting->ada, device_id)->pub);
    struct heard_account heard = { 0 };
    struct command_guard guard;

    assert_non_null(mailbox);
    guard = (struct command_guard){ .mailbox = mailbox->number, .seq = seq };
    accounts_erase(
        &setting->temp.domain,
        &(struct accounts_erasure){ .account_id = setting->ada.account_id, .guard = &guard },
        SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static void an_erasure_is_held_where_another_admin_is(void **state)
{
    struct setting *setting = *state;
    struct session_hash session = scene_begin(&setting->temp, &setting->ada, 2);
    struct scene_stream stream;

    scene_listen(&setting->temp, &person_device(&setting->ada, 2)->pub, &session, &stream);
    assert_int_equal(erase_by(setting, 3, 5).result, ACCOUNTS_NOT_ADMIN);
    assert_int_equal(erase_by(setting, 1, 5).result, ACCOUNTS_HELD);
    assert_int_equal(erase_by(setting, 1, 6).held_until, DUE_MS / 1000);
    assert_int_equal(stream.event.kind, HUB_EVENT_ERASURE_HELD);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 1);
    assert_int_equal(run_at(setting, DUE_MS - 1), 0);
    assert_int_equal(run_at(setting, DUE_MS), 1);
    assert_int_equal(stream.end, HUB_END_REVOKED);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM accounts"), 0);
}

static void an_erasure_that_is_held_is_vetoed_or_overtaken(void **state)
{
    const struct holds_veto order = { .kind = HOLD_ERASURE, .signer = 1 };
    const struct holds_veto other = { .kind = HOLD_ERASURE, .signer = 2 };
    struct setting *setting = *state;
    struct person next;

    assert_int_equal(erase_by(setting, 1, 5).result, ACCOUNTS_HELD);
    assert_int_equal(veto(setting, &other, 2, 5).result, HOLDS_UNKNOWN);
    assert_int_equal(veto(setting, &order, 2, 5).result, HOLDS_VETOED);
    assert_int_equal(run_at(setting, DUE_MS), 0);
    without(&setting->ada, 1, 2, &next);
    expect_held(setting, &next);
    assert_int_equal(erase_by(setting, 1, 7).result, ACCOUNTS_HELD);
    assert_int_equal(veto(setting, &order, 1, 8).result, HOLDS_DENIED);
    assert_int_equal(run_at(setting, DUE_MS), 1); /* the manifest was ordered before it */
    assert_int_equal(scene_count(&setting->temp, EPOCH_SQL), 1);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    person_clear(&next);
}

static void an_operators_erasure_waits_for_nothing(void **state)
{
    struct setting *setting = *state;
    struct heard_account heard = { 0 };
    struct person next;

    without(&setting->ada, 2, 1, &next);
    expect_held(setting, &next);
    accounts_erase(&setting->temp.domain,
                   &(struct accounts_erasure){ .account_id = setting->ada.account_id },
                   SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_DONE);
    assert_int_equal(scene_count(&setting->temp, HELD_SQL), 0);
    person_clear(&next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_removal_of_another_admin_is_held_and_changes_nothing),
        TEST(who_leaves_by_its_own_signature_or_is_no_admin_leaves_at_once),
        TEST(an_admin_bit_that_is_cleared_is_held),
        TEST(what_is_held_is_put_at_its_time_and_not_before),
        TEST(what_is_held_is_put_in_the_next_life_of_the_daemon),
        TEST(a_relay_that_was_away_waits_for_the_devices_to_come_back),
        TEST(the_janitor_does_not_trust_a_clock_that_jumps),
        TEST(a_second_order_of_one_admin_is_blocked_and_anothers_is_held),
        TEST(while_something_is_held_the_head_stays),
        TEST(a_plain_manifest_that_races_with_a_hold_never_ends_it),
        TEST(a_veto_is_for_devices_that_nothing_held_removes),
        TEST(of_a_veto_and_the_janitor_exactly_one_wins),
        TEST(two_runs_at_once_put_it_once),
        TEST(what_the_store_cannot_do_now_is_done_later),
        TEST(what_cannot_be_put_any_more_is_dropped_and_told),
        TEST(a_row_that_is_damaged_is_dropped),
        TEST(an_erasure_is_held_where_another_admin_is),
        TEST(an_erasure_that_is_held_is_vetoed_or_overtaken),
        TEST(an_operators_erasure_waits_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
