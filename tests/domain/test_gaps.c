/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/domain/gaps.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS

static struct temp_domain temp;
static struct temp_sent sent;
static struct temp_read page;

/* Device 1 has a mailbox with room for one envelope, and that is there. */
static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    temp_domain_device(&temp, 1, 1);
    temp.domain.settings.mailbox_max_envelopes = 1;
    temp_domain_send(&temp, 1, 0, "waits", &sent);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

/* Send what the mailbox refuses; each id is used once. */
static void send_refused(uint8_t id)
{
    temp_domain_send(&temp, 1, id, "refused", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
}

static void read_all(void)
{
    temp_domain_read(&temp, 1, 0, NOW_MS, &page);
    assert_true(page.ok);
}

static void assert_gap(size_t i, int64_t count, enum mailbox_gap_reason reason)
{
    assert_true(i < page.count);
    assert_true(page.items[i].is_gap);
    assert_int_equal(page.items[i].gap.count, count);
    assert_int_equal(page.items[i].gap.reason, reason);
}

static void losses_merge_until_a_read_has_seen_them(void **state)
{
    (void)state;
    send_refused(1);
    send_refused(2);
    read_all();
    assert_int_equal(page.count, 2);
    assert_gap(1, 2, MAILBOX_GAP_REFUSED);
    send_refused(3);
    send_refused(4);
    send_refused(5);
    read_all();
    assert_int_equal(page.count, 3);
    assert_gap(1, 2, MAILBOX_GAP_REFUSED);
    assert_gap(2, 3, MAILBOX_GAP_REFUSED);
    assert_true(page.items[1].seq < page.items[2].seq);
}

static void a_refused_gap_names_its_own_seq_twice(void **state)
{
    (void)state;
    send_refused(1);
    send_refused(2);
    read_all();
    assert_int_equal(page.items[1].gap.from, page.items[1].seq);
    assert_int_equal(page.items[1].gap.to, page.items[1].seq);
    assert_int_equal(page.items[1].minute, NOW_MS / 60000);
}

static void a_read_that_ends_before_the_gap_has_seen_it_too(void **state)
{
    (void)state;
    send_refused(1);
    temp_domain_read_page(
        &temp, 1, &(struct mail_page){ .item_max = 1, .byte_max = 1000, .now_ms = NOW_MS }, &page);
    assert_int_equal(page.count, 1);
    send_refused(2);
    read_all();
    assert_int_equal(page.count, 3);
    assert_gap(1, 1, MAILBOX_GAP_REFUSED);
    assert_gap(2, 1, MAILBOX_GAP_REFUSED);
}

static void a_gap_is_acknowledged_like_an_envelope(void **state)
{
    int64_t gap = 0;

    (void)state;
    send_refused(1);
    read_all();
    gap = page.items[1].seq;
    assert_int_equal(temp_domain_ack(&temp, 1, &gap, 1), 1);
    assert_int_equal(temp_domain_ack(&temp, 1, &gap, 1), 0);
    read_all();
    assert_int_equal(page.count, 1);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 1);
    send_refused(2);
    read_all();
    assert_int_equal(page.count, 2);
    assert_gap(1, 1, MAILBOX_GAP_REFUSED);
}

/* A device may acknowledge up to a seq without having looked. */
static void a_loss_after_an_unread_gap_was_acknowledged_has_its_own(void **state)
{
    (void)state;
    send_refused(1);
    assert_int_equal(temp_domain_ack_upto(&temp, 1, INT64_MAX, NOW_MS), 2);
    temp_domain_send(&temp, 1, 9, "waits again", &sent);
    assert_int_equal(sent.outcome.stored, 1);
    send_refused(2);
    read_all();
    assert_int_equal(page.count, 2);
    assert_gap(1, 1, MAILBOX_GAP_REFUSED);
}

static void each_reason_has_its_own_gap(void **state)
{
    (void)state;
    send_refused(1);
    temp_domain_set_closed(&temp, 1, true);
    temp_domain_send(&temp, 1, 2, "closed", &sent);
    assert_int_equal(sent.outcome.closed.count, 1);
    temp_domain_set_closed(&temp, 1, false);
    temp.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    temp_domain_send(&temp, 1, 3, "drops the first", &sent);
    temp_domain_wait_trimmed(&temp, 1);
    read_all();
    assert_int_equal(page.count, 3);
    assert_gap(0, 2, MAILBOX_GAP_REFUSED);
    assert_string_equal(page.bodies[1], "drops the first");
    assert_gap(2, 1, MAILBOX_GAP_CAP);
}

static void nothing_merges_into_a_gap_of_an_earlier_life(void **state)
{
    (void)state;
    send_refused(1);
    temp_domain_restart(&temp);
    send_refused(2);
    read_all();
    assert_int_equal(page.count, 3);
    assert_gap(1, 1, MAILBOX_GAP_REFUSED);
    assert_gap(2, 1, MAILBOX_GAP_REFUSED);
}

static void gaps_do_not_count_against_the_caps(void **state)
{
    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 4;
    for (uint8_t i = 1; i < 4; i++) {
        temp_domain_set_closed(&temp, 1, true);
        temp_domain_send(&temp, 1, i, "closed", &sent);
        temp_domain_set_closed(&temp, 1, false);
        read_all(); /* so that the next is a gap of its own */
    }
    assert_int_equal(page.count, 4);
    for (uint8_t i = 11; i < 14; i++) {
        temp_domain_send(&temp, 1, i, "fits", &sent);
        assert_int_equal(sent.outcome.stored, 1);
    }
    temp_domain_restart(&temp);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 4);
}

static void a_gap_outlives_every_envelope(void **state)
{
    (void)state;
    send_refused(1);
    temp_domain_read(&temp, 1, 0, NOW_MS + INT64_C(315360000000), &page);
    assert_int_equal(page.count, 1);
    assert_gap(0, 1, MAILBOX_GAP_REFUSED);
}

/* What a device was shown of a gap must be all that will ever be in it. */
static void a_read_beside_a_merge_sees_the_merged_count(void **state)
{
    static struct temp_sent more[2];
    struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text("refused") };
    struct envelope_send send = { .ttl_s = 60, .recipients = &recipient, .count = 1 };
    struct mailbox *mailbox = NULL;

    (void)state;
    SKIP_ON_POSTGRES();
    send_refused(1);
    mailbox = temp_domain_mailbox(&temp, 1);
    for (uint8_t i = 0; i < 2; i++) {
        send.id.raw[0] = (uint8_t)(2 + i);
        temp_domain_begin(&temp, &send, NOW_MS, &more[i]);
    }
    assert_int_equal(mailbox->gap_writes, 2); /* nobody has waited for them */
    mailboxes_pin(mailbox);
    temp_domain_read_begin(
        &temp, mailbox, &(struct mail_page){ .item_max = 128, .byte_max = 1000, .now_ms = NOW_MS },
        &page);
    temp_store_wait(&temp.temp, &page.done);
    mailboxes_unpin(mailbox);
    assert_int_equal(page.count, 2);
    assert_gap(1, 3, MAILBOX_GAP_REFUSED);
    temp_domain_wait(&temp, &more[1]);
    assert_int_equal(mailbox->gap_writes, 0);
    read_all();
    assert_int_equal(page.count, 2);
    assert_gap(1, 3, MAILBOX_GAP_REFUSED);
}

static void a_damaged_gap_is_not_shown(void **state)
{
    (void)state;
    send_refused(1);
    damage_run(&temp,
               "UPDATE envelopes SET body = CAST(substr(body, 1, 24) || x'7f' || substr(body, 26)"
               " AS BLOB) WHERE kind = 1",
               "UPDATE envelopes SET body = set_byte(body, 24, 127) WHERE kind = 1");
    read_all();
    assert_int_equal(page.count, 1);
    assert_false(page.items[0].is_gap);
}

static void only_a_whole_body_with_a_known_reason_is_a_gap(void **state)
{
    uint8_t body[26] = {
        0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 9, MAILBOX_GAP_IDLE
    };
    struct gap gap;

    (void)state;
    assert_true(gaps_decode(bytes_of(body, 25), &gap));
    assert_int_equal(gap.from, 0x102);
    assert_int_equal(gap.to, 0x304);
    assert_int_equal(gap.count, 9);
    assert_int_equal(gap.reason, MAILBOX_GAP_IDLE);
    assert_false(gaps_decode(bytes_of(body, 24), &gap));
    assert_false(gaps_decode(bytes_of(body, 26), &gap));
    assert_false(gaps_decode(bytes_of(NULL, 0), &gap));
    body[24] = MAILBOX_GAP_REASONS;
    assert_false(gaps_decode(bytes_of(body, 25), &gap));
}

static void reasons_have_the_words_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(gaps_reason_text(MAILBOX_GAP_TTL), "ttl");
    assert_string_equal(gaps_reason_text(MAILBOX_GAP_CAP), "cap");
    assert_string_equal(gaps_reason_text(MAILBOX_GAP_REFUSED), "refused");
    assert_string_equal(gaps_reason_text(MAILBOX_GAP_IDLE), "idle");
}

int main(void)
{
#define GAP_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        GAP_TEST(losses_merge_until_a_read_has_seen_them),
        GAP_TEST(a_refused_gap_names_its_own_seq_twice),
        GAP_TEST(a_read_that_ends_before_the_gap_has_seen_it_too),
        GAP_TEST(a_gap_is_acknowledged_like_an_envelope),
        GAP_TEST(a_loss_after_an_unread_gap_was_acknowledged_has_its_own),
        GAP_TEST(each_reason_has_its_own_gap),
        GAP_TEST(nothing_merges_into_a_gap_of_an_earlier_life),
        GAP_TEST(gaps_do_not_count_against_the_caps),
        GAP_TEST(a_gap_outlives_every_envelope),
        GAP_TEST(a_read_beside_a_merge_sees_the_merged_count),
        GAP_TEST(a_damaged_gap_is_not_shown),
        cmocka_unit_test(only_a_whole_body_with_a_known_reason_is_a_gap),
        cmocka_unit_test(reasons_have_the_words_of_the_contract),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
