/* SPDX-License-Identifier: Apache-2.0 */
/* What is held, and vetoes.  Over a temp_domain, on either engine. */
#include "server/domain/accounts.h"
#include "server/domain/commands.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/holding.h"
#include "tests/support/unit.h"

static void the_removal_of_another_admin_is_held_and_changes_nothing(void **state)
{
    struct holding *holding = *state;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    holding_expect(holding, &next);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 0);
    assert_int_equal(scene_count(&holding->temp, "SELECT count(*) FROM devices"), 3);
    assert_int_equal(scene_count(&holding->temp, "SELECT signer FROM holds"), 1);
    person_clear(&next);
}

static void who_leaves_by_its_own_signature_or_is_no_admin_leaves_at_once(void **state)
{
    struct holding *holding = *state;

    person_remove(&holding->ada, 3);
    person_next_by(&holding->ada, 1);
    assert_int_equal(scene_put(&holding->temp, &holding->ada), MANIFESTS_STORED);
    person_remove(&holding->ada, 2);
    person_next_by(&holding->ada, 2);
    assert_int_equal(scene_put(&holding->temp, &holding->ada), MANIFESTS_STORED);
}

static void an_admin_bit_that_is_cleared_is_held(void **state)
{
    struct holding *holding = *state;
    struct person next;

    person_copy(&holding->ada, &next);
    person_device(&next, 2)->flags = 0;
    person_next_by(&next, 1);
    holding_expect(holding, &next);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(scene_count(&holding->temp, "SELECT flags FROM devices WHERE device_id = 2"),
                     0);
    person_clear(&next);
}

static void a_second_order_of_one_admin_is_blocked_and_anothers_is_held(void **state)
{
    static struct person first;
    static struct person second;
    static struct person other;
    struct holding *holding = *state;
    struct heard_put heard;

    holding_without(&holding->ada, 2, 1, &first);
    holding_without(&holding->ada, 1, 2, &other);
    person_copy(&holding->ada, &second);
    person_device(&second, 2)->flags = 0;
    person_next_by(&second, 1);
    holding_expect(holding, &first);
    holding_expect(holding, &other);
    scene_put_start(&holding->temp, &second, &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    buf_clear(&heard.head);
    assert_int_equal(heard.outcome.result, MANIFESTS_BLOCKED);
    assert_int_equal(heard.outcome.held_until, HOLDING_DUE_MS / 1000);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 2);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    person_clear(&first);
    person_clear(&second);
    person_clear(&other);
}

static void while_something_is_held_the_head_stays(void **state)
{
    struct holding *holding = *state;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    person_next(&holding->ada);
    assert_int_equal(scene_put(&holding->temp, &holding->ada), MANIFESTS_BLOCKED);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 0);
    holding->temp.domain.settings.hold_s = 0; /* what is held stays so */
    assert_int_equal(scene_put(&holding->temp, &holding->ada), MANIFESTS_BLOCKED);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    person_clear(&next);
}

/* Nothing that it may sign moves the head, or comes before its own removal. */
static void who_is_ordered_out_cannot_put_it_off(void **state)
{
    static struct person removal;
    static struct person evasion;
    static struct person counter;
    struct holding *holding = *state;
    struct holds_veto order;

    holding_without(&holding->ada, 2, 1, &removal);
    order = holding_order(&removal);
    holding_expect(holding, &removal);
    person_copy(&holding->ada, &evasion);
    (void)person_add(&evasion, 9, MANIFEST_DEVICE_ADMIN);
    person_next_by(&evasion, 2);
    assert_int_equal(scene_put(&holding->temp, &evasion), MANIFESTS_BLOCKED);
    assert_int_equal(holding_veto(holding, &order, 2, 5).result, HOLDS_DENIED);
    holding_without(&holding->ada, 1, 2, &counter);
    order = holding_order(&counter);
    for (int64_t seq = 6; seq < 9; seq++) {
        holding_expect(holding, &counter);
        assert_int_equal(holding_veto(holding, &order, 3, seq).result, HOLDS_VETOED);
    }
    holding_expect(holding, &counter);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    assert_int_equal(scene_put(&holding->temp, &removal), MANIFESTS_PRESENT);
    assert_int_equal(scene_put(&holding->temp, &evasion), MANIFESTS_CONFLICT);
    person_clear(&removal);
    person_clear(&evasion);
    person_clear(&counter);
}

static void a_plain_manifest_that_races_with_a_hold_never_ends_it(void **state)
{
    struct holding *holding = *state;
    struct heard_put plain;
    struct heard_put held;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    person_next(&holding->ada);
    scene_put_start(&holding->temp, &holding->ada, &plain);
    scene_put_start(&holding->temp, &next, &held);
    temp_store_wait(&holding->temp.temp, &plain.done);
    temp_store_wait(&holding->temp.temp, &held.done);
    buf_clear(&plain.head);
    buf_clear(&held.head);
    if (plain.outcome.result == MANIFESTS_STORED) {
        assert_int_equal(held.outcome.result, MANIFESTS_CONFLICT);
        assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    } else {
        assert_int_equal(plain.outcome.result, MANIFESTS_BLOCKED);
        assert_int_equal(held.outcome.result, MANIFESTS_HELD);
        assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 1);
    }
    person_clear(&next);
}

static void a_veto_is_for_devices_that_nothing_held_removes(void **state)
{
    struct holding *holding = *state;
    struct scene_stream stream;
    struct session_hash session = scene_begin(&holding->temp, &holding->ada, 3);
    struct holds_veto order;
    struct person next;

    scene_listen(&holding->temp, &person_device(&holding->ada, 3)->pub, &session, &stream);
    holding_without(&holding->ada, 2, 1, &next);
    order = holding_order(&next);
    holding_expect(holding, &next);
    assert_int_equal(holding_veto(holding, &order, 2, 5).result, HOLDS_DENIED);
    assert_int_equal(scene_count(&holding->temp, "SELECT max(command_seq) FROM devices"), 0);
    assert_int_equal(holding_veto(holding, &order, 3, 5).result, HOLDS_VETOED);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_DROPPED);
    assert_memory_equal(stream.event.hash.raw, next.hash.raw, 32);
    assert_int_equal(holding_veto(holding, &order, 3, 6).result, HOLDS_UNKNOWN);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    holding_expect(holding, &next);
    assert_int_equal(holding_veto(holding, &order, 3, 5).result, HOLDS_REPLAYED);
    assert_int_equal(holding_veto(holding, &order, 3, 5).last_seq, 5);
    assert_int_equal(holding_veto(holding, &order, 1, 5).result, HOLDS_VETOED);
    scene_leave(&stream);
    person_clear(&next);
}

struct listed {
    bool done;
    size_t count;
    size_t bytes;
};

static void hear_listed(void *arg, bool ok, const struct hold *holds, size_t count)
{
    struct listed *listed = arg;

    assert_true(ok);
    listed->done = true;
    listed->count = count;
    listed->bytes = count > 0 ? holds[0].signed_bytes.size : 0;
}

static void what_is_held_is_listed_with_its_manifest_or_without(void **state)
{
    struct holding *holding = *state;
    struct listed whole = { 0 };
    struct listed lean = { 0 };
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    holds_list_whole(&holding->temp.domain, &holding->ada.account_id, hear_listed, &whole);
    holds_list(&holding->temp.domain, &holding->ada.account_id, hear_listed, &lean);
    temp_store_wait(&holding->temp.temp, &whole.done);
    temp_store_wait(&holding->temp.temp, &lean.done);
    assert_int_equal(whole.count, 1);
    assert_int_equal(whole.bytes, next.manifest.size);
    assert_int_equal(lean.count, 1);
    assert_int_equal(lean.bytes, 0);
    person_clear(&next);
}

static struct accounts_outcome erase_by(struct holding *holding, uint32_t device_id, int64_t seq)
{
    struct command_guard guard = holding_guard(holding, device_id, seq);
    struct heard_account heard = { 0 };

    accounts_erase(
        &holding->temp.domain,
        &(struct accounts_erasure){ .account_id = holding->ada.account_id, .guard = &guard },
        SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    return heard.outcome;
}

/* The server ends our connection while it commits what is held, so nobody knows. */
static void break_commits(struct temp_domain *temp)
{
    static const char *const steps[] = {
        "CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60);"
        " RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER break_off AFTER INSERT ON holds"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break_off()",
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        damage_run(temp, "SELECT 1", steps[i]);
    }
}

static void what_may_be_held_is_told(void **state)
{
    struct holding *holding = *state;
    struct session_hash session = scene_begin(&holding->temp, &holding->ada, 3);
    struct scene_stream stream;
    struct person next;

    if (!temp_store_is_shared()) { /* SQLite goes on after no doubt: the process ends */
        skip();
    }
    scene_listen(&holding->temp, &person_device(&holding->ada, 3)->pub, &session, &stream);
    holding_without(&holding->ada, 2, 1, &next);
    break_commits(&holding->temp);
    assert_int_equal(scene_put(&holding->temp, &next), MANIFESTS_UNAVAILABLE);
    assert_int_equal(stream.event_count, 1);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_HELD);
    assert_int_equal(erase_by(holding, 1, 5).result, ACCOUNTS_UNAVAILABLE);
    assert_int_equal(stream.event.kind, HUB_EVENT_ERASURE_HELD);
    scene_leave(&stream);
    person_clear(&next);
}

static void an_erasure_is_held_where_another_admin_is(void **state)
{
    struct holding *holding = *state;
    struct session_hash session = scene_begin(&holding->temp, &holding->ada, 2);
    struct scene_stream stream;

    scene_listen(&holding->temp, &person_device(&holding->ada, 2)->pub, &session, &stream);
    assert_int_equal(erase_by(holding, 3, 5).result, ACCOUNTS_NOT_ADMIN);
    assert_int_equal(erase_by(holding, 1, 5).result, ACCOUNTS_HELD);
    assert_int_equal(erase_by(holding, 1, 6).held_until, HOLDING_DUE_MS / 1000);
    assert_int_equal(stream.event.kind, HUB_EVENT_ERASURE_HELD);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 1);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS - 1), 0);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(stream.end, HUB_END_REVOKED);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    assert_int_equal(scene_count(&holding->temp, "SELECT count(*) FROM accounts"), 0);
}

static void the_command_of_an_erasure_that_is_held_already_is_used_up(void **state)
{
    const struct holds_veto order = { .kind = HOLD_ERASURE, .signer = 1 };
    struct holding *holding = *state;

    assert_int_equal(erase_by(holding, 1, 5).result, ACCOUNTS_HELD);
    assert_int_equal(erase_by(holding, 1, 5).result, ACCOUNTS_REPLAYED);
    assert_int_equal(erase_by(holding, 1, 6).result, ACCOUNTS_HELD);
    assert_int_equal(holding_veto(holding, &order, 2, 5).result, HOLDS_VETOED);
    assert_int_equal(erase_by(holding, 1, 6).result, ACCOUNTS_REPLAYED);
    assert_int_equal(erase_by(holding, 1, 6).last_seq, 6);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
}

static void an_erasure_that_is_held_is_vetoed_or_overtaken(void **state)
{
    const struct holds_veto order = { .kind = HOLD_ERASURE, .signer = 1 };
    const struct holds_veto other = { .kind = HOLD_ERASURE, .signer = 2 };
    struct holding *holding = *state;
    struct person next;

    assert_int_equal(erase_by(holding, 1, 5).result, ACCOUNTS_HELD);
    assert_int_equal(holding_veto(holding, &other, 2, 5).result, HOLDS_UNKNOWN);
    assert_int_equal(holding_veto(holding, &order, 2, 5).result, HOLDS_VETOED);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    holding_without(&holding->ada, 1, 2, &next);
    holding_expect(holding, &next);
    assert_int_equal(erase_by(holding, 1, 7).result, ACCOUNTS_HELD);
    assert_int_equal(holding_veto(holding, &order, 1, 8).result, HOLDS_DENIED);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS),
                     1); /* the manifest was ordered before it */
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    person_clear(&next);
}

static void an_operators_erasure_waits_for_nothing(void **state)
{
    struct holding *holding = *state;
    struct heard_account heard = { 0 };
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    accounts_erase(&holding->temp.domain,
                   &(struct accounts_erasure){ .account_id = holding->ada.account_id },
                   SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_DONE);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    person_clear(&next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, holding_set_up, holding_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_removal_of_another_admin_is_held_and_changes_nothing),
        TEST(who_leaves_by_its_own_signature_or_is_no_admin_leaves_at_once),
        TEST(an_admin_bit_that_is_cleared_is_held),
        TEST(a_second_order_of_one_admin_is_blocked_and_anothers_is_held),
        TEST(while_something_is_held_the_head_stays),
        TEST(who_is_ordered_out_cannot_put_it_off),
        TEST(a_plain_manifest_that_races_with_a_hold_never_ends_it),
        TEST(a_veto_is_for_devices_that_nothing_held_removes),
        TEST(what_is_held_is_listed_with_its_manifest_or_without),
        TEST(what_may_be_held_is_told),
        TEST(an_erasure_is_held_where_another_admin_is),
        TEST(the_command_of_an_erasure_that_is_held_already_is_used_up),
        TEST(an_erasure_that_is_held_is_vetoed_or_overtaken),
        TEST(an_operators_erasure_waits_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
