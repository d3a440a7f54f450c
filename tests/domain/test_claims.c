/* SPDX-License-Identifier: Apache-2.0 */
/* One stream a device over two daemons, and what wakes it. */
#include <stdlib.h>
#include <string.h>

#include "common/loop.h"
#include "server/domain/claims.h"
#include "server/domain/hub.h"
#include "server/store/store.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS

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

struct taken {
    size_t done;
    enum claims_result result;
    struct claim *claim;
};

static void on_taken(void *arg, enum claims_result result, struct claim *claim)
{
    struct taken *taken = arg;

    taken->done++;
    taken->result = result;
    taken->claim = claim;
}

/* Open a stream of device 1, as the api does. */
static struct taken join(struct temp_domain *temp, struct temp_heard *heard)
{
    struct taken taken = { 0 };
    uint8_t token_hash[32] = { 1 };

    claims_take(&temp->domain, temp_domain_mailbox(temp, 1), token_hash, on_taken, &taken);
    turn_until(&taken.done, 1);
    assert_int_equal(taken.result, CLAIMS_TAKEN);
    temp_domain_listen(temp, 1, heard);
    return taken;
}

static void leave(struct temp_domain *temp, struct taken *taken, struct temp_heard *heard)
{
    temp_domain_unlisten(temp, heard);
    claims_release(&temp->domain, taken->claim);
}

static void what_the_other_daemon_took_wakes_a_stream(void **state)
{
    static struct temp_heard heard;
    struct taken taken;

    (void)state;
    TWO_DAEMONS();
    taken = join(&here, &heard);
    temp_domain_send(&there, 1, 1, "body", &sent);
    turn_until(&heard.mail_count, 1);
    assert_true(heard.mails[0].is_gap); /* it is to look */
    assert_int_equal(hub_woken(heard.stream), 1);
    leave(&here, &taken, &heard);
}

/* A number tells what stood before, so a stream knows whether it may send from memory. */
static void what_is_announced_names_what_was_given_before_it(void **state)
{
    static struct temp_heard heard;
    struct taken taken;

    (void)state;
    TWO_DAEMONS();
    taken = join(&here, &heard);
    temp_domain_send(&here, 1, 1, "mine", &sent);
    temp_domain_send(&there, 1, 2, "another's", &sent);
    temp_domain_send(&here, 1, 3, "mine", &sent);
    while (heard.mail_count < 3) {
        loop_turn(here.temp.loop, 100);
    }
    read_at(&here);
    for (size_t i = 0; i < heard.mail_count; i++) {
        const struct hub_mail *mail = &heard.mails[i];
        if (!mail->is_gap && mail->seq == page.items[2].seq) {
            assert_int_equal(mail->before, page.items[1].seq);
        }
    }
    leave(&here, &taken, &heard);
}

static void a_stream_at_the_other_daemon_replaces_this_one(void **state)
{
    static struct temp_heard first;
    static struct temp_heard second;
    struct taken older;
    struct taken newer;

    (void)state;
    TWO_DAEMONS();
    older = join(&here, &first);
    newer = join(&there, &second);
    turn_until(&first.end_count, 1);
    assert_int_equal(first.end, HUB_END_REPLACED);
    assert_int_equal(second.end_count, 0);
    leave(&here, &older, &first);
    leave(&there, &newer, &second);
}

static void nobody_has_the_place_of_a_device_that_left(void **state)
{
    struct taken taken = { 0 };
    uint8_t token_hash[32] = { 1 };
    struct mailbox *mailbox = NULL;

    (void)state;
    TWO_DAEMONS();
    mailbox = temp_domain_mailbox(&here, 1);
    temp_domain_remove(&there, 1);
    claims_take(&here.domain, mailbox, token_hash, on_taken, &taken);
    turn_until(&taken.done, 1);
    assert_int_equal(taken.result, CLAIMS_GONE);
    assert_null(taken.claim);
}

static void a_look_at_every_mailbox_finds_mail_and_newer_streams(void **state)
{
    static struct temp_heard first;
    static struct temp_heard second;
    struct taken older;
    struct taken newer;

    (void)state;
    TWO_DAEMONS();
    older = join(&here, &first);
    store_set_news(here.domain.store, NULL, NULL); /* nothing is heard any more */
    temp_domain_send(&there, 1, 1, "body", &sent);
    claims_check_all(&here.domain);
    turn_until(&first.mail_count, 1);
    newer = join(&there, &second);
    claims_check_all(&here.domain);
    turn_until(&first.end_count, 1);
    assert_int_equal(first.end, HUB_END_REPLACED);
    leave(&here, &older, &first);
    leave(&there, &newer, &second);
}

static void what_was_acknowledged_at_the_other_daemon_is_told(void **state)
{
    static struct temp_heard heard;
    struct taken taken;
    int64_t first = 0;

    (void)state;
    TWO_DAEMONS();
    taken = join(&here, &heard);
    temp_domain_send(&here, 1, 1, "one", &sent);
    temp_domain_send(&here, 1, 2, "two", &sent);
    read_at(&here);
    first = page.items[0].seq;
    assert_int_equal(temp_domain_ack(&there, 1, &first, 1), 1);
    while (heard.waiting.up_to == 0) {
        loop_turn(here.temp.loop, 100);
    }
    assert_int_equal(heard.waiting.count, 1);
    assert_int_equal(heard.waiting.seqs[0], page.items[1].seq);
    leave(&here, &taken, &heard);
}

static struct claim *take(uint32_t n)
{
    const uint8_t token_hash[32] = { (uint8_t)n };
    struct taken taken = { 0 };

    claims_take(&here.domain, temp_domain_mailbox(&here, n), token_hash, on_taken, &taken);
    turn_until(&taken.done, 1);
    assert_int_equal(taken.result, CLAIMS_TAKEN);
    return taken.claim;
}

/* Say which devices of an account (0: of all) have a stream here, a bit each. */
static uint32_t present(int64_t account)
{
    struct claim_view *views = NULL;
    size_t count = account == 0 ? claims_of_all(&here.domain, &views)
                                : claims_of_account(&here.domain, account, &views);
    uint32_t bits = 0;

    for (uint32_t n = 1; n <= 3; n++) {
        const struct device_pub pub = temp_domain_pub(n);
        for (size_t i = 0; i < count; i++) {
            bits |= memcmp(&pub, &views[i].pub, sizeof pub) == 0 ? UINT32_C(1) << n : 0;
        }
    }
    free(views);
    return bits;
}

static void the_streams_of_an_account_are_known(void **state)
{
    struct claim *claims[5] = { NULL };

    (void)state;
    TWO_DAEMONS();
    temp_domain_device(&here, 1, 2);
    temp_domain_device(&here, 2, 3);
    assert_false(claims_has_account(&here.domain, 1));
    claims[1] = take(1);
    claims[2] = take(2);
    claims[3] = take(3);
    claims[4] = take(1); /* the device came again: the one before is out */
    assert_int_equal(present(1), 0x6);
    assert_int_equal(present(2), 0x8);
    assert_int_equal(present(0), 0xe);
    claims_release(&here.domain, claims[1]);
    claims_release(&here.domain, claims[2]);
    assert_int_equal(present(1), 0x2);
    claims_release(&here.domain, claims[4]);
    assert_int_equal(present(1), 0);
    assert_false(claims_has_account(&here.domain, 1));
    assert_true(claims_has_account(&here.domain, 2));
    claims_release(&here.domain, claims[3]);
    assert_int_equal(present(0), 0);
}

/* Where the store is not shared, there is nothing to claim. */
static void a_place_is_taken_at_once_where_there_is_one_daemon(void **state)
{
    struct taken taken = { 0 };
    uint8_t token_hash[32] = { 1 };

    (void)state;
    if (temp_store_is_shared()) {
        skip();
    }
    temp_domain_open(&here);
    temp_domain_device(&here, 1, 1);
    claims_take(&here.domain, temp_domain_mailbox(&here, 1), token_hash, on_taken, &taken);
    assert_int_equal(taken.done, 1);
    assert_int_equal(taken.result, CLAIMS_TAKEN);
    assert_null(taken.claim);
    claims_release(&here.domain, taken.claim);
    temp_domain_close(&here);
}

int main(void)
{
#define CLAIM_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM_TEST(what_the_other_daemon_took_wakes_a_stream),
        CLAIM_TEST(what_is_announced_names_what_was_given_before_it),
        CLAIM_TEST(a_stream_at_the_other_daemon_replaces_this_one),
        CLAIM_TEST(nobody_has_the_place_of_a_device_that_left),
        CLAIM_TEST(a_look_at_every_mailbox_finds_mail_and_newer_streams),
        CLAIM_TEST(what_was_acknowledged_at_the_other_daemon_is_told),
        CLAIM_TEST(the_streams_of_an_account_are_known),
        cmocka_unit_test(a_place_is_taken_at_once_where_there_is_one_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
