/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/idle.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

/* Days are whole: a device of day 0 has not been seen for more than n days on day n + 1. */
#define DAY_MS(n) (SCENE_NOW_MS + (n)*INT64_C(86400000))

enum {
    WARN_DAY = 31,
    CLOSE_DAY = 46
};

static struct temp_domain temp;
static struct person ada; /* devices 1 (ADMIN), 2, 3 */
static struct temp_sent sent;
static struct temp_read page;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    person_init(&ada, 3);
    scene_register(&temp, &ada);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    person_clear(&ada);
    temp_domain_close(&temp);
    return 0;
}

static const struct device_pub *pub_of(uint32_t device_id)
{
    return &person_device(&ada, device_id)->pub;
}

/* The head of the account is read before anybody is told. */
static void wait_for_event(const struct scene_stream *stream)
{
    bool told = stream->event_count > 0;

    while (!told) {
        (void)scene_mailbox(&temp, pub_of(3)); /* reads, and so turns the loop */
        told = stream->event_count > 0;
    }
}

static size_t run_on(int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    idle_run(&temp.domain, now_ms, scene_hear_purge, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    return heard.row_count;
}

static const struct store_stmt see_others = {
    .name = "test.see_others",
    .sql = "UPDATE devices SET seen_day = $1 WHERE device_id <> 2",
};

/* Only device 2 is idle: the others are seen on that day. */
static void others_are_seen_on(int64_t day)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &see_others);
    store_bind_int(batch, SCENE_DAY + day);
    assert_int_equal(temp_store_run(&temp.temp, &batch, NULL, NULL), STORE_OK);
}

static enum envelope_result send_to(uint32_t device_id, uint8_t id, int64_t now_ms)
{
    struct envelope_recipient recipient = { *pub_of(device_id), bytes_text("body") };
    struct envelope_send send = {
        .id = { { id } }, .ttl_s = 2592000, .recipients = &recipient, .count = 1
    };

    temp_domain_begin(&temp, &send, now_ms, &sent);
    temp_domain_wait(&temp, &sent);
    return sent.outcome.result;
}

static void read_of(uint32_t device_id, int64_t now_ms)
{
    struct mailbox *mailbox = scene_mailbox(&temp, pub_of(device_id));

    mailboxes_pin(mailbox);
    temp_domain_read_begin(
        &temp, mailbox,
        &(struct mail_page){ .item_max = 128, .byte_max = 1000000, .now_ms = now_ms }, &page);
    temp_store_wait(&temp.temp, &page.done);
    mailboxes_unpin(mailbox);
}

static int64_t state_of_2(void)
{
    return scene_count(&temp, "SELECT idle_state FROM devices WHERE device_id = 2");
}

static void other_devices_are_told_once_of_an_idle_one(void **state)
{
    const struct session_hash hash = { { 1 } };
    const struct session_hash hash_of_2 = { { 2 } };
    struct scene_stream stream;
    struct scene_stream stream_of_2;

    (void)state;
    others_are_seen_on(WARN_DAY);
    scene_listen(&temp, pub_of(1), &hash, &stream);
    scene_listen(&temp, pub_of(2), &hash_of_2, &stream_of_2);
    assert_int_equal(run_on(DAY_MS(WARN_DAY - 1)), 0);
    assert_int_equal(stream.event_count, 0);
    assert_int_equal(run_on(DAY_MS(WARN_DAY)), 1);
    wait_for_event(&stream);
    assert_int_equal(run_on(DAY_MS(WARN_DAY)), 0);
    assert_int_equal(stream.event_count, 1);
    assert_int_equal(stream.event.kind, HUB_EVENT_DEVICE_IDLE);
    assert_int_equal(stream.event.device_id, 2);
    assert_int_equal(stream.event.days, WARN_DAY);
    assert_int_equal(stream_of_2.event_count, 0);
    assert_int_equal(state_of_2(), 1);
    assert_int_equal(send_to(2, 1, DAY_MS(WARN_DAY)), ENVELOPE_STORED);
    scene_leave(&stream);
    scene_leave(&stream_of_2);
}

static void an_idle_mailbox_is_emptied_and_takes_no_more(void **state)
{
    (void)state;
    assert_int_equal(send_to(2, 1, SCENE_NOW_MS), ENVELOPE_STORED);
    assert_int_equal(send_to(2, 2, SCENE_NOW_MS), ENVELOPE_STORED);
    others_are_seen_on(CLOSE_DAY);
    assert_true(run_on(DAY_MS(CLOSE_DAY - 1)) == 1); /* told only */
    assert_int_equal(state_of_2(), 1);
    assert_int_equal(run_on(DAY_MS(CLOSE_DAY)), 1);
    assert_int_equal(state_of_2(), 2);
    assert_true(scene_mailbox(&temp, pub_of(2))->closed);
    assert_int_equal(scene_mailbox(&temp, pub_of(2))->envelope_count, 0);
    assert_int_equal(scene_mailbox(&temp, pub_of(2))->envelope_bytes, 0);
    read_of(2, SCENE_NOW_MS);
    assert_int_equal(page.count, 1);
    assert_true(page.items[0].is_gap);
    assert_int_equal(page.items[0].gap.count, 2);
    assert_int_equal(page.items[0].gap.reason, MAILBOX_GAP_IDLE);
    assert_int_equal(send_to(2, 3, DAY_MS(CLOSE_DAY)), ENVELOPE_MAILBOX_FULL);
    assert_int_equal(sent.outcome.closed.count, 1);
    read_of(2, SCENE_NOW_MS);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[1].gap.reason, MAILBOX_GAP_REFUSED);
    assert_int_equal(run_on(DAY_MS(CLOSE_DAY)), 0);
}

static void the_other_mailboxes_of_the_account_stay_open(void **state)
{
    (void)state;
    others_are_seen_on(CLOSE_DAY);
    (void)run_on(DAY_MS(CLOSE_DAY));
    assert_int_equal(send_to(1, 1, DAY_MS(CLOSE_DAY)), ENVELOPE_STORED);
    assert_int_equal(send_to(3, 2, DAY_MS(CLOSE_DAY)), ENVELOPE_STORED);
    assert_false(scene_mailbox(&temp, pub_of(1))->closed);
}

/* Not in memory, and more than one batch of losses. */
static void a_mailbox_that_memory_does_not_know_is_emptied_whole(void **state)
{
    (void)state;
    SKIP_ON_POSTGRES();
    assert_int_equal(send_to(2, 1, SCENE_NOW_MS), ENVELOPE_STORED);
    scene_run(&temp, "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at,"
                     " own_ttl, tag, id, body) SELECT seq + n, mailbox, kind, flags, minute,"
                     " expires_at, own_ttl, tag, id, body FROM envelopes,"
                     " (WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up"
                     " WHERE n < 450) SELECT n FROM up) AS ups");
    temp_domain_restart(&temp);
    others_are_seen_on(CLOSE_DAY);
    assert_true(run_on(DAY_MS(CLOSE_DAY)) >= 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 0"), 0);
    read_of(2, SCENE_NOW_MS);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].gap.count, 451);
}

/* The daemon stopped between closing and emptying. */
static void a_closed_mailbox_that_is_not_empty_is_emptied_later(void **state)
{
    (void)state;
    assert_int_equal(send_to(2, 1, SCENE_NOW_MS), ENVELOPE_STORED);
    scene_run(&temp, "UPDATE devices SET idle_state = 2 WHERE device_id = 2");
    temp_domain_restart(&temp);
    (void)run_on(SCENE_NOW_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 0"), 0);
    read_of(2, SCENE_NOW_MS);
    assert_int_equal(page.items[0].gap.reason, MAILBOX_GAP_IDLE);
}

static void a_session_opens_the_mailbox_again(void **state)
{
    struct sessions_proof proof;

    (void)state;
    others_are_seen_on(CLOSE_DAY);
    (void)run_on(DAY_MS(CLOSE_DAY));
    assert_true(scene_mailbox(&temp, pub_of(2))->closed);
    scene_prove(&temp, &ada, person_device(&ada, 2), &proof);
    assert_int_equal(scene_try(&temp, &proof, SCENE_NOW_MS).result, SESSIONS_OK);
    assert_int_equal(state_of_2(), 0);
    assert_false(scene_mailbox(&temp, pub_of(2))->closed);
    assert_int_equal(send_to(2, 1, SCENE_NOW_MS), ENVELOPE_STORED);
}

static void a_mailbox_opened_in_the_store_is_open_after_a_start(void **state)
{
    (void)state;
    others_are_seen_on(CLOSE_DAY);
    (void)run_on(DAY_MS(CLOSE_DAY));
    temp_domain_restart(&temp);
    assert_true(scene_mailbox(&temp, pub_of(2))->closed);
    scene_run(&temp, "UPDATE devices SET idle_state = 0 WHERE device_id = 2");
    temp_domain_restart(&temp);
    assert_int_equal(send_to(2, 1, SCENE_NOW_MS), ENVELOPE_STORED);
}

static void zero_days_mean_never(void **state)
{
    (void)state;
    temp.domain.settings.idle_device_warn_days = 0;
    temp.domain.settings.idle_device_close_days = 0;
    assert_int_equal(run_on(DAY_MS(10000)), 0);
    assert_int_equal(state_of_2(), 0);
    temp.domain.settings.idle_device_close_days = 45;
    others_are_seen_on(CLOSE_DAY);
    assert_int_equal(run_on(DAY_MS(CLOSE_DAY)), 1);
    assert_int_equal(state_of_2(), 2);
}

static void everybody_may_be_idle_at_once(void **state)
{
    (void)state;
    assert_true(run_on(DAY_MS(CLOSE_DAY)) >= 3);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices WHERE idle_state = 2"), 3);
    assert_int_equal(run_on(DAY_MS(CLOSE_DAY)), 0);
}

int main(void)
{
#define IDLE_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IDLE_TEST(other_devices_are_told_once_of_an_idle_one),
        IDLE_TEST(an_idle_mailbox_is_emptied_and_takes_no_more),
        IDLE_TEST(the_other_mailboxes_of_the_account_stay_open),
        IDLE_TEST(a_mailbox_that_memory_does_not_know_is_emptied_whole),
        IDLE_TEST(a_closed_mailbox_that_is_not_empty_is_emptied_later),
        IDLE_TEST(a_session_opens_the_mailbox_again),
        IDLE_TEST(a_mailbox_opened_in_the_store_is_open_after_a_start),
        IDLE_TEST(zero_days_mean_never),
        IDLE_TEST(everybody_may_be_idle_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
