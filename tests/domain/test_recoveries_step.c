/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a recovery, vetoes and the release.  Over a temp_domain, on either engine. */
#include <stddef.h>
#include <string.h>

#include "common/limits.h"
#include "common/loop.h"
#include "common/seal.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "tests/domain/support/recovery_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))
#define DUE_MS (SCENE_NOW_MS + S(RECOVERY_WAIT_S))

enum {
    TURN_MS = 100,
    AT_ONCE = 8
};

/* Let the wait come to its end, for a relay that was awake all the time. */
static void wait_out(struct factor_scenes *scenes)
{
    recovery_set_clock(scenes, DUE_MS, 0);
}

static void a_share_is_released_once_after_the_wait(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard = recovery_release(scenes, &begun);

    assert_int_equal(begun.view.wait_until, DUE_MS / 1000);
    assert_int_equal(begun.view.expires_at, SCENE_NOW_MS / 1000 + LIMIT_RECOVERY_S);
    assert_int_equal(heard.result, RECOVERIES_EARLY);
    assert_int_equal(heard.until, DUE_MS / 1000);
    recovery_set_clock(scenes, DUE_MS - 1, 0);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_EARLY);
    wait_out(scenes);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_memory_equal(heard.a, recovery_a, sizeof recovery_a);
    assert_int_equal(heard.slot, RECOVERY_SLOT);
    assert_int_equal(heard.packet_size, strlen("packet"));
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_ENDED);
    assert_int_equal(heard.view.state, RECOVERIES_STATE_RELEASED);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM recoveries WHERE"
                                                " packet IS NOT NULL OR contact <> 0"
                                                " OR random IS NOT NULL"),
                     0);
}

static size_t count_of(const struct heard_recovery *heard, size_t count,
                       enum recoveries_result result)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        found += heard[i].result == result ? 1 : 0;
    }
    return found;
}

static void of_releases_at_once_one_has_the_share(void **state)
{
    static struct heard_recovery heard[AT_ONCE];
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    const struct recoveries_step step = { .act = RECOVERIES_RELEASE, .token = &begun.token };

    wait_out(scenes);
    for (size_t i = 0; i < AT_ONCE; i++) {
        recovery_step_start(&scenes->temp, &begun, &step, scenes->now_ms, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_DONE), 1);
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_ENDED), AT_ONCE - 1);
}

static void of_releases_at_two_daemons_one_has_the_share(void **state)
{
    static struct heard_recovery heard[AT_ONCE];
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    const struct recoveries_step step = { .act = RECOVERIES_RELEASE, .token = &begun.token };
    struct temp_domain beside;

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &scenes->temp);
    wait_out(scenes);
    beside.domain.called_ms = scenes->now_ms;
    beside.domain.generation = scenes->temp.domain.generation;
    for (size_t i = 0; i < AT_ONCE; i++) {
        recovery_step_start(i % 2 == 0 ? &scenes->temp : &beside, &begun, &step, scenes->now_ms,
                            &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(i % 2 == 0 ? &scenes->temp.temp : &beside.temp, &heard[i].done);
    }
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_DONE), 1);
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_ENDED), AT_ONCE - 1);
    temp_domain_close(&beside);
}

static void of_a_veto_and_a_release_one_is_done(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    const struct recoveries_step step = { .act = RECOVERIES_RELEASE, .token = &begun.token };
    struct heard_recovery vetoed;
    struct heard_recovery released;

    wait_out(scenes);
    recovery_cancel_start(scenes, &begun, &vetoed);
    recovery_step_start(&scenes->temp, &begun, &step, scenes->now_ms, &released);
    temp_store_wait(&scenes->temp.temp, &vetoed.done);
    temp_store_wait(&scenes->temp.temp, &released.done);
    assert_true((vetoed.result == RECOVERIES_DONE) != (released.result == RECOVERIES_DONE));
    assert_true(vetoed.result == RECOVERIES_ENDED || released.result == RECOVERIES_ENDED);
}

static void any_device_vetoes_and_nothing_is_released(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard = recovery_cancel(scenes, &begun);

    assert_int_equal(heard.result, RECOVERIES_DONE);
    heard = recovery_cancel(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_ENDED);
    assert_int_equal(heard.view.state, RECOVERIES_STATE_CANCELLED);
    scenes->command_seq = 1;
    assert_int_equal(recovery_cancel(scenes, &begun).result, RECOVERIES_ENDED);
    wait_out(scenes);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_ENDED);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log WHERE event = 17"
                                                " AND device_id = 2"),
                     1);
}

static void a_veto_needs_a_fresh_command_of_the_account(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);
    const struct command_guard *none = NULL;
    struct recoveries_step foreign = { .act = RECOVERIES_CANCEL, .account = 999, .guard = none };
    struct heard_recovery heard;

    assert_int_equal(recovery_step(scenes, &begun, &foreign).result, RECOVERIES_UNKNOWN);
    scene_run(&scenes->temp, "UPDATE devices SET command_seq = 77 WHERE device_id = 2");
    heard = recovery_cancel(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_REPLAYED);
    assert_int_equal(heard.last_seq, 77);
    scenes->command_seq = 78;
    assert_int_equal(recovery_cancel(scenes, &begun).result, RECOVERIES_DONE);
}

static void nothing_is_released_without_the_contacts_packet(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);

    wait_out(scenes);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_OUT_OF_TURN);
    recovery_meet(scenes, &begun, RECOVERY_SLOT);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_DONE);
}

static void a_relay_that_slept_gives_devices_time(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard;

    recovery_set_clock(scenes, DUE_MS, DUE_MS - S(10)); /* awake since ten seconds */
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_EARLY);
    assert_int_equal(heard.until, DUE_MS / 1000 - 10 + 300);
    scenes->temp.domain.called_ms = DUE_MS - S(61); /* it sleeps still: nobody called it */
    scenes->temp.domain.awake_ms = 0;
    assert_int_equal(recovery_release(scenes, &begun).until, DUE_MS / 1000 + 300);
    scenes->temp.domain.called_ms = DUE_MS + 1; /* the clock was put back */
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_EARLY);
    recovery_set_clock(scenes, DUE_MS + S(290), DUE_MS - S(10));
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_DONE);
}

static void after_a_restore_the_wait_begins_anew_and_is_told_again(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard;

    wait_out(scenes);
    scenes->temp.domain.generation++;
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_EARLY);
    assert_int_equal(heard.until, DUE_MS / 1000 + RECOVERY_WAIT_S);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM account_log WHERE event = 16"), 2);
    assert_int_equal(recovery_release(scenes, &begun).until, DUE_MS / 1000 + RECOVERY_WAIT_S);
    recovery_set_clock(scenes, DUE_MS + S(RECOVERY_WAIT_S), 0);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_DONE);
}

/* Another daemon has found that the database was put back, and this one has not heard of it. */
static void after_a_restore_nothing_is_released_by_who_has_not_heard_of_it(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard;

    wait_out(scenes);
    scene_run(&scenes->temp, "UPDATE relay SET generation = generation + 1");
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_UNAVAILABLE);
    assert_int_equal(heard.view.state, RECOVERIES_STATE_OPEN);
    scenes->temp.domain.generation++; /* a beat brings it */
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_EARLY);
    assert_int_equal(heard.until, DUE_MS / 1000 + RECOVERY_WAIT_S);
}

static void without_a_wait_it_is_released_at_once(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun;

    scenes->temp.domain.settings.recovery_wait_s = 0;
    recovery_set_clock(scenes, SCENE_NOW_MS, SCENE_NOW_MS);
    begun = recovery_begin_and_meet(scenes);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_DONE);
}

static void a_request_is_over_after_a_week(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);

    recovery_set_clock(scenes, SCENE_NOW_MS + S(LIMIT_RECOVERY_S), 0);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_UNKNOWN);
    assert_int_equal(recovery_cancel(scenes, &begun).result, RECOVERIES_UNKNOWN);
    assert_int_equal(factor_purge(scenes, recoveries_purge, LIMIT_RECOVERY_S - 1), 0);
    assert_int_equal(factor_purge(scenes, recoveries_purge, LIMIT_RECOVERY_S), 1);
    assert_int_equal(recovery_begin(scenes, NULL, NULL).result, RECOVERIES_DONE);
}

static void who_asks_is_known_by_the_token(void **state)
{
    static const enum recoveries_act acts[] = { RECOVERIES_READ, RECOVERIES_EXCHANGE,
                                                RECOVERIES_REVEAL, RECOVERIES_RELEASE,
                                                RECOVERIES_CANCEL };
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct recovery_token token = begun.token;

    wait_out(scenes);
    token.raw[31] ^= 1;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        const struct recoveries_step step = { .act = acts[i], .token = &token, .exchange = 2 };

        assert_int_equal(recovery_step(scenes, &begun, &step).result, RECOVERIES_UNKNOWN);
    }
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_DONE);
}

static void each_step_has_its_turn(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);

    assert_int_equal(recovery_answer(scenes, &begun, 1, 2, RECOVERY_HELPER).result,
                     RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_exchange(scenes, &begun, 2, 1).result, RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_exchange(scenes, &begun, 1, 1).result, RECOVERIES_DONE);
    assert_int_equal(recovery_reveal(scenes, &begun, 1, 3).result, RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_answer(scenes, &begun, 2, 2, RECOVERY_HELPER).result,
                     RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_answer(scenes, &begun, 1, 2, RECOVERY_HELPER).result,
                     RECOVERIES_DONE);
    assert_int_equal(recovery_packet(scenes, &begun, 1, 1, RECOVERY_HELPER).result,
                     RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_reveal(scenes, &begun, 1, 3).result, RECOVERIES_DONE);
    assert_int_equal(recovery_packet(scenes, &begun, 1, 1, RECOVERY_HELPER + 1).result,
                     RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_packet(scenes, &begun, 1, 1, RECOVERY_HELPER).result,
                     RECOVERIES_DONE);
}

/* Whose answer was lost does it again. */
static void a_step_that_is_repeated_is_done_and_another_is_not(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);

    assert_int_equal(recovery_exchange(scenes, &begun, 1, 1).result, RECOVERIES_DONE);
    assert_int_equal(recovery_answer(scenes, &begun, 1, 2, RECOVERY_HELPER).result,
                     RECOVERIES_DONE);
    assert_int_equal(recovery_reveal(scenes, &begun, 1, 3).result, RECOVERIES_DONE);
    assert_int_equal(recovery_packet(scenes, &begun, 1, RECOVERY_SLOT, RECOVERY_HELPER).result,
                     RECOVERIES_DONE);
    assert_int_equal(recovery_exchange(scenes, &begun, 1, 9).result, RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_answer(scenes, &begun, 1, 9, RECOVERY_HELPER).result,
                     RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_answer(scenes, &begun, 1, 2, RECOVERY_HELPER + 1).result,
                     RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_reveal(scenes, &begun, 1, 9).result, RECOVERIES_OUT_OF_TURN);
    assert_int_equal(recovery_packet(scenes, &begun, 1, 3, RECOVERY_HELPER).result,
                     RECOVERIES_OUT_OF_TURN);
}

static void of_answers_at_once_one_takes_part(void **state)
{
    static struct heard_recovery heard[AT_ONCE];
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);

    assert_int_equal(recovery_exchange(scenes, &begun, 1, 1).result, RECOVERIES_DONE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        struct recoveries_step step = { .act = RECOVERIES_ANSWER,
                                        .mailbox = (int64_t)i + 1,
                                        .exchange = 1 };

        step.random.raw[0] = (uint8_t)i;
        recovery_step_start(&scenes->temp, &begun, &step, scenes->now_ms, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_DONE), 1);
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_OUT_OF_TURN), AT_ONCE - 1);
}

static void a_new_exchange_forgets_the_one_before(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard;

    assert_int_equal(recovery_exchange(scenes, &begun, 2, 9).result, RECOVERIES_DONE);
    heard = recovery_step(scenes, &begun, &(struct recoveries_step){ .act = RECOVERIES_READ });
    assert_int_equal(heard.view.exchange, 2);
    assert_true(heard.view.has_commit);
    assert_false(heard.view.has_contact_random || heard.view.has_random || heard.view.has_packet);
    for (int64_t n = 3; n <= LIMIT_RECOVERY_EXCHANGES; n++) {
        assert_int_equal(recovery_exchange(scenes, &begun, n, (uint8_t)n).result, RECOVERIES_DONE);
    }
    assert_int_equal(recovery_exchange(scenes, &begun, LIMIT_RECOVERY_EXCHANGES + 1, 1).result,
                     RECOVERIES_EXHAUSTED);
}

/* The contact that the scenes begin with may be told of as late as this. */
static void wait_for_step(const struct factor_scenes *scenes, const struct scene_stream *stream,
                          enum account_log_event step)
{
    while (stream->event_count == 0 || stream->event.recovery_event == ACCOUNT_LOG_CONTACT_PUT) {
        loop_turn(scenes->temp.temp.loop, TURN_MS);
    }
    while (step == ACCOUNT_LOG_RECOVERY_RELEASED &&
           stream->event.recovery_event == ACCOUNT_LOG_RECOVERY_REQUESTED) {
        loop_turn(scenes->temp.temp.loop, TURN_MS);
    }
    assert_int_equal(stream->event.kind, HUB_EVENT_RECOVERY);
    assert_int_equal(stream->event.recovery_event, step);
}

static void devices_hear_of_every_step_that_matters(void **state)
{
    struct factor_scenes *scenes = *state;
    struct session_hash hash = scene_begin(&scenes->temp, &scenes->ada, 2);
    struct scene_stream stream;
    struct heard_recovery begun;

    scene_listen(&scenes->temp, &person_device(&scenes->ada, 2)->pub, &hash, &stream);
    begun = recovery_begin(scenes, NULL, NULL);
    wait_for_step(scenes, &stream, ACCOUNT_LOG_RECOVERY_REQUESTED);
    assert_memory_equal(stream.event.recovery_id.raw, begun.view.recovery_id.raw,
                        RECOVERY_ID_BYTES);
    assert_int_equal(stream.event.held_until, begun.view.wait_until);
    recovery_meet(scenes, &begun, RECOVERY_SLOT); /* of which nobody is told */
    wait_out(scenes);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_DONE);
    wait_for_step(scenes, &stream, ACCOUNT_LOG_RECOVERY_RELEASED);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM account_log WHERE event IN (16, 18)"), 2);
    scene_leave(&stream);
}

static void an_empty_slot_yields_what_looks_like_a_share(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);
    struct heard_recovery heard;

    recovery_meet(scenes, &begun, RECOVERY_SLOT + 1);
    wait_out(scenes);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_memory_not_equal(heard.a, recovery_a, sizeof recovery_a);
}

static void a_share_that_cannot_be_opened_leaves_the_request_open(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct seal *seal = scenes->temp.domain.seal;
    const uint8_t key[SEAL_KEY_BYTES] = { 0x5e };
    struct heard_recovery heard;

    seal_add_key(seal, 2, key);
    seal_use(seal, 2);
    seal_drop_key(seal, 1);
    wait_out(scenes);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_UNAVAILABLE);
    assert_int_equal(heard.view.state, RECOVERIES_STATE_OPEN);
    seal_add_key(seal, 1, temp_domain_seal_key);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_memory_equal(heard.a, recovery_a, sizeof recovery_a);
    assert_int_equal(heard.packet_size, strlen("packet"));
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, recovery_scenes_set_up, recovery_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_share_is_released_once_after_the_wait),
        TEST(of_releases_at_once_one_has_the_share),
        TEST(of_releases_at_two_daemons_one_has_the_share),
        TEST(of_a_veto_and_a_release_one_is_done),
        TEST(any_device_vetoes_and_nothing_is_released),
        TEST(a_veto_needs_a_fresh_command_of_the_account),
        TEST(nothing_is_released_without_the_contacts_packet),
        TEST(a_relay_that_slept_gives_devices_time),
        TEST(after_a_restore_the_wait_begins_anew_and_is_told_again),
        TEST(after_a_restore_nothing_is_released_by_who_has_not_heard_of_it),
        TEST(without_a_wait_it_is_released_at_once),
        TEST(a_request_is_over_after_a_week),
        TEST(who_asks_is_known_by_the_token),
        TEST(each_step_has_its_turn),
        TEST(a_step_that_is_repeated_is_done_and_another_is_not),
        TEST(of_answers_at_once_one_takes_part),
        TEST(a_new_exchange_forgets_the_one_before),
        TEST(devices_hear_of_every_step_that_matters),
        TEST(an_empty_slot_yields_what_looks_like_a_share),
        TEST(a_share_that_cannot_be_opened_leaves_the_request_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
