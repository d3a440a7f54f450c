/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/limits.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

static struct temp_domain temp;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    temp_domain_device(&temp, 1, 1);
    temp_domain_device(&temp, 2, 2);
    temp_domain_device(&temp, 3, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

static bool is_pub(const struct envelope_list *list, size_t i, uint32_t n)
{
    struct device_pub pub = temp_domain_pub(n);

    return i < list->count && memcmp(list->at[i].raw, pub.raw, sizeof pub.raw) == 0;
}

static void a_stored_envelope_is_read_in_order(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp_domain_send(&temp, 1, 1, "first", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(sent.outcome.stored, 1);
    temp_domain_send(&temp, 1, 2, "second", &sent);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 2);
    assert_string_equal(read.bodies[0], "first");
    assert_string_equal(read.bodies[1], "second");
    assert_true(read.items[0].seq < read.items[1].seq);
    assert_int_equal(read.items[0].minute, TEMP_DOMAIN_NOW_MS / 60000);
    assert_false(read.more);
}

static void a_repeat_is_one_copy_and_another_body_is_another_envelope(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp_domain_send(&temp, 1, 1, "body", &sent);
    temp_domain_send(&temp, 1, 1, "body", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(sent.outcome.stored, 0);
    assert_true(is_pub(&sent.outcome.duplicates, 0, 1));
    temp_domain_send(&temp, 1, 1, "other", &sent);
    assert_int_equal(sent.outcome.stored, 1);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 2);
}

static void a_repeat_is_recognised_after_its_ack(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp_domain_send(&temp, 1, 1, "body", &sent);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(temp_domain_ack(&temp, 1, &read.items[0].seq, 1), 1);
    temp_domain_send(&temp, 1, 1, "body", &sent);
    assert_int_equal(sent.outcome.duplicates.count, 1);
}

static void a_waiting_envelope_is_recognised_after_a_restart(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp_domain_send(&temp, 1, 1, "body", &sent);
    temp_domain_restart(&temp);
    temp_domain_send(&temp, 1, 1, "body", &sent);
    assert_int_equal(sent.outcome.duplicates.count, 1);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 1);
}

static void two_repeats_in_flight_store_one_copy(void **state)
{
    static struct temp_sent first;
    static struct temp_sent second;
    struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text("race") };
    struct envelope_send send = {
        .id = { { 5 } },
        .ttl_s = 60,
        .recipients = &recipient,
        .count = 1,
    };

    (void)state;
    assert_non_null(temp_domain_mailbox(&temp, 1));
    temp_domain_begin(&temp, &send, TEMP_DOMAIN_NOW_MS, &first);
    temp_domain_begin(&temp, &send, TEMP_DOMAIN_NOW_MS, &second);
    temp_domain_wait(&temp, &first);
    temp_domain_wait(&temp, &second);
    assert_int_equal(first.outcome.stored + second.outcome.stored, 1);
    assert_int_equal(first.outcome.duplicates.count + second.outcome.duplicates.count, 1);
}

static void an_unknown_recipient_stores_nothing(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;
    struct envelope_recipient recipients[2] = {
        { temp_domain_pub(1), bytes_text("a") },
        { temp_domain_pub(99), bytes_text("b") },
    };
    struct envelope_send send = { .ttl_s = 60, .recipients = recipients, .count = 2 };

    (void)state;
    temp_domain_begin(&temp, &send, TEMP_DOMAIN_NOW_MS, &sent);
    temp_domain_wait(&temp, &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_UNKNOWN);
    assert_int_equal(sent.outcome.unknown.count, 1);
    assert_true(is_pub(&sent.outcome.unknown, 0, 99));
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 0);
}

static void a_device_that_left_is_unknown(void **state)
{
    static struct temp_sent sent;

    (void)state;
    temp_domain_send(&temp, 1, 1, "a", &sent);
    temp_domain_remove(&temp, 1);
    temp_domain_send(&temp, 1, 2, "b", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_UNKNOWN);
}

static void a_shared_body_follows_each_prefix(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;
    struct envelope_recipient recipients[2] = {
        { temp_domain_pub(1), bytes_text("one:") },
        { temp_domain_pub(2), bytes_of(NULL, 0) },
    };
    struct envelope_send send = {
        .ttl_s = 60,
        .shared_given = true,
        .shared = bytes_text("shared"),
        .recipients = recipients,
        .count = 2,
    };

    (void)state;
    temp_domain_begin(&temp, &send, TEMP_DOMAIN_NOW_MS, &sent);
    temp_domain_wait(&temp, &sent);
    assert_int_equal(sent.outcome.stored, 2);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_string_equal(read.bodies[0], "one:shared");
    temp_domain_read(&temp, 2, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_string_equal(read.bodies[0], "shared");
}

static void a_full_mailbox_does_not_fail_the_others(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;
    struct envelope_recipient recipients[2] = {
        { temp_domain_pub(1), bytes_text("x") },
        { temp_domain_pub(2), bytes_text("y") },
    };
    struct envelope_send send = {
        .id = { { 9 } }, .ttl_s = 60, .recipients = recipients, .count = 2
    };

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 2;
    temp_domain_send(&temp, 1, 1, "a", &sent);
    temp_domain_send(&temp, 1, 2, "b", &sent);
    temp_domain_begin(&temp, &send, TEMP_DOMAIN_NOW_MS, &sent);
    temp_domain_wait(&temp, &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(sent.outcome.stored, 1);
    assert_true(is_pub(&sent.outcome.full, 0, 1));
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 3);
    assert_true(read.items[2].is_gap);
    assert_int_equal(read.items[2].gap.reason, MAILBOX_GAP_REFUSED);
    assert_int_equal(read.items[2].gap.count, 1);
    assert_int_equal(read.items[2].gap.from, read.items[2].seq);
    assert_int_equal(read.items[2].gap.to, read.items[2].seq);
}

static void only_full_mailboxes_are_507_and_repeats_are_not(void **state)
{
    static struct temp_sent sent;

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 1;
    temp_domain_send(&temp, 1, 1, "a", &sent);
    temp_domain_send(&temp, 1, 2, "b", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
    assert_true(is_pub(&sent.outcome.full, 0, 1));
    temp_domain_send(&temp, 1, 1, "a", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(sent.outcome.duplicates.count, 1);
}

static void a_full_mailbox_reopens_at_three_quarters(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 8;
    for (uint8_t i = 0; i < 9; i++) {
        temp_domain_send(&temp, 1, i, "a", &sent);
    }
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(temp_domain_ack(&temp, 1, &read.items[0].seq, 1), 1);
    temp_domain_send(&temp, 1, 20, "a", &sent); /* 7 of 8 wait */
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
    assert_int_equal(temp_domain_ack(&temp, 1, &read.items[1].seq, 1), 1);
    temp_domain_send(&temp, 1, 21, "a", &sent); /* 6 of 8 wait */
    assert_int_equal(sent.outcome.stored, 1);
}

static void refusals_merge_into_one_gap_until_it_is_read(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 1;
    for (uint8_t i = 0; i < 5; i++) {
        temp_domain_send(&temp, 1, i, "a", &sent);
    }
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.items[1].gap.count, 4);
    temp_domain_send(&temp, 1, 30, "a", &sent);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 3);
    assert_int_equal(read.items[1].gap.count, 4);
    assert_int_equal(read.items[2].gap.count, 1);
    assert_int_equal(temp_domain_ack(&temp, 1, &read.items[1].seq, 1), 1);
}

static void the_byte_cap_counts_bodies(void **state)
{
    static struct temp_sent sent;

    (void)state;
    temp.domain.settings.mailbox_max_bytes = 10;
    temp_domain_send(&temp, 1, 1, "12345", &sent);
    assert_int_equal(sent.outcome.stored, 1);
    temp_domain_send(&temp, 1, 2, "67890", &sent);
    assert_int_equal(sent.outcome.stored, 1);
    temp_domain_send(&temp, 1, 3, "x", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
}

static void counters_are_right_after_a_restart(void **state)
{
    static struct temp_sent sent;
    struct mailbox *mailbox = NULL;

    (void)state;
    temp_domain_send(&temp, 1, 1, "12345", &sent);
    temp_domain_send(&temp, 1, 2, "678", &sent);
    temp_domain_restart(&temp);
    mailbox = temp_domain_mailbox(&temp, 1);
    assert_int_equal(mailbox->envelope_count, 2);
    assert_int_equal(mailbox->envelope_bytes, 8);
    assert_int_equal(mailbox->pins, 0);
}

static void drop_oldest_takes_the_new_and_leaves_a_gap(void **state)
{
    static struct temp_sent sent;
    static struct temp_read read;

    (void)state;
    temp.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    temp.domain.settings.mailbox_max_envelopes = 3;
    for (uint8_t i = 0; i < 5; i++) {
        const char body[2] = { (char)('a' + i), '\0' };
        temp_domain_send(&temp, 1, i, body, &sent);
        assert_int_equal(sent.outcome.stored, 1);
    }
    temp_domain_wait_trimmed(&temp, 1);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    size_t envelopes = 0;
    int64_t lost = 0;
    for (size_t i = 0; i < read.count; i++) {
        envelopes += read.items[i].is_gap ? 0 : 1;
        lost += read.items[i].is_gap ? read.items[i].gap.count : 0;
    }
    assert_int_equal(envelopes, 3);
    assert_int_equal(lost, 2);
}

static void a_closed_mailbox_takes_nothing(void **state)
{
    static struct temp_sent sent;

    (void)state;
    temp_domain_set_closed(&temp, 1, true);
    temp_domain_send(&temp, 1, 1, "a", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_MAILBOX_FULL);
    assert_true(is_pub(&sent.outcome.closed, 0, 1));
}

static void stored_mail_is_announced_with_its_body(void **state)
{
    static struct temp_sent sent;
    static struct temp_heard heard;
    static struct temp_read read;

    (void)state;
    temp_domain_listen(&temp, 1, &heard);
    temp_domain_send(&temp, 1, 1, "hello", &sent);
    assert_int_equal(heard.mail_count, 1);
    assert_string_equal(heard.bodies[0], "hello");
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(heard.mails[0].seq, read.items[0].seq);
    temp_domain_unlisten(&temp, &heard);
}

static void online_only_is_passed_and_never_stored(void **state)
{
    static struct temp_sent sent;
    static struct temp_heard heard;
    static struct temp_read read;
    struct envelope_recipient recipients[2] = {
        { temp_domain_pub(1), bytes_text("now") },
        { temp_domain_pub(2), bytes_text("now") },
    };
    struct envelope_send send = { .online_only = true, .recipients = recipients, .count = 2 };

    (void)state;
    temp_domain_listen(&temp, 1, &heard);
    temp_domain_begin(&temp, &send, TEMP_DOMAIN_NOW_MS, &sent);
    temp_domain_wait(&temp, &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_PASSED);
    assert_int_equal(sent.outcome.stored, 1);
    assert_int_equal(heard.mail_count, 1);
    assert_int_equal(heard.mails[0].seq, 0);
    temp_domain_read(&temp, 1, 0, TEMP_DOMAIN_NOW_MS, &read);
    assert_int_equal(read.count, 0);
    temp_domain_unlisten(&temp, &heard);
}

static void expect_refused(const struct envelope_send *send, enum envelope_result result)
{
    static struct temp_sent sent;

    temp_domain_begin(&temp, send, TEMP_DOMAIN_NOW_MS, &sent);
    temp_domain_wait(&temp, &sent);
    assert_int_equal(sent.outcome.result, result);
}

static void shapes_and_sizes_beyond_the_limits_are_refused(void **state)
{
    static uint8_t large[LIMIT_ENVELOPE_BYTES + 1];
    static struct envelope_recipient many[LIMIT_SEND_RECIPIENTS + 1];
    struct envelope_recipient one = { temp_domain_pub(1), bytes_text("a") };
    struct envelope_recipient twice[2] = { one, one };
    struct envelope_send send = { .ttl_s = 60, .recipients = &one, .count = 1 };

    (void)state;
    send.ttl_s = LIMIT_TTL_MIN_S - 1;
    expect_refused(&send, ENVELOPE_VALUE_INVALID);
    send.ttl_s = LIMIT_TTL_MAX_S + 1;
    expect_refused(&send, ENVELOPE_VALUE_INVALID);
    send.ttl_s = 60;
    send.count = 0;
    expect_refused(&send, ENVELOPE_VALUE_INVALID);
    send.count = 2;
    send.recipients = twice;
    expect_refused(&send, ENVELOPE_VALUE_INVALID);
    send.count = 1;
    send.recipients = &one;
    one.part = bytes_of(NULL, 0);
    expect_refused(&send, ENVELOPE_VALUE_INVALID);
    one.part = bytes_of(large, sizeof large);
    expect_refused(&send, ENVELOPE_TOO_LARGE);
    one.part = bytes_of(large, LIMIT_ENVELOPE_BYTES);
    expect_refused(&send, ENVELOPE_STORED);
    for (uint32_t i = 0; i <= LIMIT_SEND_RECIPIENTS; i++) {
        many[i] = (struct envelope_recipient){ temp_domain_pub(i + 1), bytes_text("a") };
    }
    send.recipients = many;
    send.count = LIMIT_SEND_RECIPIENTS + 1;
    expect_refused(&send, ENVELOPE_VALUE_INVALID);
    send.count = 100; /* 100 x 96 KiB of a shared body: more than 8 MiB stored */
    send.shared_given = true;
    send.shared = bytes_of(large, LIMIT_ENVELOPE_BYTES - 1);
    expect_refused(&send, ENVELOPE_TOO_LARGE);
}

static void the_guard_knows_text_from_ciphertext(void **state)
{
    static const char text[] = "This is a plain text that somebody forgot to encrypt.\n";
    static const char utf8[] = "Gr\xc3\xbc\xc3\x9f Gott, das ist auch ein lesbarer Text";
    static const char control[] = "This is a plain text but with \x01 a control";
    static const char broken[] = "This is a plain text with a bad \xc3 byte in it";

    (void)state;
    assert_true(envelopes_is_plaintext(bytes_text(text)));
    assert_true(envelopes_is_plaintext(bytes_text(utf8)));
    assert_false(envelopes_is_plaintext(bytes_text(control)));
    assert_false(envelopes_is_plaintext(bytes_text(broken)));
    assert_false(envelopes_is_plaintext(bytes_of(text, 31)));
    assert_true(envelopes_is_plaintext(bytes_of(text, 32)));
}

static void the_guard_looks_at_the_delivered_and_at_the_shared_body(void **state)
{
    struct envelope_recipient one = { temp_domain_pub(1), bytes_text("\x01") };
    struct envelope_send send = {
        .ttl_s = 60,
        .shared_given = true,
        .shared = bytes_text("a text of more than thirty-two bytes, alone"),
        .recipients = &one,
        .count = 1,
    };

    (void)state;
    temp.domain.settings.plaintext_guard = true;
    expect_refused(&send, ENVELOPE_PLAINTEXT);
    one.part = bytes_text("first part of a text, ");
    send.shared = bytes_text("second part of it");
    expect_refused(&send, ENVELOPE_PLAINTEXT);
    send.shared = bytes_text("second\x02 part of it");
    expect_refused(&send, ENVELOPE_STORED);
}

static void buckets_are_enforced_when_they_should_be(void **state)
{
    static uint8_t body[256];
    struct envelope_recipient one = { temp_domain_pub(1), bytes_of(body, 255) };
    struct envelope_send send = { .ttl_s = 60, .recipients = &one, .count = 1 };

    (void)state;
    temp.domain.settings.size_buckets = DOMAIN_BUCKETS_ENFORCE;
    expect_refused(&send, ENVELOPE_OFF_BUCKET);
    one.part.size = 256;
    expect_refused(&send, ENVELOPE_STORED);
    temp.domain.settings.size_buckets = DOMAIN_BUCKETS_ADVISE;
    one.part.size = 255;
    expect_refused(&send, ENVELOPE_STORED);
    assert_true(envelopes_is_bucket(98304));
    assert_false(envelopes_is_bucket(98303));
}

int main(void)
{
#define MAIL_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        MAIL_TEST(a_stored_envelope_is_read_in_order),
        MAIL_TEST(a_repeat_is_one_copy_and_another_body_is_another_envelope),
        MAIL_TEST(a_repeat_is_recognised_after_its_ack),
        MAIL_TEST(a_waiting_envelope_is_recognised_after_a_restart),
        MAIL_TEST(two_repeats_in_flight_store_one_copy),
        MAIL_TEST(an_unknown_recipient_stores_nothing),
        MAIL_TEST(a_device_that_left_is_unknown),
        MAIL_TEST(a_shared_body_follows_each_prefix),
        MAIL_TEST(a_full_mailbox_does_not_fail_the_others),
        MAIL_TEST(only_full_mailboxes_are_507_and_repeats_are_not),
        MAIL_TEST(a_full_mailbox_reopens_at_three_quarters),
        MAIL_TEST(refusals_merge_into_one_gap_until_it_is_read),
        MAIL_TEST(the_byte_cap_counts_bodies),
        MAIL_TEST(counters_are_right_after_a_restart),
        MAIL_TEST(drop_oldest_takes_the_new_and_leaves_a_gap),
        MAIL_TEST(a_closed_mailbox_takes_nothing),
        MAIL_TEST(stored_mail_is_announced_with_its_body),
        MAIL_TEST(online_only_is_passed_and_never_stored),
        MAIL_TEST(shapes_and_sizes_beyond_the_limits_are_refused),
        cmocka_unit_test(the_guard_knows_text_from_ciphertext),
        MAIL_TEST(the_guard_looks_at_the_delivered_and_at_the_shared_body),
        MAIL_TEST(buckets_are_enforced_when_they_should_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
