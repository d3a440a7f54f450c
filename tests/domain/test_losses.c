/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/loop.h"
#include "server/domain/losses.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS
#define LATER_MS (TEMP_DOMAIN_NOW_MS + 60000)
#define LAST_DAY_MS (TEMP_DOMAIN_NOW_MS + (LONGEST_S + 60) * INT64_C(1000))

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

struct heard_losses {
    bool done;
    bool more;
};

static void hear_losses(void *arg, bool more)
{
    struct heard_losses *heard = arg;

    heard->more = more;
    heard->done = true;
}

static bool expire_own(int64_t now_ms)
{
    struct heard_losses heard = { false, false };

    losses_expire_own(&temp.domain, now_ms, hear_losses, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    return heard.more;
}

static bool expire_oldest(int64_t *cursor, int64_t now_ms)
{
    struct heard_losses heard = { false, false };

    losses_expire_oldest(&temp.domain, cursor, now_ms, hear_losses, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    return heard.more;
}

static void send_to(uint32_t n, const char *body, int64_t ttl_s)
{
    temp_domain_send_at(&temp, n, body, ttl_s, NOW_MS, &sent);
}

static void read_of(uint32_t n)
{
    temp_domain_read(&temp, n, 0, NOW_MS, &page);
    assert_true(page.ok);
}

static void assert_gap(size_t i, int64_t from, int64_t to, int64_t count)
{
    assert_true(i < page.count);
    assert_true(page.items[i].is_gap);
    assert_int_equal(page.items[i].gap.from, from);
    assert_int_equal(page.items[i].gap.to, to);
    assert_int_equal(page.items[i].gap.count, count);
}

static void assert_waiting(uint32_t n, int64_t count, int64_t bytes)
{
    const struct mailbox *mailbox = temp_domain_mailbox(&temp, n);

    assert_int_equal(mailbox->envelope_count, count);
    assert_int_equal(mailbox->envelope_bytes, bytes);
    assert_int_equal(mailbox->pins, 0);
    assert_int_equal(mailbox->gap_writes, 0);
}

static void an_envelope_past_its_own_life_leaves_a_gap(void **state)
{
    int64_t first = 0;
    int64_t last = 0;

    (void)state;
    send_to(1, "short", SHORT_S);
    send_to(1, "long", LONGEST_S);
    send_to(1, "short too", SHORT_S);
    send_to(1, "an hour", 3600);
    read_of(1);
    first = page.items[0].seq;
    last = page.items[2].seq;
    assert_false(expire_own(NOW_MS + (SHORT_S - 1) * INT64_C(1000)));
    assert_waiting(1, 4, 5 + 4 + 9 + 7);
    assert_false(expire_own(LATER_MS));
    assert_waiting(1, 2, 4 + 7);
    read_of(1);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.bodies[0], "long");
    assert_string_equal(page.bodies[1], "an hour");
    assert_gap(2, first, last, 2);
    assert_int_equal(page.items[2].gap.reason, MAILBOX_GAP_TTL);
    assert_int_equal(page.items[2].minute, LATER_MS / 60000);
}

static void counters_match_the_rows_after_an_expiry(void **state)
{
    (void)state;
    send_to(1, "short", SHORT_S);
    send_to(1, "long", LONGEST_S);
    (void)expire_own(LATER_MS);
    temp_domain_restart(&temp);
    assert_waiting(1, 1, 4);
}

static void each_mailbox_has_its_own_gap(void **state)
{
    (void)state;
    send_to(1, "a", SHORT_S);
    send_to(2, "b", SHORT_S);
    send_to(1, "c", SHORT_S);
    (void)expire_own(LATER_MS);
    read_of(1);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].gap.count, 2);
    read_of(2);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].gap.count, 1);
    assert_int_equal(page.items[0].gap.from, page.items[0].gap.to);
    assert_waiting(1, 0, 0);
    assert_waiting(2, 0, 0);
}

static void losses_of_two_rounds_merge(void **state)
{
    (void)state;
    send_to(1, "a", SHORT_S);
    send_to(1, "b", 3600);
    (void)expire_own(LATER_MS);
    (void)expire_own(NOW_MS + INT64_C(3660000));
    read_of(1);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].gap.count, 2);
    assert_true(page.items[0].gap.from < page.items[0].gap.to);
}

static void the_longest_lived_expire_in_order_behind_a_cursor(void **state)
{
    int64_t cursor = 0;
    int64_t fresh = 0;

    (void)state;
    SKIP_ON_POSTGRES();
    send_to(1, "a", LONGEST_S);
    send_to(1, "own", 3600);
    send_to(1, "b", LONGEST_S);
    temp_domain_send_at(&temp, 1, "fresh", LONGEST_S, NOW_MS + INT64_C(3600000), &sent);
    read_of(1);
    fresh = page.items[3].seq;
    assert_false(expire_oldest(&cursor, NOW_MS));
    assert_int_equal(cursor, page.items[0].seq);
    assert_false(expire_oldest(&cursor, LAST_DAY_MS));
    assert_int_equal(cursor, fresh);
    int64_t from = page.items[0].seq;
    int64_t to = page.items[2].seq;
    read_of(1);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.bodies[0], "own");
    assert_string_equal(page.bodies[1], "fresh");
    assert_gap(2, from, to, 2);
    assert_waiting(1, 2, 3 + 5);
    assert_false(expire_oldest(&cursor, LAST_DAY_MS + INT64_C(3600000)));
    assert_waiting(1, 1, 3);
}

static void an_empty_relay_has_nothing_to_lose(void **state)
{
    int64_t cursor = 0;

    (void)state;
    assert_false(expire_own(LAST_DAY_MS));
    assert_false(expire_oldest(&cursor, LAST_DAY_MS));
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes"), 0);
}

static void count_sent(void *arg, const struct envelope_outcome *outcome)
{
    assert_int_equal(outcome->stored, 1);
    *(size_t *)arg += 1;
}

static void a_full_round_asks_for_another(void **state)
{
    struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text("x") };
    struct envelope_send send = { .ttl_s = SHORT_S, .recipients = &recipient, .count = 1 };
    size_t stored = 0;

    (void)state;
    assert_non_null(temp_domain_mailbox(&temp, 1)); /* it is in memory: each is placed at once */
    for (int i = 0; i < LOSSES_BATCH + 1; i++) {
        send.id.raw[0] = (uint8_t)(i & 0xff);
        send.id.raw[1] = (uint8_t)(i >> 8);
        envelopes_send(&temp.domain, &send, NOW_MS, count_sent, &stored);
    }
    send_to(1, "all before it are stored", 3600);
    assert_int_equal(stored, LOSSES_BATCH + 1);
    assert_true(expire_own(LATER_MS));
    assert_false(expire_own(LATER_MS));
    read_of(1);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[1].gap.count, LOSSES_BATCH + 1);
}

/* The statement that deletes a row finds nothing, as when an ack was faster. */
static void refuse_to_lose_the_newest(void)
{
    damage_break(&temp, DAMAGE_KEEP_NEWEST);
}

static void a_refused_round_loses_nothing(void **state)
{
    (void)state;
    send_to(1, "a", SHORT_S);
    send_to(1, "b", SHORT_S);
    refuse_to_lose_the_newest();
    assert_false(expire_own(LATER_MS));
    assert_waiting(1, 2, 2);
    read_of(1);
    assert_int_equal(page.count, 2);
    damage_mend(&temp);
    (void)expire_own(LATER_MS);
    read_of(1);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].gap.count, 2);
    assert_waiting(1, 0, 0);
}

static void a_refused_round_is_not_skipped_by_the_cursor(void **state)
{
    int64_t cursor = 0;

    (void)state;
    SKIP_ON_POSTGRES();
    send_to(1, "a", LONGEST_S);
    send_to(1, "b", LONGEST_S);
    temp_domain_send_at(&temp, 2, "fresh", LONGEST_S, NOW_MS + INT64_C(3600000), &sent);
    damage_break(&temp, DAMAGE_KEEP_OLDEST);
    assert_false(expire_oldest(&cursor, LAST_DAY_MS));
    assert_waiting(1, 2, 2);
    damage_mend(&temp);
    (void)expire_oldest(&cursor, LAST_DAY_MS);
    read_of(1);
    assert_int_equal(page.count, 1);
    assert_true(page.items[0].is_gap);
    assert_int_equal(page.items[0].gap.count, 2);
    assert_waiting(1, 0, 0);
}

/* Whoever is first, each envelope is either acknowledged or in the gap. */
static void an_ack_beside_an_expiry_loses_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct heard_losses heard = { false, false };
        const char body[3] = { 'a', (char)('a' + i), '\0' };
        int64_t acknowledged = 0;

        send_to(1, body, SHORT_S);
        send_to(1, body + 1, SHORT_S);
        read_of(1);
        losses_expire_own(&temp.domain, LATER_MS, hear_losses, &heard);
        acknowledged = temp_domain_ack(&temp, 1, &page.items[0].seq, 1);
        temp_store_wait(&temp.temp, &heard.done);
        (void)expire_own(LATER_MS);
        read_of(1);
        assert_int_equal(page.count, 1);
        assert_int_equal(page.items[0].gap.count, 2 - acknowledged);
        assert_waiting(1, 0, 0);
        assert_int_equal(temp_domain_ack(&temp, 1, &page.items[0].seq, 1), 1);
    }
}

static void a_device_that_leaves_beside_an_expiry_harms_nobody(void **state)
{
    struct heard_losses heard = { false, false };

    (void)state;
    send_to(1, "a", SHORT_S);
    send_to(2, "b", SHORT_S);
    losses_expire_own(&temp.domain, LATER_MS, hear_losses, &heard);
    temp_domain_remove(&temp, 1);
    temp_store_wait(&temp.temp, &heard.done);
    (void)expire_own(LATER_MS);
    assert_null(temp_domain_mailbox(&temp, 1));
    read_of(2);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].gap.count, 1);
}

static void a_stream_hears_of_the_gap_it_must_pull(void **state)
{
    static struct temp_heard heard;

    (void)state;
    SKIP_ON_POSTGRES();
    send_to(1, "a", SHORT_S);
    temp_domain_listen(&temp, 1, &heard);
    (void)expire_own(LATER_MS);
    assert_int_equal(heard.mail_count, 1);
    assert_true(heard.mails[0].is_gap);
    assert_int_equal(hub_announced(heard.stream), heard.mails[0].seq);
    read_of(1);
    assert_int_equal(page.items[0].seq, heard.mails[0].seq);
    temp_domain_unlisten(&temp, &heard);
}

static void drop_oldest_keeps_the_newest_within_the_count(void **state)
{
    int64_t first = 0;

    (void)state;
    temp.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    temp.domain.settings.mailbox_max_envelopes = 2;
    send_to(1, "a", LONGEST_S);
    read_of(1);
    first = page.items[0].seq;
    send_to(1, "b", SHORT_S);
    send_to(1, "c", LONGEST_S);
    temp_domain_wait_trimmed(&temp, 1);
    read_of(1);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.bodies[0], "b");
    assert_string_equal(page.bodies[1], "c");
    assert_gap(2, first, first, 1);
    assert_int_equal(page.items[2].gap.reason, MAILBOX_GAP_CAP);
    assert_waiting(1, 2, 2);
}

static void drop_oldest_keeps_within_the_bytes(void **state)
{
    (void)state;
    temp.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    temp.domain.settings.mailbox_max_bytes = 20;
    send_to(1, "a123456789", LONGEST_S);
    send_to(1, "b123456789", LONGEST_S);
    temp_domain_wait_trimmed(&temp, 1);
    assert_waiting(1, 2, 20);
    send_to(1, "c12345678901", LONGEST_S);
    temp_domain_wait_trimmed(&temp, 1);
    assert_waiting(1, 1, 12);
    read_of(1);
    assert_string_equal(page.bodies[0], "c12345678901");
    assert_int_equal(page.items[1].gap.count, 2);
}

/* Copies that come while the oldest are dropped must not wait for the next to come. */
static void drop_oldest_ends_within_the_caps(void **state)
{
    struct envelope_recipient recipient = { temp_domain_pub(1), bytes_text("x") };
    struct envelope_send send = { .ttl_s = 3600, .recipients = &recipient, .count = 1 };
    size_t stored = 0;

    (void)state;
    temp.domain.settings.overflow = DOMAIN_DROP_OLDEST;
    temp.domain.settings.mailbox_max_envelopes = 3;
    for (int i = 0; i < LOSSES_BATCH + 50; i++) {
        send.id.raw[0] = (uint8_t)(i & 0xff);
        send.id.raw[1] = (uint8_t)(i >> 8);
        envelopes_send(&temp.domain, &send, NOW_MS, count_sent, &stored);
        if (i % 3 == 0) {
            loop_turn(temp.temp.loop, 0);
        }
    }
    while (stored < LOSSES_BATCH + 50) {
        loop_turn(temp.temp.loop, 100);
    }
    temp_domain_wait_trimmed(&temp, 1);
    assert_waiting(1, 3, 3);
    read_of(1);
    int64_t lost = 0;
    for (size_t i = 0; i < page.count; i++) {
        lost += page.items[i].is_gap ? page.items[i].gap.count : 0;
    }
    assert_int_equal(lost, LOSSES_BATCH + 47);
}

static void nothing_is_trimmed_where_new_mail_is_refused(void **state)
{
    (void)state;
    send_to(1, "a", LONGEST_S);
    send_to(1, "b", LONGEST_S);
    temp.domain.settings.mailbox_max_envelopes = 1;
    losses_trim(&temp.domain, temp_domain_mailbox(&temp, 1), NOW_MS);
    assert_false(temp_domain_mailbox(&temp, 1)->trimming);
    assert_waiting(1, 2, 2);
}

int main(void)
{
#define LOSS_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LOSS_TEST(an_envelope_past_its_own_life_leaves_a_gap),
        LOSS_TEST(counters_match_the_rows_after_an_expiry),
        LOSS_TEST(each_mailbox_has_its_own_gap),
        LOSS_TEST(losses_of_two_rounds_merge),
        LOSS_TEST(the_longest_lived_expire_in_order_behind_a_cursor),
        LOSS_TEST(an_empty_relay_has_nothing_to_lose),
        LOSS_TEST(a_full_round_asks_for_another),
        LOSS_TEST(a_refused_round_loses_nothing),
        LOSS_TEST(a_refused_round_is_not_skipped_by_the_cursor),
        LOSS_TEST(an_ack_beside_an_expiry_loses_nothing),
        LOSS_TEST(a_device_that_leaves_beside_an_expiry_harms_nobody),
        LOSS_TEST(a_stream_hears_of_the_gap_it_must_pull),
        LOSS_TEST(drop_oldest_keeps_the_newest_within_the_count),
        LOSS_TEST(drop_oldest_keeps_within_the_bytes),
        LOSS_TEST(drop_oldest_ends_within_the_caps),
        LOSS_TEST(nothing_is_trimmed_where_new_mail_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
