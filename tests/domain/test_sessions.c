/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/limits.h"
#include "server/domain/commands.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sessions.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

#define AFTER_A_DAY_MS (SCENE_NOW_MS + (int64_t)LIMIT_SESSION_S * 1000)

struct setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 (ADMIN), 2, 3 */
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 3);
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

struct heard_end {
    bool done;
    enum sessions_result result;
    size_t count;
    int64_t last_seq;
};

static void hear_end(void *arg, enum sessions_result result, size_t count, int64_t last_seq)
{
    struct heard_end *heard = arg;

    assert_false(heard->done);
    *heard = (struct heard_end){ true, result, count, last_seq };
}

static struct heard_end revoke(struct setting *setting, const struct session_hash *caller,
                               int64_t seq, const uint32_t *device_ids, size_t count)
{
    struct heard_end heard = { 0 };
    struct session session = { 0 };
    struct sessions_revocation revocation = { .device_ids = device_ids, .device_count = count };
    struct command_guard guard = { .seq = seq };

    assert_true(scene_is_live(&setting->temp, caller, SCENE_NOW_MS, &session));
    revocation.caller = *caller;
    revocation.account = session.account;
    guard.mailbox = session.mailbox;
    sessions_revoke(&setting->temp.domain, &guard, &revocation, SCENE_NOW_MS, hear_end, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard;
}

static bool is_live(struct setting *setting, const struct session_hash *hash)
{
    bool cached = sessions_cached(&setting->temp.domain, hash, SCENE_NOW_MS) != NULL;
    bool live = scene_is_live(&setting->temp, hash, SCENE_NOW_MS, NULL);

    assert_true(!cached || live); /* memory never knows more than the store */
    return live;
}

static void a_good_proof_begins_a_session_of_a_day(void **state)
{
    struct setting *setting = *state;
    struct sessions_proof proof;
    struct session_hash hash;
    struct session session;
    struct heard_begin heard;

    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 2), &proof);
    heard = scene_try(&setting->temp, &proof, SCENE_NOW_MS);
    assert_int_equal(heard.result, SESSIONS_OK);
    assert_int_equal(heard.begun.expires_at, AFTER_A_DAY_MS / 1000);
    assert_int_equal(heard.begun.epoch, 0);
    assert_int_equal(strlen(heard.begun.token), 47);
    assert_true(sessions_parse(bytes_text(heard.begun.token), &hash));
    assert_true(scene_is_live(&setting->temp, &hash, SCENE_NOW_MS, &session));
    assert_int_equal(session.device_id, 2);
    assert_memory_equal(session.account_id.raw, setting->ada.account_id.raw, 32);
    assert_memory_equal(session.device_pub.raw, person_device(&setting->ada, 2)->pub.raw, 32);
}

static void a_session_is_over_after_a_day_in_memory_and_in_the_store(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = scene_begin(&setting->temp, &setting->ada, 1);

    assert_non_null(sessions_cached(&setting->temp.domain, &hash, AFTER_A_DAY_MS - 1));
    assert_true(scene_is_live(&setting->temp, &hash, AFTER_A_DAY_MS - 1, NULL));
    assert_null(sessions_cached(&setting->temp.domain, &hash, AFTER_A_DAY_MS));
    assert_false(scene_is_live(&setting->temp, &hash, AFTER_A_DAY_MS, NULL));
}

static void only_the_hash_of_a_token_is_stored(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = scene_begin(&setting->temp, &setting->ada, 1);

    (void)hash;
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT count(*) FROM sessions WHERE length(token_hash) = 32"),
        1);
}

static void texts_that_are_no_tokens_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "sp1_",
        "sp1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* 42 */
        "sp1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* 44 */
        "sp1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  /* unused bits */
        "SP1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "sp1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    struct session_hash hash;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(sessions_parse(bytes_text(texts[i]), &hash));
    }
    assert_true(
        sessions_parse(bytes_text("sp1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &hash));
}

static void a_wrong_key_a_wrong_device_and_a_wrong_account_fail_alike(void **state)
{
    struct setting *setting = *state;
    struct sessions_proof proof;

    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    proof.signature[3] ^= 1;
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    proof.device_id = 99;
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    proof.account_id.raw[0] ^= 1;
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 0);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM used_challenges"), 0);
}

static void a_signature_for_another_relay_fails(void **state)
{
    struct setting *setting = *state;
    struct sessions_proof proof;

    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    person_sign_auth(&setting->ada, person_device(&setting->ada, 1), "https://other.relay.example",
                     proof.challenge.raw, proof.signature);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
}

static void a_challenge_that_is_forged_or_late_fails(void **state)
{
    struct setting *setting = *state;
    const struct person_device *device = person_device(&setting->ada, 1);
    struct sessions_proof proof;

    scene_prove(&setting->temp, &setting->ada, device, &proof);
    proof.challenge.raw[20] ^= 1;
    person_sign_auth(&setting->ada, device, setting->temp.domain.base_url, proof.challenge.raw,
                     proof.signature);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
    scene_prove(&setting->temp, &setting->ada, device, &proof);
    assert_int_equal(
        scene_try(&setting->temp, &proof, SCENE_NOW_MS + (int64_t)LIMIT_CHALLENGE_S * 1000).result,
        SESSIONS_AUTH_FAILED);
}

static void a_challenge_begins_one_session_and_no_second(void **state)
{
    struct setting *setting = *state;
    struct sessions_proof proof;

    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_OK);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
    temp_domain_restart(&setting->temp);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_AUTH_FAILED);
}

static void a_challenge_that_two_race_for_begins_one_session(void **state)
{
    enum {
        RUNNERS = 6
    };
    struct setting *setting = *state;
    struct heard_begin heard[RUNNERS] = { 0 };
    struct sessions_proof proof;
    int won = 0;

    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    for (size_t i = 0; i < RUNNERS; i++) {
        sessions_begin(&setting->temp.domain, &proof, SCENE_NOW_MS, scene_hear_begin, &heard[i]);
    }
    for (size_t i = 0; i < RUNNERS; i++) {
        temp_store_wait(&setting->temp.temp, &heard[i].done);
        won += heard[i].result == SESSIONS_OK ? 1 : 0;
    }
    assert_int_equal(won, 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 1);
}

static void beginning_a_session_notes_the_day_and_reopens_an_idle_mailbox(void **state)
{
    struct setting *setting = *state;
    const struct device_pub *pub = &person_device(&setting->ada, 2)->pub;
    struct session_hash hash;
    struct mailbox *mailbox = NULL;

    scene_run(&setting->temp, "UPDATE devices SET idle_state = 2, seen_day = 1");
    scene_run(&setting->temp, "UPDATE accounts SET seen_day = 1");
    mailbox = scene_mailbox(&setting->temp, pub);
    assert_non_null(mailbox);
    assert_true(mailbox->closed);
    hash = scene_begin(&setting->temp, &setting->ada, 2);
    assert_true(is_live(setting, &hash));
    assert_false(scene_mailbox(&setting->temp, pub)->closed);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT idle_state FROM devices WHERE device_id = 2"), 0);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT seen_day FROM devices WHERE device_id = 2"), SCENE_DAY);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT seen_day FROM devices WHERE device_id = 1"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT seen_day FROM accounts"), SCENE_DAY);
}

static void ending_a_session_ends_it_alone_with_its_stream(void **state)
{
    struct setting *setting = *state;
    struct session_hash one = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash other = scene_begin(&setting->temp, &setting->ada, 1);
    struct scene_stream stream;
    struct heard_end heard = { 0 };

    scene_listen(&setting->temp, &person_device(&setting->ada, 1)->pub, &one, &stream);
    sessions_end(&setting->temp.domain, &one, SCENE_NOW_MS, hear_end, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.result, SESSIONS_OK);
    assert_int_equal(heard.count, 1);
    assert_int_equal(stream.end_count, 1);
    assert_int_equal(stream.end, HUB_END_SESSION);
    assert_false(is_live(setting, &one));
    assert_true(is_live(setting, &other));
}

static void ending_what_is_over_is_no_error(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = { { 1 } };
    struct heard_end heard = { 0 };

    sessions_end(&setting->temp.domain, &hash, SCENE_NOW_MS, hear_end, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.result, SESSIONS_OK);
    assert_int_equal(heard.count, 0);
}

static void a_lookup_under_way_does_not_bring_an_ended_session_back(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = scene_begin(&setting->temp, &setting->ada, 1);
    struct heard_end heard = { 0 };
    bool live = true;

    sessions_forget(&setting->temp.domain, &hash);
    sessions_end(&setting->temp.domain, &hash, SCENE_NOW_MS, hear_end, &heard);
    live = scene_is_live(&setting->temp, &hash, SCENE_NOW_MS, NULL);
    temp_store_wait(&setting->temp.temp, &heard.done);
    if (live) { /* it was answered before the end was committed, and forgotten then */
        assert_null(sessions_cached(&setting->temp.domain, &hash, SCENE_NOW_MS));
    }
    assert_false(is_live(setting, &hash));
}

static void revoking_ends_every_session_but_the_calling_one(void **state)
{
    struct setting *setting = *state;
    struct session_hash caller = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash own = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash second = scene_begin(&setting->temp, &setting->ada, 2);
    struct scene_stream stream;
    struct heard_end heard;

    scene_listen(&setting->temp, &person_device(&setting->ada, 2)->pub, &second, &stream);
    heard = revoke(setting, &caller, 1, NULL, 0);
    assert_int_equal(heard.result, SESSIONS_OK);
    assert_int_equal(heard.count, 2);
    assert_int_equal(stream.end, HUB_END_SESSION);
    assert_int_equal(stream.end_count, 1);
    assert_true(is_live(setting, &caller));
    assert_false(is_live(setting, &own));
    assert_false(is_live(setting, &second));
}

static void revoking_by_device_ends_all_of_those_devices_the_calling_one_too(void **state)
{
    static const uint32_t ids[] = { 1, 3, 99 };
    struct setting *setting = *state;
    struct session_hash caller = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash second = scene_begin(&setting->temp, &setting->ada, 2);
    struct session_hash third = scene_begin(&setting->temp, &setting->ada, 3);
    struct heard_end heard = revoke(setting, &caller, 1, ids, 3);

    assert_int_equal(heard.result, SESSIONS_OK);
    assert_int_equal(heard.count, 2);
    assert_false(is_live(setting, &caller));
    assert_true(is_live(setting, &second));
    assert_false(is_live(setting, &third));
}

static void revoking_no_device_ends_nothing(void **state)
{
    static const uint32_t ids[] = { 0 };
    struct setting *setting = *state;
    struct session_hash caller = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash second = scene_begin(&setting->temp, &setting->ada, 2);
    struct heard_end heard = revoke(setting, &caller, 1, ids, 0);

    assert_int_equal(heard.result, SESSIONS_OK);
    assert_int_equal(heard.count, 0);
    assert_true(is_live(setting, &second));
}

static void revoking_reaches_no_other_account(void **state)
{
    struct setting *setting = *state;
    struct session_hash caller = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash foreign;
    struct person bob;

    person_init(&bob, 1);
    scene_register(&setting->temp, &bob);
    foreign = scene_begin(&setting->temp, &bob, 1);
    assert_int_equal(revoke(setting, &caller, 1, NULL, 0).count, 0);
    assert_true(is_live(setting, &foreign));
    person_clear(&bob);
}

static void a_replayed_revocation_ends_nothing(void **state)
{
    struct setting *setting = *state;
    struct session_hash caller = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash second;
    struct heard_end heard;

    assert_int_equal(revoke(setting, &caller, 500, NULL, 0).result, SESSIONS_OK);
    second = scene_begin(&setting->temp, &setting->ada, 2);
    heard = revoke(setting, &caller, 500, NULL, 0);
    assert_int_equal(heard.result, SESSIONS_REPLAYED);
    assert_int_equal(heard.last_seq, 500);
    assert_true(is_live(setting, &second));
    assert_int_equal(revoke(setting, &caller, 501, NULL, 0).count, 1);
}

static void purging_deletes_what_is_over_and_nothing_else(void **state)
{
    struct setting *setting = *state;
    struct session_hash hash = scene_begin(&setting->temp, &setting->ada, 1);
    struct scene_stream stream;
    struct heard_purge early = { 0 };
    struct heard_purge late = { 0 };

    scene_listen(&setting->temp, &person_device(&setting->ada, 1)->pub, &hash, &stream);
    sessions_purge(&setting->temp.domain, AFTER_A_DAY_MS - 1000, scene_hear_purge, &early);
    temp_store_wait(&setting->temp.temp, &early.done);
    assert_int_equal(early.row_count, 0);
    assert_int_equal(stream.end_count, 0);
    sessions_purge(&setting->temp.domain, AFTER_A_DAY_MS, scene_hear_purge, &late);
    temp_store_wait(&setting->temp.temp, &late.done);
    assert_int_equal(late.row_count, 1);
    assert_int_equal(stream.end, HUB_END_SESSION);
    assert_int_equal(stream.end_count, 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 0);
}

static void memory_is_bounded_and_the_store_knows_the_rest(void **state)
{
    struct setting *setting = *state;
    struct session_hash hashes[3];
    int cached = 0;

    sessions_destroy(setting->temp.domain.sessions);
    setting->temp.domain.sessions = sessions_create(setting->temp.domain.keys.tag, 2);
    for (uint32_t i = 0; i < 3; i++) {
        hashes[i] = scene_begin(&setting->temp, &setting->ada, i + 1);
    }
    for (size_t i = 0; i < 3; i++) {
        cached += sessions_cached(&setting->temp.domain, &hashes[i], SCENE_NOW_MS) != NULL ? 1 : 0;
    }
    assert_int_equal(cached, 2);
    for (size_t i = 0; i < 3; i++) {
        assert_true(scene_is_live(&setting->temp, &hashes[i], SCENE_NOW_MS, NULL));
    }
}

static void a_session_that_cannot_be_stored_leaves_its_challenge_unspent(void **state)
{
    struct setting *setting = *state;
    struct sessions_proof proof;

    damage_break(&setting->temp, DAMAGE_INSERT_SESSIONS);
    scene_prove(&setting->temp, &setting->ada, person_device(&setting->ada, 1), &proof);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_UNAVAILABLE);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM used_challenges"), 0);
    damage_mend(&setting->temp);
    assert_int_equal(scene_try(&setting->temp, &proof, SCENE_NOW_MS).result, SESSIONS_OK);
}

static void a_revocation_that_cannot_be_stored_ends_nothing_and_uses_no_seq(void **state)
{
    struct setting *setting = *state;
    struct session_hash caller = scene_begin(&setting->temp, &setting->ada, 1);
    struct session_hash second = scene_begin(&setting->temp, &setting->ada, 2);

    damage_break(&setting->temp, DAMAGE_DELETE_SESSIONS);
    assert_int_equal(revoke(setting, &caller, 5, NULL, 0).result, SESSIONS_UNAVAILABLE);
    assert_true(is_live(setting, &second));
    damage_mend(&setting->temp);
    assert_int_equal(revoke(setting, &caller, 5, NULL, 0).result, SESSIONS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_proof_begins_a_session_of_a_day),
        TEST(a_session_is_over_after_a_day_in_memory_and_in_the_store),
        TEST(only_the_hash_of_a_token_is_stored),
        TEST(texts_that_are_no_tokens_are_refused),
        TEST(a_wrong_key_a_wrong_device_and_a_wrong_account_fail_alike),
        TEST(a_signature_for_another_relay_fails),
        TEST(a_challenge_that_is_forged_or_late_fails),
        TEST(a_challenge_begins_one_session_and_no_second),
        TEST(a_challenge_that_two_race_for_begins_one_session),
        TEST(beginning_a_session_notes_the_day_and_reopens_an_idle_mailbox),
        TEST(ending_a_session_ends_it_alone_with_its_stream),
        TEST(ending_what_is_over_is_no_error),
        TEST(a_lookup_under_way_does_not_bring_an_ended_session_back),
        TEST(revoking_ends_every_session_but_the_calling_one),
        TEST(revoking_by_device_ends_all_of_those_devices_the_calling_one_too),
        TEST(revoking_no_device_ends_nothing),
        TEST(revoking_reaches_no_other_account),
        TEST(a_replayed_revocation_ends_nothing),
        TEST(purging_deletes_what_is_over_and_nothing_else),
        TEST(memory_is_bounded_and_the_store_knows_the_rest),
        TEST(a_session_that_cannot_be_stored_leaves_its_challenge_unspent),
        TEST(a_revocation_that_cannot_be_stored_ends_nothing_and_uses_no_seq),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
