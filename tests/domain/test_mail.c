/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/letters.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS
#define LATER_MS (TEMP_DOMAIN_NOW_MS + 60000)

enum {
    SHORT_S = 10,
    LONGEST_S = 2592000
};

static struct temp_domain temp;
static struct temp_sent sent;
static struct temp_read page;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    temp_domain_device(&temp, 1, 1);
    temp_domain_device(&temp, 2, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

/* Acknowledge a run of envelopes of one byte each. */
static int64_t ack_run(uint32_t n, const int64_t *seqs, size_t count)
{
    const struct mail_run run = {
        .seqs = seqs, .count = count, .envelopes = (int64_t)count, .bytes = (int64_t)count
    };

    return temp_domain_ack_run(&temp, n, &run);
}

static void items_come_in_order_behind_after(void **state)
{
    int64_t seqs[4];

    (void)state;
    letters_send(&temp, 4, &page, seqs);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "abcd", false);
    assert_true(seqs[0] < seqs[1] && seqs[1] < seqs[2] && seqs[2] < seqs[3]);
    letters_read(&temp, &page, seqs[1], 128, 1000);
    letters_are(&page, "cd", false);
    letters_read(&temp, &page, seqs[3], 128, 1000);
    letters_are(&page, "", false);
    letters_read(&temp, &page, seqs[0] - 1, 128, 1000);
    letters_are(&page, "abcd", false);
}

static void the_item_limit_is_exact_and_more_tells_of_others(void **state)
{
    int64_t seqs[5];

    (void)state;
    letters_send(&temp, 5, &page, seqs);
    letters_read(&temp, &page, 0, 2, 1000);
    letters_are(&page, "ab", true);
    letters_read(&temp, &page, seqs[1], 2, 1000);
    letters_are(&page, "cd", true);
    letters_read(&temp, &page, seqs[3], 2, 1000);
    letters_are(&page, "e", false);
    letters_read(&temp, &page, 0, 5, 1000);
    letters_are(&page, "abcde", false);
    letters_read(&temp, &page, 0, 4, 1000);
    letters_are(&page, "abcd", true);
}

static void the_byte_limit_is_kept_but_for_one_item(void **state)
{
    (void)state;
    temp_domain_send_at(&temp, 1, "a123456789", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "b123456789", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "c123456789", LONGEST_S, NOW_MS, &sent);
    letters_read(&temp, &page, 0, 128, 1);
    letters_are(&page, "a", true);
    letters_read(&temp, &page, 0, 128, 0);
    letters_are(&page, "a", true);
    letters_read(&temp, &page, 0, 128, 19);
    letters_are(&page, "a", true);
    letters_read(&temp, &page, 0, 128, 20);
    letters_are(&page, "ab", true);
    letters_read(&temp, &page, 0, 128, 30);
    letters_are(&page, "abc", false);
}

static void a_page_that_goes_on_takes_only_what_fits(void **state)
{
    struct mail_page more = { .item_max = 128, .byte_max = 9, .now_ms = NOW_MS, .goes_on = true };

    (void)state;
    temp_domain_send_at(&temp, 1, "a123456789", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "b123456789", LONGEST_S, NOW_MS, &sent);
    temp_domain_read_page(&temp, 1, &more, &page);
    letters_are(&page, "", true);
    more.byte_max = 10;
    temp_domain_read_page(&temp, 1, &more, &page);
    letters_are(&page, "a", true);
    more.byte_max = 20;
    temp_domain_read_page(&temp, 1, &more, &page);
    letters_are(&page, "ab", false);
}

static void a_read_takes_no_more_than_its_maximum(void **state)
{
    (void)state;
    for (int i = 0; i < MAIL_READ_ITEMS + 1; i++) {
        const char body[3] = { (char)('0' + i / 64), (char)('0' + i % 64), '\0' };
        temp_domain_send_at(&temp, 1, body, LONGEST_S, NOW_MS, &sent);
    }
    letters_read(&temp, &page, 0, 1000, 1048576);
    assert_int_equal(page.count, MAIL_READ_ITEMS);
    assert_true(page.more);
    letters_read(&temp, &page, page.items[MAIL_READ_ITEMS - 1].seq, 1000, 1048576);
    assert_int_equal(page.count, 1);
    assert_false(page.more);
}

static void what_has_expired_is_left_out(void **state)
{
    (void)state;
    temp_domain_send_at(&temp, 1, "a", SHORT_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "b", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "c", SHORT_S, NOW_MS, &sent);
    temp_domain_read(&temp, 1, 0, NOW_MS + (SHORT_S - 1) * INT64_C(1000), &page);
    letters_are(&page, "abc", false);
    temp_domain_read(&temp, 1, 0, LATER_MS, &page);
    letters_are(&page, "b", false);
    temp_domain_read(&temp, 1, 0, NOW_MS + (LONGEST_S - 1) * INT64_C(1000), &page);
    letters_are(&page, "b", false);
    temp_domain_read(&temp, 1, 0, NOW_MS + (LONGEST_S + 60) * INT64_C(1000), &page);
    letters_are(&page, "", false);
}

static void nothing_expires_before_its_whole_ttl(void **state)
{
    static const int64_t lives_s[] = { SHORT_S, 3600 };
    static const char *const letters[] = { "a", "b" };

    (void)state;
    for (size_t i = 0; i < sizeof lives_s / sizeof lives_s[0]; i++) {
        int64_t sent_ms = NOW_MS + 999;
        int64_t end_ms = sent_ms + lives_s[i] * 1000;
        temp_domain_send_at(&temp, 1, letters[i], lives_s[i], sent_ms, &sent);
        temp_domain_read(&temp, 1, 0, end_ms - 1, &page);
        letters_are(&page, letters[i], false);
        temp_domain_read(&temp, 1, 0, end_ms + 60000, &page);
        letters_are(&page, "", false);
    }
}

static void redelivered_is_told_only_of_what_was_sent_in_this_life(void **state)
{
    int64_t seqs[3];

    (void)state;
    letters_send(&temp, 3, &page, seqs);
    assert_false(page.items[0].redelivered || page.items[1].redelivered);
    mail_sent(temp_domain_mailbox(&temp, 1), seqs[1]);
    mail_sent(temp_domain_mailbox(&temp, 1), seqs[0]); /* an earlier one takes nothing back */
    letters_read(&temp, &page, 0, 128, 1000);
    assert_true(page.items[0].redelivered && page.items[1].redelivered);
    assert_false(page.items[2].redelivered);
    temp_domain_restart(&temp);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "abc", false);
    assert_false(page.items[0].redelivered || page.items[1].redelivered);
}

static void an_ack_counts_what_it_deleted_and_no_more(void **state)
{
    int64_t seqs[3];
    int64_t named[5];

    (void)state;
    letters_send(&temp, 3, &page, seqs);
    named[0] = seqs[1];
    named[1] = seqs[1]; /* twice */
    named[2] = 1;       /* never given */
    named[3] = INT64_MAX;
    named[4] = seqs[2];
    assert_int_equal(temp_domain_ack(&temp, 1, named, 5), 2);
    assert_int_equal(temp_domain_ack(&temp, 1, named, 5), 0);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "a", false);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 1);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_bytes, 1);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->pins, 0);
}

static void an_ack_of_a_foreign_seq_harms_nobody(void **state)
{
    int64_t seqs[2];

    (void)state;
    letters_send(&temp, 2, &page, seqs);
    assert_int_equal(temp_domain_ack(&temp, 2, seqs, 2), 0);
    assert_int_equal(ack_run(2, seqs, 2), 0);
    assert_int_equal(temp_domain_ack_upto(&temp, 2, seqs[1], NOW_MS), 0);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "ab", false);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 2);
    assert_int_equal(temp_domain_mailbox(&temp, 2)->envelope_count, 0);
}

static void what_was_acknowledged_stays_away_over_a_restart(void **state)
{
    int64_t seqs[2];

    (void)state;
    letters_send(&temp, 2, &page, seqs);
    assert_int_equal(temp_domain_ack(&temp, 1, seqs, 1), 1);
    temp_domain_restart(&temp);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "b", false);
}

static void an_ack_up_to_a_seq_takes_that_and_all_before(void **state)
{
    int64_t seqs[4];

    (void)state;
    letters_send(&temp, 4, &page, seqs);
    assert_int_equal(temp_domain_ack_upto(&temp, 1, seqs[0] - 1, NOW_MS), 0);
    assert_int_equal(temp_domain_ack_upto(&temp, 1, seqs[2], NOW_MS), 3);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "d", false);
    assert_int_equal(temp_domain_ack_upto(&temp, 1, INT64_MAX, NOW_MS), 1);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 0);
}

/* Whoever read the mailbox was not shown it: silence about it would be a loss without a gap. */
static void an_ack_up_to_a_seq_spares_what_expired_unseen(void **state)
{
    (void)state;
    temp_domain_send_at(&temp, 1, "a", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "b", SHORT_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "c", LONGEST_S, NOW_MS, &sent);
    temp_domain_read(&temp, 1, 0, LATER_MS, &page);
    letters_are(&page, "ac", false);
    assert_int_equal(temp_domain_ack_upto(&temp, 1, page.items[1].seq, LATER_MS), 2);
    temp_domain_read(&temp, 1, 0, NOW_MS, &page);
    letters_are(&page, "b", false);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 1);
}

static void a_run_deletes_exactly_itself(void **state)
{
    int64_t seqs[5];

    (void)state;
    letters_send(&temp, 5, &page, seqs);
    assert_int_equal(ack_run(1, &seqs[1], 3), 3);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "ae", false);
    assert_int_equal(ack_run(1, &seqs[4], 1), 1);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 1);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->pins, 0);
}

static void a_run_spares_what_expired_inside_it(void **state)
{
    int64_t seqs[2];

    (void)state;
    temp_domain_send_at(&temp, 1, "a", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "b", SHORT_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "c", LONGEST_S, NOW_MS, &sent);
    temp_domain_read(&temp, 1, 0, LATER_MS, &page);
    letters_are(&page, "ac", false);
    seqs[0] = page.items[0].seq;
    seqs[1] = page.items[1].seq;
    assert_int_equal(ack_run(1, seqs, 2), 2);
    temp_domain_read(&temp, 1, 0, NOW_MS, &page);
    letters_are(&page, "b", false);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 1);
}

/* One of the run is gone and another, never sent, stands between: as many, but not the same. */
static void a_run_of_as_many_others_is_spared(void **state)
{
    int64_t seqs[3];

    (void)state;
    temp_domain_send_at(&temp, 1, "a", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "b", SHORT_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "c", LONGEST_S, NOW_MS, &sent);
    temp_domain_send_at(&temp, 1, "d", LONGEST_S, NOW_MS, &sent);
    temp_domain_read(&temp, 1, 0, LATER_MS, &page);
    letters_are(&page, "acd", false);
    for (size_t i = 0; i < 3; i++) {
        seqs[i] = page.items[i].seq;
    }
    assert_int_equal(temp_domain_ack(&temp, 1, &seqs[0], 1), 1);
    assert_int_equal(ack_run(1, seqs, 3), 2);
    temp_domain_read(&temp, 1, 0, NOW_MS, &page);
    letters_are(&page, "b", false);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 1);
}

static void a_run_may_hold_gaps(void **state)
{
    int64_t seqs[2];
    struct mail_run run = { .seqs = seqs, .count = 2, .envelopes = 1, .bytes = 1 };

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 1;
    letters_send(&temp, 1, &page, seqs);
    temp_domain_send(&temp, 1, 1, "refused", &sent);
    letters_read(&temp, &page, 0, 128, 1000);
    seqs[1] = page.items[1].seq;
    assert_int_equal(temp_domain_ack_run(&temp, 1, &run), 2);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 0);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_bytes, 0);
    letters_read(&temp, &page, 0, 128, 1000);
    letters_are(&page, "", false);
}

static void a_run_that_was_partly_acknowledged_counts_the_rest(void **state)
{
    int64_t seqs[4];

    (void)state;
    letters_send(&temp, 4, &page, seqs);
    assert_int_equal(temp_domain_ack(&temp, 1, &seqs[1], 1), 1);
    assert_int_equal(ack_run(1, seqs, 4), 3);
    assert_int_equal(ack_run(1, seqs, 4), 0);
    assert_int_equal(temp_domain_mailbox(&temp, 1)->envelope_count, 0);
}

int main(void)
{
#define MAIL_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        MAIL_TEST(items_come_in_order_behind_after),
        MAIL_TEST(the_item_limit_is_exact_and_more_tells_of_others),
        MAIL_TEST(the_byte_limit_is_kept_but_for_one_item),
        MAIL_TEST(a_page_that_goes_on_takes_only_what_fits),
        MAIL_TEST(a_read_takes_no_more_than_its_maximum),
        MAIL_TEST(what_has_expired_is_left_out),
        MAIL_TEST(nothing_expires_before_its_whole_ttl),
        MAIL_TEST(redelivered_is_told_only_of_what_was_sent_in_this_life),
        MAIL_TEST(an_ack_counts_what_it_deleted_and_no_more),
        MAIL_TEST(an_ack_of_a_foreign_seq_harms_nobody),
        MAIL_TEST(what_was_acknowledged_stays_away_over_a_restart),
        MAIL_TEST(an_ack_up_to_a_seq_takes_that_and_all_before),
        MAIL_TEST(an_ack_up_to_a_seq_spares_what_expired_unseen),
        MAIL_TEST(a_run_deletes_exactly_itself),
        MAIL_TEST(a_run_spares_what_expired_inside_it),
        MAIL_TEST(a_run_of_as_many_others_is_spared),
        MAIL_TEST(a_run_may_hold_gaps),
        MAIL_TEST(a_run_that_was_partly_acknowledged_counts_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
