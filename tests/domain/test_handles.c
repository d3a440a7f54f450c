/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/bytes.h"
#include "common/handle.h"
#include "server/domain/accounts.h"
#include "server/domain/commands.h"
#include "server/domain/handles.h"
#include "server/domain/mailboxes.h"
#include "server/domain/report.h"
#include "tests/domain/support/bindings.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

#define DAYS(count) ((count)*INT64_C(86400000))
#define ROWS "SELECT count(*) FROM handles"
#define HELD "SELECT count(*) FROM handles WHERE account > 0"

struct setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 (ADMIN) and 2 */
    struct person bob;
    int64_t command_seq;
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 2);
    person_init(&setting.bob, 1);
    scene_register(&setting.temp, &setting.ada);
    scene_register(&setting.temp, &setting.bob);
    setting.command_seq = 1;
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    person_clear(&setting->bob);
    temp_domain_close(&setting->temp);
    return 0;
}

struct heard {
    bool done;
    struct handles_outcome outcome;
};

static void hear(void *arg, const struct handles_outcome *outcome)
{
    struct heard *heard = arg;

    assert_false(heard->done);
    heard->outcome = *outcome;
    heard->done = true;
}

static void claim_start(struct temp_domain *temp, struct bytes input, int64_t now_ms,
                        struct heard *heard)
{
    struct handle_binding binding;

    *heard = (struct heard){ .done = false };
    assert_true(handle_binding_read(input, &binding));
    handles_claim(&temp->domain, &binding, input, now_ms, hear, heard);
}

static struct handles_outcome claim_bytes(struct setting *setting, struct bytes input,
                                          int64_t now_ms)
{
    struct heard heard;

    claim_start(&setting->temp, input, now_ms, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static struct handles_outcome claim_at(struct setting *setting, struct person *person,
                                       const char *name, int64_t seq, int64_t now_ms)
{
    struct buf input = { 0 };
    struct handles_outcome outcome;

    binding_sign(&input, person, 1, name, seq);
    outcome = claim_bytes(setting, buf_view(&input), now_ms);
    buf_clear(&input);
    return outcome;
}

static enum handles_result claim(struct setting *setting, struct person *person, const char *name,
                                 int64_t seq)
{
    return claim_at(setting, person, name, seq, SCENE_NOW_MS).result;
}

static struct handle named(const char *name)
{
    struct handle handle;

    assert_true(handle_read(bytes_text(name), &handle));
    return handle;
}

static struct handles_outcome release_with(struct setting *setting, struct person *person,
                                           const char *name, const struct command_guard *guard)
{
    struct heard heard = { .done = false };
    struct session session;
    struct handles_release order = { .handle = named(name),
                                     .account_id = person->account_id,
                                     .guard = guard };
    struct session_hash hash = scene_begin(&setting->temp, person, 1);

    assert_true(scene_is_live(&setting->temp, &hash, SCENE_NOW_MS, &session));
    order.account = session.account;
    handles_release(&setting->temp.domain, &order, SCENE_NOW_MS, hear, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static enum handles_result release_by(struct setting *setting, struct person *person,
                                      uint32_t device_id, const char *name)
{
    struct mailbox *mailbox = scene_mailbox(&setting->temp, &person_device(person, device_id)->pub);
    const struct command_guard guard = { .mailbox = mailbox->number,
                                         .seq = setting->command_seq++ };

    return release_with(setting, person, name, &guard).result;
}

struct found {
    bool done;
    bool ok;
    bool known;
    struct account_id account_id;
    uint8_t binding[HANDLE_BINDING_MAX_BYTES];
    size_t binding_size;
};

static void hear_found(void *arg, bool ok, const struct handles_found *found)
{
    struct found *heard = arg;

    assert_false(heard->done);
    heard->done = true;
    heard->ok = ok;
    heard->known = found != NULL;
    if (found != NULL) {
        heard->account_id = found->account_id;
        heard->binding_size = found->binding.size;
        memcpy(heard->binding, found->binding.at, found->binding.size);
    }
}

static struct found look_up(struct setting *setting, const char *name)
{
    struct found found = { .done = false };
    struct handle handle = named(name);

    handles_lookup(&setting->temp.domain, &handle, hear_found, &found);
    temp_store_wait(&setting->temp.temp, &found.done);
    return found;
}

static bool is_nobodys(struct setting *setting, const char *name)
{
    struct found found = look_up(setting, name);

    assert_true(found.ok);
    return !found.known;
}

static bool is_of(struct setting *setting, const char *name, const struct person *person)
{
    struct found found = look_up(setting, name);

    return found.ok && found.known &&
           memcmp(found.account_id.raw, person->account_id.raw, sizeof found.account_id.raw) == 0;
}

static void erase(struct setting *setting, struct person *person)
{
    const struct accounts_erasure order = { .account_id = person->account_id };
    struct heard_account heard = { 0 };

    accounts_erase(&setting->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_DONE);
}

static void what_is_claimed_is_found_with_its_binding(void **state)
{
    struct setting *setting = *state;
    struct buf input = { 0 };
    struct found found;

    assert_true(is_nobodys(setting, "ada"));
    binding_sign(&input, &setting->ada, 1, "ada", 0);
    assert_int_equal(claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result, HANDLES_DONE);
    found = look_up(setting, "ADA");
    assert_true(found.known);
    assert_memory_equal(found.account_id.raw, setting->ada.account_id.raw, 32);
    assert_true(bytes_equal(bytes_of(found.binding, found.binding_size), buf_view(&input)));
    assert_true(is_nobodys(setting, "adam"));
    buf_clear(&input);
}

static void the_same_claim_again_changes_nothing(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_PRESENT);
    assert_int_equal(scene_count(&setting->temp, ROWS), 1);
}

static void a_name_that_is_taken_is_taken_whatever_the_seq(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->bob, "ada", 0), HANDLES_TAKEN);
    assert_int_equal(claim(setting, &setting->bob, "ada", 1), HANDLES_TAKEN);
    assert_int_equal(claim(setting, &setting->bob, "ada", 9), HANDLES_TAKEN);
    assert_true(is_of(setting, "ada", &setting->ada));
}

static void seqs_of_a_name_rise_by_one(void **state)
{
    struct setting *setting = *state;
    struct handles_outcome outcome = claim_at(setting, &setting->ada, "ada", 1, SCENE_NOW_MS);

    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 0);
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    outcome = claim_at(setting, &setting->ada, "ada", 3, SCENE_NOW_MS);
    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 2);
    outcome = claim_at(setting, &setting->ada, "ada", 0, SCENE_NOW_MS);
    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 2);
}

static void only_an_admin_of_the_head_binds(void **state)
{
    struct setting *setting = *state;
    struct buf input = { 0 };

    binding_sign(&input, &setting->ada, 2, "ada", 0);
    assert_int_equal(claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_NOT_ADMIN);
    buf_empty(&input);
    binding_sign(&input, &setting->ada, 1, "ada", 0);
    input.at[input.size - CRYPTO_SIGNATURE_BYTES - 1] = 9; /* a device that is not there */
    assert_int_equal(claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_NOT_ADMIN);
    assert_int_equal(scene_count(&setting->temp, ROWS), 0);
    buf_clear(&input);
}

static void a_wrong_signature_binds_nothing(void **state)
{
    struct setting *setting = *state;
    struct buf input = { 0 };

    binding_sign(&input, &setting->ada, 1, "ada", 0);
    for (size_t at = 18; at < input.size; at += 13) { /* behind the label, here and there */
        struct handle_binding binding;

        input.at[at] ^= 1;
        if (handle_binding_read(buf_view(&input), &binding)) {
            assert_int_not_equal(claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                                 HANDLES_DONE);
        }
        input.at[at] ^= 1;
    }
    input.at[input.size - 1] ^= 1;
    assert_int_equal(claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result, HANDLES_INVALID);
    assert_int_equal(scene_count(&setting->temp, ROWS), 0);
    buf_clear(&input);
}

/* S + L verifies where S is not looked at. */
static void a_signature_with_an_s_that_is_not_reduced_is_refused(void **state)
{
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                       0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                       0,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0,    0,    0,    0,    0x10 };
    struct setting *setting = *state;
    struct buf input = { 0 };
    unsigned carry = 0;

    binding_sign(&input, &setting->ada, 1, "ada", 0);
    for (size_t i = 0; i < sizeof order; i++) {
        uint8_t *at = &input.at[input.size - sizeof order + i];

        carry += (unsigned)*at + order[i];
        *at = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result, HANDLES_INVALID);
    buf_clear(&input);
}

static void an_account_has_as_many_names_as_it_may(void **state)
{
    struct setting *setting = *state;
    struct handles_outcome outcome;

    assert_int_equal(claim(setting, &setting->ada, "one", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "two", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "three", 0), HANDLES_DONE);
    outcome = claim_at(setting, &setting->ada, "four", 0, SCENE_NOW_MS);
    assert_int_equal(outcome.result, HANDLES_TOO_MANY);
    assert_int_equal(outcome.max, 3);
    assert_int_equal(claim(setting, &setting->ada, "two", 1), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->bob, "four", 0), HANDLES_DONE);
    assert_int_equal(release_by(setting, &setting->ada, 1, "one"), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "five", 0), HANDLES_DONE);
}

static void a_name_that_is_given_up_is_nobodys_and_its_last_account_may_have_it_back(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(release_by(setting, &setting->ada, 1, "ada"), HANDLES_DONE);
    assert_true(is_nobodys(setting, "ada"));
    assert_int_equal(claim(setting, &setting->bob, "ada", 1), HANDLES_TAKEN);
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_SEQ); /* no replay */
    assert_int_equal(claim(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    assert_true(is_of(setting, "ada", &setting->ada));
}

static int64_t purge_at(struct setting *setting, int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    handles_purge(&setting->temp.domain, now_ms, scene_hear_purge, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return (int64_t)heard.row_count;
}

static void a_name_is_free_for_all_after_its_time_and_goes_on_counting(void **state)
{
    struct setting *setting = *state;
    struct handles_outcome outcome;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(release_by(setting, &setting->ada, 1, "ada"), HANDLES_DONE);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(30)), 0);
    outcome = claim_at(setting, &setting->bob, "ada", 1, SCENE_NOW_MS + DAYS(30));
    assert_int_equal(outcome.result, HANDLES_TAKEN);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 1);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 0);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT count(*) FROM handles WHERE owner_hash IS NOT NULL"),
        0);
    outcome = claim_at(setting, &setting->bob, "ada", 0, SCENE_NOW_MS + DAYS(31));
    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 1);
    outcome = claim_at(setting, &setting->bob, "ada", 1, SCENE_NOW_MS + DAYS(31));
    assert_int_equal(outcome.result, HANDLES_DONE);
    assert_true(is_of(setting, "ada", &setting->bob));
}

static void nobody_need_wait_where_nothing_is_kept(void **state)
{
    struct setting *setting = *state;

    setting->temp.domain.settings.handle_kept_days = 0;
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(release_by(setting, &setting->ada, 1, "ada"), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->bob, "ada", 1), HANDLES_DONE);
}

static void an_erased_account_leaves_its_names_to_nobody_for_a_while(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "ada.two", 0), HANDLES_DONE);
    erase(setting, &setting->ada);
    assert_true(is_nobodys(setting, "ada"));
    assert_true(is_nobodys(setting, "ada.two"));
    assert_int_equal(scene_count(&setting->temp, HELD), 0);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT count(*) FROM handles WHERE binding IS NOT NULL"), 0);
    assert_int_equal(claim(setting, &setting->bob, "ada", 1), HANDLES_TAKEN);
    assert_int_equal(claim_at(setting, &setting->bob, "ada", 1, SCENE_NOW_MS + DAYS(31)).result,
                     HANDLES_DONE);
}

static void a_claim_for_an_erased_account_gives_nothing(void **state)
{
    struct setting *setting = *state;

    erase(setting, &setting->ada);
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_NOT_ADMIN);
    assert_int_equal(scene_count(&setting->temp, ROWS), 0);
}

static void a_binding_outlives_the_device_that_signed_it(void **state)
{
    struct setting *setting = *state;

    (void)person_add(&setting->ada, 3, MANIFEST_DEVICE_ADMIN);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    person_remove(&setting->ada, 1);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_true(is_of(setting, "ada", &setting->ada));
}

static void only_an_admin_gives_a_name_up_and_only_its_own(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(release_by(setting, &setting->ada, 2, "ada"), HANDLES_NOT_ADMIN);
    assert_int_equal(release_by(setting, &setting->bob, 1, "ada"), HANDLES_UNKNOWN);
    assert_int_equal(release_by(setting, &setting->ada, 1, "nobody"), HANDLES_UNKNOWN);
    assert_true(is_of(setting, "ada", &setting->ada));
}

static void a_command_gives_a_name_up_once_and_is_not_used_up_by_a_refusal(void **state)
{
    struct setting *setting = *state;
    struct mailbox *mailbox = scene_mailbox(&setting->temp, &person_device(&setting->ada, 1)->pub);
    const struct command_guard guard = { .mailbox = mailbox->number, .seq = 50 };
    struct handles_outcome outcome;

    assert_int_equal(release_with(setting, &setting->ada, "ada", &guard).result, HANDLES_UNKNOWN);
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(release_with(setting, &setting->ada, "ada", &guard).result, HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    outcome = release_with(setting, &setting->ada, "ada", &guard);
    assert_int_equal(outcome.result, HANDLES_REPLAYED);
    assert_int_equal(outcome.last_seq, 50);
    assert_true(is_of(setting, "ada", &setting->ada));
}

static void of_two_claims_at_once_one_has_the_name(void **state)
{
    struct setting *setting = *state;
    struct buf ada = { 0 };
    struct buf bob = { 0 };
    struct heard first;
    struct heard second;

    binding_sign(&ada, &setting->ada, 1, "both", 0);
    binding_sign(&bob, &setting->bob, 1, "both", 0);
    claim_start(&setting->temp, buf_view(&ada), SCENE_NOW_MS, &first);
    claim_start(&setting->temp, buf_view(&bob), SCENE_NOW_MS, &second);
    temp_store_wait(&setting->temp.temp, &first.done);
    temp_store_wait(&setting->temp.temp, &second.done);
    assert_true((first.outcome.result == HANDLES_DONE) != (second.outcome.result == HANDLES_DONE));
    assert_true(first.outcome.result == HANDLES_TAKEN || second.outcome.result == HANDLES_TAKEN);
    assert_int_equal(scene_count(&setting->temp, HELD), 1);
    buf_clear(&ada);
    buf_clear(&bob);
}

static void of_two_claims_at_two_daemons_one_has_the_name(void **state)
{
    struct setting *setting = *state;
    struct temp_domain beside;
    struct buf inputs[2] = { { 0 }, { 0 } };
    struct heard heard[2];

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &setting->temp);
    for (char letter = 'a'; letter < 'k'; letter++) {
        const char name[] = { 'n', letter, '\0' };

        setting->temp.domain.settings.handles_per_account = 10;
        beside.domain.settings.handles_per_account = 10;
        buf_empty(&inputs[0]);
        buf_empty(&inputs[1]);
        binding_sign(&inputs[0], &setting->ada, 1, name, 0);
        binding_sign(&inputs[1], &setting->bob, 1, name, 0);
        claim_start(&setting->temp, buf_view(&inputs[0]), SCENE_NOW_MS, &heard[0]);
        claim_start(&beside, buf_view(&inputs[1]), SCENE_NOW_MS, &heard[1]);
        temp_store_wait(&setting->temp.temp, &heard[0].done);
        temp_store_wait(&beside.temp, &heard[1].done);
        assert_int_equal((heard[0].outcome.result == HANDLES_DONE) +
                             (heard[1].outcome.result == HANDLES_DONE),
                         1);
        assert_int_equal((heard[0].outcome.result == HANDLES_TAKEN) +
                             (heard[1].outcome.result == HANDLES_TAKEN),
                         1);
    }
    assert_int_equal(scene_count(&setting->temp, HELD), 10);
    buf_clear(&inputs[0]);
    buf_clear(&inputs[1]);
    temp_domain_close(&beside);
}

static void no_name_stands_in_the_database(void **state)
{
    static const char sqlite[] = "SELECT count(*) FROM handles WHERE"
                                 " instr(handle_key, CAST('ada.lovelace' AS BLOB)) > 0"
                                 " OR instr(binding, CAST('ada.lovelace' AS BLOB)) > 0";
    static const char postgres[] =
        "SELECT count(*) FROM handles WHERE position('ada.lovelace'::bytea IN handle_key) > 0"
        " OR position('ada.lovelace'::bytea IN binding) > 0";
    struct setting *setting = *state;

    assert_int_equal(claim(setting, &setting->ada, "ada.lovelace", 0), HANDLES_DONE);
    assert_int_equal(scene_count(&setting->temp, temp_store_is_shared() ? postgres : sqlite), 0);
}

static void a_binding_that_cannot_be_opened_is_no_answer(void **state)
{
    struct setting *setting = *state;
    struct found found;

    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    damage_run(&setting->temp, "UPDATE handles SET binding = x'01'",
               "UPDATE handles SET binding = '\\x01'::bytea");
    found = look_up(setting, "ada");
    assert_false(found.ok);
    assert_false(found.known);
}

struct heard_report {
    bool done;
    size_t count;
    struct report_handle handles[REPORT_HANDLES_MAX];
};

static void hear_report(void *arg, bool ok, const struct report *report)
{
    struct heard_report *heard = arg;

    assert_true(ok);
    assert_non_null(report);
    heard->done = true;
    heard->count = report->handle_count;
    memcpy(heard->handles, report->handles, sizeof heard->handles);
}

static void the_report_lists_the_names_of_its_account(void **state)
{
    static struct heard_report heard;
    struct setting *setting = *state;

    heard = (struct heard_report){ .done = false };
    assert_int_equal(claim(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    assert_int_equal(claim(setting, &setting->bob, "bob", 0), HANDLES_DONE);
    report_make(&setting->temp.domain, &setting->ada.account_id, hear_report, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.handles[0].handle.text, "ada");
    assert_int_equal(heard.handles[0].seq, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_claimed_is_found_with_its_binding),
        TEST(the_same_claim_again_changes_nothing),
        TEST(a_name_that_is_taken_is_taken_whatever_the_seq),
        TEST(seqs_of_a_name_rise_by_one),
        TEST(only_an_admin_of_the_head_binds),
        TEST(a_wrong_signature_binds_nothing),
        TEST(a_signature_with_an_s_that_is_not_reduced_is_refused),
        TEST(an_account_has_as_many_names_as_it_may),
        TEST(a_name_that_is_given_up_is_nobodys_and_its_last_account_may_have_it_back),
        TEST(a_name_is_free_for_all_after_its_time_and_goes_on_counting),
        TEST(nobody_need_wait_where_nothing_is_kept),
        TEST(an_erased_account_leaves_its_names_to_nobody_for_a_while),
        TEST(a_claim_for_an_erased_account_gives_nothing),
        TEST(a_binding_outlives_the_device_that_signed_it),
        TEST(only_an_admin_gives_a_name_up_and_only_its_own),
        TEST(a_command_gives_a_name_up_once_and_is_not_used_up_by_a_refusal),
        TEST(of_two_claims_at_once_one_has_the_name),
        TEST(of_two_claims_at_two_daemons_one_has_the_name),
        TEST(no_name_stands_in_the_database),
        TEST(a_binding_that_cannot_be_opened_is_no_answer),
        TEST(the_report_lists_the_names_of_its_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
