/* SPDX-License-Identifier: Apache-2.0 */
/* Two daemons on one database: what each knows in memory is not all, and the rows decide. */
#include <string.h>

#include "common/loop.h"
#include "common/metrics.h"
#include "server/domain/losses.h"
#include "server/domain/names.h"
#include "server/domain/seqs.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS

/* Mailboxes whose row counts something else than what stands there. */
#define MISCOUNTED                                                           \
    "SELECT count(*) FROM devices d, LATERAL (SELECT count(*) AS envelopes," \
    " coalesce(sum(length(body) - 17), 0) AS bytes FROM envelopes"           \
    " WHERE mailbox = d.mailbox AND kind = 0) e"                             \
    " WHERE d.waiting <> e.envelopes OR d.waiting_bytes <> e.bytes"

static struct temp_domain here;
static struct temp_domain there;
static struct temp_sent sent;
static struct temp_read page;

/* Device 1 of account 1 has a mailbox that both know. */
static int set_up(void **state)
{
    (void)state;
    if (!temp_store_is_shared()) {
        return 0;
    }
    temp_domain_open(&here);
    temp_domain_device(&here, 1, 1);
    temp_domain_open_beside(&there, &here);
    assert_non_null(temp_domain_mailbox(&here, 1));
    assert_non_null(temp_domain_mailbox(&there, 1));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (!temp_store_is_shared()) {
        return 0;
    }
    assert_int_equal(scene_count(&here, MISCOUNTED), 0);
    temp_domain_close(&there);
    temp_domain_close(&here);
    return 0;
}

/* Tests are sentences about two daemons; on SQLite there is one. */
#define TWO_DAEMONS()                  \
    do {                               \
        if (!temp_store_is_shared()) { \
            skip();                    \
        }                              \
    } while (0)

static void read_at(struct temp_domain *temp)
{
    temp_domain_read(temp, 1, 0, NOW_MS, &page);
    assert_true(page.ok);
}

/* Turn the loop until what is said is heard. */
static void turn_until(const size_t *count, size_t wanted)
{
    while (*count < wanted) {
        loop_turn(here.temp.loop, 100);
    }
}

static void numbers_are_given_by_the_mailbox_whoever_writes(void **state)
{
    (void)state;
    TWO_DAEMONS();
    for (uint8_t i = 1; i <= 6; i++) {
        temp_domain_send(i % 2 == 0 ? &here : &there, 1, i, "body", &sent);
        assert_int_equal(sent.outcome.stored, 1);
    }
    read_at(&here);
    assert_int_equal(page.count, 6);
    for (size_t i = 1; i < page.count; i++) {
        assert_int_equal(page.items[i].seq, page.items[i - 1].seq + 1);
        assert_int_equal(page.items[i].id.raw[0], i + 1);
    }
}

static void a_repeat_at_the_other_daemon_is_a_duplicate_while_it_waits(void **state)
{
    (void)state;
    TWO_DAEMONS();
    temp_domain_send(&here, 1, 1, "body", &sent);
    for (int i = 0; i < 2; i++) { /* first seen in the rows, then in memory */
        temp_domain_send(&there, 1, 1, "body", &sent);
        assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
        assert_int_equal(sent.outcome.stored, 0);
        assert_int_equal(sent.outcome.duplicates.count, 1);
    }
    temp_domain_send(&there, 1, 1, "another body", &sent);
    assert_int_equal(sent.outcome.stored, 1);
    read_at(&there);
    assert_int_equal(page.count, 2);
}

static void a_repeat_is_found_after_ten_minutes_by_nobody(void **state)
{
    struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text("body") };
    struct envelope_send send = {
        .id = { { 1 } }, .ttl_s = 2592000, .recipients = &recipient, .count = 1
    };

    (void)state;
    TWO_DAEMONS();
    temp_domain_send(&here, 1, 1, "body", &sent);
    temp_domain_begin(&there, &send, NOW_MS + INT64_C(12 * 60000), &sent);
    temp_domain_wait(&there, &sent);
    assert_int_equal(sent.outcome.stored, 1);
}

static void names_of_many_that_others_wrote_are_read(void **state)
{
    struct mailbox *mailbox = NULL;

    (void)state;
    TWO_DAEMONS();
    mailbox = temp_domain_mailbox(&here, 1);
    for (uint8_t i = 1; i <= 50; i++) {
        temp_domain_send(&there, 1, i, "body", &sent);
    }
    assert_int_equal(mailbox->known, 0);
    temp_domain_send(&here, 1, 100, "mine", &sent); /* meets many that it does not know */
    while (mailbox->learning) {
        loop_turn(here.temp.loop, 100);
    }
    read_at(&here);
    assert_int_equal(page.count, 51);
    assert_int_equal(mailbox->known, page.items[50].seq);
    for (uint8_t i = 1; i <= 50; i++) {
        temp_domain_send(&here, 1, i, "body", &sent);
        assert_int_equal(sent.outcome.duplicates.count, 1);
    }
    temp_domain_send(&here, 1, 100, "mine", &sent);
    assert_int_equal(sent.outcome.duplicates.count, 1);
}

/* An answer that never came: the envelope may stand there under a seq that memory believes to know. */
static void after_a_doubt_every_row_is_looked_at(void **state)
{
    struct mailbox *mailbox = NULL;

    (void)state;
    TWO_DAEMONS();
    mailbox = temp_domain_mailbox(&here, 1);
    temp_domain_send(&there, 1, 1, "body", &sent);
    read_at(&here);
    mailbox->known = page.items[0].seq;
    names_doubt(mailbox);
    temp_domain_send(&here, 1, 1, "body", &sent);
    assert_int_equal(sent.outcome.duplicates.count, 1);
}

static void the_caps_hold_for_both_together(void **state)
{
    static struct temp_sent many[40];
    size_t stored = 0;
    size_t full = 0;
    int64_t lost = 0;

    (void)state;
    TWO_DAEMONS();
    here.domain.settings.mailbox_max_envelopes = 10;
    there.domain.settings.mailbox_max_envelopes = 10;
    for (size_t i = 0; i < 40; i++) {
        struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text("body") };
        struct envelope_send send = { .ttl_s = 60, .recipients = &recipient, .count = 1 };
        send.id.raw[0] = (uint8_t)i;
        temp_domain_begin(i % 2 == 0 ? &here : &there, &send, NOW_MS, &many[i]);
    }
    for (size_t i = 0; i < 40; i++) {
        temp_domain_wait(&here, &many[i]);
        stored += many[i].outcome.stored;
        full += many[i].outcome.full.count;
    }
    assert_int_equal(stored, 10);
    assert_int_equal(full, 30);
    read_at(&here);
    for (size_t i = 0; i < page.count; i++) {
        lost += page.items[i].is_gap ? page.items[i].gap.count : 0;
        assert_true(!page.items[i].is_gap || page.items[i].gap.from == page.items[i].seq);
    }
    assert_int_equal(lost, 30);
}

static void a_full_mailbox_opens_again_when_a_quarter_has_gone(void **state)
{
    int64_t seqs[3];

    (void)state;
    TWO_DAEMONS();
    here.domain.settings.mailbox_max_envelopes = 8;
    there.domain.settings.mailbox_max_envelopes = 8;
    for (uint8_t i = 0; i < 8; i++) {
        temp_domain_send(&here, 1, i, "body", &sent);
        assert_int_equal(sent.outcome.stored, 1);
    }
    temp_domain_send(&there, 1, 100, "refused", &sent);
    assert_int_equal(sent.outcome.full.count, 1);
    read_at(&here);
    for (size_t i = 0; i < 3; i++) {
        seqs[i] = page.items[i].seq;
    }
    assert_int_equal(temp_domain_ack(&there, 1, seqs, 1), 1);
    temp_domain_send(&here, 1, 101, "refused", &sent);
    assert_int_equal(sent.outcome.full.count, 1);
    assert_int_equal(temp_domain_ack(&here, 1, seqs, 2), 1);
    temp_domain_send(&here, 1, 102, "taken", &sent);
    assert_int_equal(sent.outcome.stored, 1);
}

static void a_mailbox_that_the_other_daemon_closed_takes_nothing(void **state)
{
    (void)state;
    TWO_DAEMONS();
    scene_run(&there, "UPDATE devices SET idle_state = 2");
    temp_domain_send(&here, 1, 1, "refused", &sent);
    assert_int_equal(sent.outcome.closed.count, 1);
    scene_run(&there, "UPDATE devices SET idle_state = 0");
    temp_domain_send(&here, 1, 1, "taken", &sent);
    assert_int_equal(sent.outcome.stored, 1);
}

static void one_full_mailbox_fails_no_other(void **state)
{
    struct envelope_recipient recipients[2] = {
        { temp_domain_pub(1), bytes_text("for the full") },
        { temp_domain_pub(2), bytes_text("for the other") },
    };
    struct envelope_send send = {
        .id = { { 9 } }, .ttl_s = 60, .recipients = recipients, .count = 2
    };

    (void)state;
    TWO_DAEMONS();
    temp_domain_device(&here, 2, 2);
    here.domain.settings.mailbox_max_envelopes = 1;
    temp_domain_send(&there, 1, 1, "waits", &sent);
    temp_domain_begin(&here, &send, NOW_MS, &sent);
    temp_domain_wait(&here, &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(sent.outcome.stored, 1);
    assert_int_equal(sent.outcome.full.count, 1);
}

static void a_device_that_the_other_daemon_removed_is_unknown(void **state)
{
    (void)state;
    TWO_DAEMONS();
    temp_domain_remove(&there, 1);
    temp_domain_send(&here, 1, 1, "body", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_UNKNOWN);
    assert_int_equal(sent.outcome.unknown.count, 1);
    assert_int_equal(scene_count(&here, "SELECT count(*) FROM envelopes"), 0);
}

static void a_gap_that_was_shown_at_the_other_daemon_does_not_grow(void **state)
{
    (void)state;
    TWO_DAEMONS();
    here.domain.settings.mailbox_max_envelopes = 1;
    temp_domain_send(&here, 1, 0, "waits", &sent);
    temp_domain_send(&here, 1, 1, "refused", &sent);
    temp_domain_send(&here, 1, 2, "refused", &sent);
    read_at(&there);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[1].gap.count, 2);
    temp_domain_send(&here, 1, 3, "refused", &sent);
    assert_int_equal(sent.outcome.full.count, 1);
    temp_domain_send(&here, 1, 4, "refused", &sent);
    read_at(&there);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.items[1].gap.count, 2);
    assert_int_equal(page.items[2].gap.count, 2);
}

/* Both find the same envelopes expired; one of them removes each, and there is one gap of all. */
static void on_lost(void *arg, bool more)
{
    (void)more;
    (*(size_t *)arg)++;
}

static void janitors_of_two_daemons_count_each_loss_once(void **state)
{
    int64_t later_ms = NOW_MS + INT64_C(7200000);
    size_t done = 0;
    int64_t lost = 0;

    (void)state;
    TWO_DAEMONS();
    for (uint8_t i = 0; i < 20; i++) {
        temp_domain_send_at(i % 2 == 0 ? &here : &there, 1, i % 2 == 0 ? "even" : "odd",
                            i % 4 < 2 ? 60 : 3600, NOW_MS + i * INT64_C(700000), &sent);
    }
    for (size_t round = 1; round <= 3; round++) {
        losses_expire_own(&here.domain, later_ms + INT64_C(20000000), on_lost, &done);
        losses_expire_own(&there.domain, later_ms + INT64_C(20000000), on_lost, &done);
        turn_until(&done, 2 * round);
    }
    assert_int_equal(scene_count(&here, "SELECT count(*) FROM envelopes WHERE kind = 0"), 0);
    read_at(&here);
    for (size_t i = 0; i < page.count; i++) {
        assert_true(page.items[i].is_gap);
        lost += page.items[i].gap.count;
    }
    assert_int_equal(lost, 20);
}

static void both_drop_the_oldest_of_one_mailbox_down_to_its_cap(void **state)
{
    size_t envelopes = 0;
    int64_t lost = 0;

    (void)state;
    TWO_DAEMONS();
    here.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    here.domain.settings.mailbox_max_envelopes = 5;
    there.domain.settings = here.domain.settings;
    for (uint8_t i = 0; i < 30; i++) {
        temp_domain_send(i % 2 == 0 ? &here : &there, 1, i, "body", &sent);
        assert_int_equal(sent.outcome.stored, 1);
    }
    while (temp_domain_mailbox(&here, 1)->trimming || temp_domain_mailbox(&there, 1)->trimming) {
        loop_turn(here.temp.loop, 100);
    }
    read_at(&here);
    for (size_t i = 0; i < page.count; i++) {
        envelopes += page.items[i].is_gap ? 0 : 1;
        lost += page.items[i].is_gap ? page.items[i].gap.count : 0;
    }
    assert_int_equal(envelopes, 5);
    assert_int_equal(lost, 25);
}

/* Between the look at its rows and their end. */
static void a_mailbox_that_opens_while_it_is_emptied_keeps_its_mail(void **state)
{
    struct mailbox *mailbox = NULL;
    int64_t queued = 0;

    (void)state;
    TWO_DAEMONS();
    here.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    temp_domain_send(&here, 1, 1, "body", &sent);
    scene_run(&there, "UPDATE devices SET idle_state = 2");
    mailbox = temp_domain_mailbox(&here, 1);
    mailbox->closed = true;
    queued = metrics_value(METRIC_store_queue_bytes);
    losses_trim(&here.domain, mailbox, NOW_MS);
    while (metrics_value(METRIC_store_queue_bytes) == queued) {
        assert_true(mailbox->trimming);
        loop_turn(here.temp.loop, 100);
    }
    temp_postgres_run(here.temp.url, "UPDATE devices SET idle_state = 0");
    temp_domain_wait_trimmed(&here, 1);
    assert_int_equal(scene_count(&here, "SELECT count(*) FROM envelopes WHERE kind = 0"), 1);
}

static void two_that_start_at_once_take_up_numbers_and_notice_one_restore(void **state)
{
    struct seqs_start start;

    (void)state;
    TWO_DAEMONS();
    assert_int_equal(scene_count(&here, "SELECT seq_floor FROM relay"), INT64_C(2) << 28);
    assert_int_equal(scene_count(&here, "SELECT heartbeat FROM relay"), 2);
    temp_domain_send(&here, 1, 1, "before", &sent);
    temp_domain_close(&there);
    start = temp_domain_restart_at(&here, 1000, NOW_MS);
    temp_domain_open_beside(&there, &here);
    assert_true(start.restored);
    assert_int_equal(start.heartbeat, 1001);
    assert_int_equal(here.domain.generation, 2);
    assert_int_equal(there.domain.generation, 2);
    temp_domain_send(&there, 1, 2, "after", &sent);
    read_at(&there);
    assert_true(page.items[1].seq - page.items[0].seq > INT64_C(1) << 32);
}

struct heard_start {
    bool done;
    struct seqs_start start;
};

static void on_start(void *arg, const struct seqs_start *start)
{
    struct heard_start *heard = arg;

    heard->start = *start;
    heard->done = true;
}

/* Else what was used since the backup would be good again. */
static void a_start_that_cannot_end_what_was_restored_leaves_it_to_the_next(void **state)
{
    struct heard_start first = { .done = false };
    struct heard_start next = { .done = false };

    (void)state;
    TWO_DAEMONS();
    scene_run(&here, "INSERT INTO grants (grant_hash, account, purpose, kind, expires_at)"
                     " VALUES ('x', 1, 1, 1, 1)");
    damage_break(&here, DAMAGE_DELETE_GRANTS);
    seqs_start(&here.domain, 1000, NOW_MS, on_start, &first);
    temp_store_wait(&here.temp, &first.done);
    assert_false(first.start.ok);
    damage_mend(&here);
    seqs_start(&here.domain, 1000, NOW_MS, on_start, &next);
    temp_store_wait(&here.temp, &next.done);
    assert_true(next.start.ok);
    assert_true(next.start.restored);
    assert_int_equal(scene_count(&here, "SELECT count(*) FROM grants"), 0);
}

struct beaten {
    size_t done;
    int64_t heartbeat;
};

static void on_beaten(void *arg, int64_t heartbeat)
{
    struct beaten *beaten = arg;

    beaten->done++;
    beaten->heartbeat = heartbeat;
}

static void both_beat_one_heart_and_either_may_say_that_it_was_restored(void **state)
{
    struct beaten beaten = { 0 };
    int64_t before = 0;

    (void)state;
    TWO_DAEMONS();
    temp_domain_send(&here, 1, 1, "before", &sent);
    seqs_beat(&here.domain, on_beaten, &beaten);
    turn_until(&beaten.done, 1);
    assert_int_equal(beaten.heartbeat, 3);
    seqs_beat(&there.domain, on_beaten, &beaten);
    turn_until(&beaten.done, 2);
    assert_int_equal(beaten.heartbeat, 4);
    temp_domain_send(&here, 1, 2, "after two beats", &sent);
    read_at(&here);
    before = page.items[1].seq;
    assert_int_equal(before, page.items[0].seq + 1); /* a beat raises no number */
    seqs_declare_restored(&there.domain, on_beaten, &beaten);
    turn_until(&beaten.done, 3);
    temp_domain_send(&here, 1, 3, "after the restore", &sent);
    read_at(&here);
    assert_true(page.items[2].seq - before > INT64_C(1) << 31); /* the floor jumped by 2^32 */
    assert_int_equal(there.domain.generation, 2);
    seqs_beat(&here.domain, on_beaten, &beaten); /* which is how the others learn of it */
    turn_until(&beaten.done, 4);
    assert_int_equal(here.domain.generation, 2);
}

int main(void)
{
#define SHARED_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SHARED_TEST(numbers_are_given_by_the_mailbox_whoever_writes),
        SHARED_TEST(a_repeat_at_the_other_daemon_is_a_duplicate_while_it_waits),
        SHARED_TEST(a_repeat_is_found_after_ten_minutes_by_nobody),
        SHARED_TEST(names_of_many_that_others_wrote_are_read),
        SHARED_TEST(after_a_doubt_every_row_is_looked_at),
        SHARED_TEST(the_caps_hold_for_both_together),
        SHARED_TEST(a_full_mailbox_opens_again_when_a_quarter_has_gone),
        SHARED_TEST(a_mailbox_that_the_other_daemon_closed_takes_nothing),
        SHARED_TEST(one_full_mailbox_fails_no_other),
        SHARED_TEST(a_device_that_the_other_daemon_removed_is_unknown),
        SHARED_TEST(a_gap_that_was_shown_at_the_other_daemon_does_not_grow),
        SHARED_TEST(janitors_of_two_daemons_count_each_loss_once),
        SHARED_TEST(both_drop_the_oldest_of_one_mailbox_down_to_its_cap),
        SHARED_TEST(a_mailbox_that_opens_while_it_is_emptied_keeps_its_mail),
        SHARED_TEST(a_start_that_cannot_end_what_was_restored_leaves_it_to_the_next),
        SHARED_TEST(two_that_start_at_once_take_up_numbers_and_notice_one_restore),
        SHARED_TEST(both_beat_one_heart_and_either_may_say_that_it_was_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
