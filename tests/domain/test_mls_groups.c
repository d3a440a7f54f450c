/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "common/tlsvec.h"
#include "server/domain/commands.h"
#include "server/domain/limits.h"
#include "server/domain/mailboxes.h"
#include "server/domain/mls_groups.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS
#define DAYS(count) ((count)*INT64_C(86400000))
#define GROUPS "SELECT count(*) FROM mls_groups"
#define MAIL "SELECT count(*) FROM envelopes WHERE kind = 0"

enum {
    PEOPLE = 4, /* devices 1 to 4, each of an account of its own; 1 sends */
};

static struct temp_domain temp;
static int64_t command_seq;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    for (uint32_t n = 1; n <= PEOPLE; n++) {
        temp_domain_device(&temp, n, n);
    }
    command_seq = 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

/* A PrivateMessage of a group whose id is name; letter makes it another one. */
static void make_message(struct buf *out, const char *name, uint64_t epoch, uint8_t content_type,
                         char letter)
{
    buf_empty(out);
    buf_append_u16(out, 1);
    buf_append_u16(out, 2);
    tlsvec_append(out, bytes_text(name));
    buf_append_u64(out, epoch);
    buf_append_u8(out, content_type);
    tlsvec_append(out, bytes_text(""));
    tlsvec_append(out, bytes_text("sender"));
    tlsvec_append(out, bytes_of(&letter, 1));
}

static void make_welcome(struct buf *out)
{
    struct buf secrets = { 0 };
    static const uint8_t reference[32] = { 5 };

    tlsvec_append(&secrets, bytes_of(reference, sizeof reference));
    tlsvec_append(&secrets, bytes_text("kem"));
    tlsvec_append(&secrets, bytes_text("sealed"));
    buf_append_u16(out, 1);
    buf_append_u16(out, 3);
    buf_append_u16(out, 1);
    tlsvec_append(out, buf_view(&secrets));
    tlsvec_append(out, bytes_text("info"));
    buf_clear(&secrets);
}

struct heard {
    bool done;
    enum mls_result result;
    int64_t epoch;
    int64_t last_seq;
    int retry_s;
    const char *member;
    enum envelope_result sent;
    size_t stored, duplicates, full, unknown;
};

static void hear(void *arg, const struct mls_outcome *outcome)
{
    struct heard *heard = arg;

    assert_false(heard->done);
    *heard = (struct heard){ .done = true,
                             .result = outcome->result,
                             .epoch = outcome->epoch,
                             .last_seq = outcome->last_seq,
                             .retry_s = outcome->retry_s,
                             .member = outcome->member };
    if (outcome->sent != NULL) {
        heard->sent = outcome->sent->result;
        heard->stored = outcome->sent->stored;
        heard->duplicates = outcome->sent->duplicates.count;
        heard->full = outcome->sent->full.count;
        heard->unknown = outcome->sent->unknown.count;
    }
}

/* A commit of device 1 to the devices 2 and 3, and its Welcome, when it has one, to 4. */
struct attempt {
    const char *group;
    uint64_t epoch;
    char letter;
    bool welcomed;
    bool alone; /* to nobody */
};

static void commit_start(struct temp_domain *by, const struct attempt *attempt, int64_t now_ms,
                         struct heard *heard)
{
    const struct device_pub recipients[] = { temp_domain_pub(2), temp_domain_pub(3) };
    const struct device_pub added = temp_domain_pub(4);
    struct buf message = { 0 };
    struct buf welcome = { 0 };
    struct mls_commit order = { .id = { { 7 } },
                                .ttl_s = 2592000,
                                .recipients = recipients,
                                .recipient_count = attempt->alone ? 0 : 2,
                                .welcome_recipients = &added,
                                .welcome_recipient_count = attempt->welcomed ? 1 : 0,
                                .sender = temp_domain_pub(1) };

    make_message(&message, attempt->group, attempt->epoch, 3, attempt->letter);
    order.message = buf_view(&message);
    if (attempt->welcomed) {
        make_welcome(&welcome);
        order.welcome = buf_view(&welcome);
    }
    *heard = (struct heard){ .done = false };
    mls_groups_commit(&by->domain, &order, now_ms, hear, heard);
    buf_clear(&message);
    buf_clear(&welcome);
}

static struct heard commit_at(const struct attempt *attempt, int64_t now_ms)
{
    struct heard heard;

    commit_start(&temp, attempt, now_ms, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    return heard;
}

static struct heard commit(const char *group, uint64_t epoch, char letter)
{
    return commit_at(&(struct attempt){ .group = group, .epoch = epoch, .letter = letter }, NOW_MS);
}

static struct heard reset_with(uint32_t n, int64_t epoch, const uint8_t *digest, int64_t seq)
{
    struct command_guard guard = { .mailbox = temp_domain_mailbox(&temp, n)->number, .seq = seq };
    const struct mls_reset order = { .group_id = bytes_text("group"),
                                     .epoch = epoch,
                                     .commit = digest,
                                     .device_pub = temp_domain_pub(n),
                                     .guard = &guard };
    struct heard heard = { .done = false };

    mls_groups_reset(&temp.domain, &order, NOW_MS, hear, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    return heard;
}

static struct heard reset_by(uint32_t n, int64_t epoch)
{
    return reset_with(n, epoch, NULL, command_seq++);
}

static void is_taken(const struct heard *heard, int64_t epoch, size_t stored)
{
    assert_int_equal(heard->result, MLS_SENT);
    assert_int_equal(heard->sent, ENVELOPE_STORED);
    assert_int_equal(heard->epoch, epoch);
    assert_int_equal(heard->stored, stored);
}

static void a_commit_is_stored_with_its_welcome_and_puts_the_epoch(void **state)
{
    struct heard heard = commit_at(
        &(struct attempt){ .group = "group", .epoch = 5, .letter = 'a', .welcomed = true }, NOW_MS);

    (void)state;
    is_taken(&heard, 6, 3);
    assert_int_equal(scene_count(&temp, MAIL), 3);
    assert_int_equal(scene_count(&temp, "SELECT epoch FROM mls_groups"), 6);
    heard = commit("group", 6, 'b');
    is_taken(&heard, 7, 2);
}

static void another_commit_of_the_same_epoch_is_nowhere(void **state)
{
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    is_taken(&heard, 6, 2);
    heard = commit("group", 5, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
    heard = commit("group", 7, 'c');
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
    assert_int_equal(scene_count(&temp, MAIL), 2);
}

static void the_same_commit_again_is_answered_and_not_copied(void **state)
{
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    is_taken(&heard, 6, 2);
    temp_domain_restart(&temp);
    heard = commit("group", 5, 'a');
    is_taken(&heard, 6, 0);
    assert_int_equal(heard.duplicates, 2);
    assert_int_equal(scene_count(&temp, MAIL), 2);
    heard = commit("group", 6, 'b');
    is_taken(&heard, 7, 2);
    heard = commit("group", 5, 'a'); /* it is not the last one any more */
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 7);
}

static void of_commits_at_once_one_is_taken(void **state)
{
    struct heard heard[3];
    int taken = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        commit_start(&temp,
                     &(struct attempt){ .group = "group", .epoch = 5, .letter = (char)('a' + i) },
                     NOW_MS, &heard[i]);
    }
    for (int i = 0; i < 3; i++) {
        temp_store_wait(&temp.temp, &heard[i].done);
        taken += heard[i].result == MLS_SENT ? 1 : 0;
        assert_int_equal(heard[i].epoch, 6);
        assert_true(heard[i].result == MLS_SENT || heard[i].result == MLS_CONFLICT);
    }
    assert_int_equal(taken, 1);
    assert_int_equal(scene_count(&temp, MAIL), 2);
}

static void of_commits_at_two_daemons_one_is_taken(void **state)
{
    struct temp_domain beside;
    struct heard heard[2];

    (void)state;
    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &temp);
    for (uint64_t epoch = 0; epoch < 10; epoch++) {
        commit_start(&temp, &(struct attempt){ .group = "group", .epoch = epoch, .letter = 'a' },
                     NOW_MS, &heard[0]);
        commit_start(&beside, &(struct attempt){ .group = "group", .epoch = epoch, .letter = 'b' },
                     NOW_MS, &heard[1]);
        temp_store_wait(&temp.temp, &heard[0].done);
        temp_store_wait(&beside.temp, &heard[1].done);
        assert_int_equal((heard[0].result == MLS_SENT) + (heard[1].result == MLS_SENT), 1);
        assert_int_equal((heard[0].result == MLS_CONFLICT) + (heard[1].result == MLS_CONFLICT), 1);
        assert_int_equal(scene_count(&temp, MAIL), 2 * ((int64_t)epoch + 1));
    }
    temp_domain_close(&beside);
}

static void a_commit_to_an_unknown_device_puts_no_epoch(void **state)
{
    struct heard heard;

    (void)state;
    temp_domain_remove(&temp, 3);
    heard = commit("group", 5, 'a');
    assert_int_equal(heard.result, MLS_SENT);
    assert_int_equal(heard.sent, ENVELOPE_UNKNOWN);
    assert_int_equal(heard.unknown, 1);
    assert_int_equal(scene_count(&temp, GROUPS), 0);
    assert_int_equal(scene_count(&temp, MAIL), 0);
}

static void a_commit_counts_where_every_mailbox_is_full(void **state)
{
    struct heard heard;

    (void)state;
    temp.domain.settings.mailbox_max_envelopes = 1;
    heard = commit("other", 0, 'x');
    is_taken(&heard, 1, 2);
    heard = commit("group", 5, 'a');
    is_taken(&heard, 6, 0);
    assert_int_equal(heard.full, 2);
    heard = commit("group", 5, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
}

static void a_group_of_one_commits_to_nobody(void **state)
{
    const struct attempt alone = { .group = "group", .epoch = 0, .letter = 'a', .alone = true };
    struct heard heard = commit_at(&alone, NOW_MS);

    (void)state;
    is_taken(&heard, 1, 0);
    heard = commit_at(&alone, NOW_MS);
    is_taken(&heard, 1, 0);
    heard = commit("group", 0, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
}

static void groups_do_not_disturb_each_other(void **state)
{
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    is_taken(&heard, 6, 2);
    heard = commit("group2", 9, 'a');
    is_taken(&heard, 10, 2);
    heard = commit("group", 6, 'b');
    is_taken(&heard, 7, 2);
    assert_int_equal(scene_count(&temp, GROUPS), 2);
}

static void what_is_no_commit_is_refused(void **state)
{
    static const uint8_t application = 1;
    struct buf message = { 0 };
    struct heard heard = { .done = false };
    struct mls_commit order = { .ttl_s = 60, .sender = temp_domain_pub(1) };

    (void)state;
    make_message(&message, "group", 5, application, 'a');
    order.message = buf_view(&message);
    mls_groups_commit(&temp.domain, &order, NOW_MS, hear, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.result, MLS_INVALID);
    assert_string_equal(heard.member, "commit");

    make_message(&message, "", 5, 3, 'a');
    heard.done = false;
    order.message = buf_view(&message);
    mls_groups_commit(&temp.domain, &order, NOW_MS, hear, &heard);
    assert_int_equal(heard.result, MLS_INVALID);

    make_message(&message, "group", UINT64_MAX, 3, 'a');
    heard.done = false;
    order.message = buf_view(&message);
    mls_groups_commit(&temp.domain, &order, NOW_MS, hear, &heard);
    assert_int_equal(heard.result, MLS_INVALID);

    make_message(&message, "group", 5, 3, 'a');
    heard.done = false;
    order.message = buf_view(&message);
    order.welcome = order.message;
    mls_groups_commit(&temp.domain, &order, NOW_MS, hear, &heard);
    assert_int_equal(heard.result, MLS_INVALID);
    assert_string_equal(heard.member, "welcome");
    assert_int_equal(scene_count(&temp, GROUPS), 0);
    buf_clear(&message);
}

static void a_device_begins_so_many_groups(void **state)
{
    struct heard heard;

    (void)state;
    limits_set(temp.domain.limits, LIMITS_GROUPS, 2);
    heard = commit("one", 0, 'a');
    is_taken(&heard, 1, 2);
    heard = commit("two", 0, 'a');
    is_taken(&heard, 1, 2);
    heard = commit("three", 0, 'a');
    assert_int_equal(heard.result, MLS_RATE_LIMITED);
    assert_true(heard.retry_s > 0);
    heard = commit("two", 1, 'b');
    is_taken(&heard, 2, 2);
}

static void whoever_was_sent_the_last_commit_puts_the_epoch(void **state)
{
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    heard = reset_by(2, 5);
    assert_int_equal(heard.result, MLS_SENT);
    assert_int_equal(heard.epoch, 5);
    heard = commit("group", 5, 'b');
    is_taken(&heard, 6, 2);
    heard = reset_by(1, 9); /* and whoever sent it; also on, where the relay lost some */
    assert_int_equal(heard.result, MLS_SENT);
    heard = commit("group", 9, 'c');
    is_taken(&heard, 10, 2);
}

static void a_stranger_resets_nothing_and_hears_nothing(void **state)
{
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    heard = reset_by(4, 5);
    assert_int_equal(heard.result, MLS_UNKNOWN);
    heard = commit("group", 5, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
}

static void no_group_is_reset_that_is_not_ordered(void **state)
{
    struct heard heard = reset_by(1, 5);

    (void)state;
    assert_int_equal(heard.result, MLS_UNKNOWN);
    assert_int_equal(scene_count(&temp, GROUPS), 0);
}

static void a_reset_that_names_a_commit_undoes_that_one_alone(void **state)
{
    struct buf message = { 0 };
    uint8_t digest[CRYPTO_SHA256_BYTES];
    struct bytes part;
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    make_message(&message, "group", 5, 3, 'a');
    part = buf_view(&message);
    crypto_sha256(&part, 1, digest);
    heard = reset_with(2, 5, digest, 1);
    assert_int_equal(heard.result, MLS_SENT);
    heard = commit("group", 5, 'b');
    is_taken(&heard, 6, 2);
    heard = reset_with(3, 5, digest, 1); /* it had not heard of the first */
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
    buf_clear(&message);
}

static void a_command_resets_once(void **state)
{
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    heard = reset_with(2, 5, NULL, 50);
    assert_int_equal(heard.result, MLS_SENT);
    heard = commit("group", 5, 'b');
    heard = reset_with(2, 5, NULL, 50);
    assert_int_equal(heard.result, MLS_REPLAYED);
    assert_int_equal(heard.last_seq, 50);
    heard = commit("group", 6, 'c');
    is_taken(&heard, 7, 2);
}

static void a_group_without_commits_is_forgotten(void **state)
{
    struct heard_purge purge = { 0 };
    struct heard heard = commit("group", 5, 'a');

    (void)state;
    mls_groups_purge(&temp.domain, NOW_MS + DAYS(90), scene_hear_purge, &purge);
    temp_store_wait(&temp.temp, &purge.done);
    assert_int_equal(purge.row_count, 0);
    purge.done = false;
    mls_groups_purge(&temp.domain, NOW_MS + DAYS(91), scene_hear_purge, &purge);
    temp_store_wait(&temp.temp, &purge.done);
    assert_int_equal(purge.row_count, 1);
    heard = commit("group", 5, 'b');
    is_taken(&heard, 6, 2);
}

static void ordinary_mail_leaves_no_trace_of_a_group(void **state)
{
    static struct temp_sent sent;
    struct heard heard;

    (void)state;
    temp_domain_send(&temp, 2, 9, "a message of a group", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(scene_count(&temp, GROUPS), 0);
    heard = commit("group", 5, 'a');
    is_taken(&heard, 6, 2);
    damage_run(&temp,
               "DELETE FROM mls_groups WHERE instr(group_hash, CAST('group' AS BLOB)) > 0"
               " OR instr(members, CAST('group' AS BLOB)) > 0",
               "DELETE FROM mls_groups WHERE position('group'::bytea IN group_hash) > 0"
               " OR position('group'::bytea IN members) > 0");
    assert_int_equal(scene_count(&temp, GROUPS), 1);
}

static void a_commit_that_the_disk_refuses_puts_no_epoch(void **state)
{
    struct heard heard;

    (void)state;
    damage_run(&temp,
               "CREATE TRIGGER broken BEFORE INSERT ON envelopes BEGIN SELECT RAISE(ABORT, 'no'); "
               "END",
               "ALTER TABLE envelopes ADD CONSTRAINT broken CHECK (kind > 1) NOT VALID");
    heard = commit("group", 5, 'a');
    assert_int_equal(heard.result, MLS_SENT);
    assert_int_equal(heard.sent, ENVELOPE_UNAVAILABLE);
    assert_int_equal(scene_count(&temp, GROUPS), 0);
    damage_run(&temp, "DROP TRIGGER broken", "ALTER TABLE envelopes DROP CONSTRAINT broken");
    heard = commit("group", 5, 'a');
    is_taken(&heard, 6, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_commit_is_stored_with_its_welcome_and_puts_the_epoch),
        TEST(another_commit_of_the_same_epoch_is_nowhere),
        TEST(the_same_commit_again_is_answered_and_not_copied),
        TEST(of_commits_at_once_one_is_taken),
        TEST(of_commits_at_two_daemons_one_is_taken),
        TEST(a_commit_to_an_unknown_device_puts_no_epoch),
        TEST(a_commit_counts_where_every_mailbox_is_full),
        TEST(a_group_of_one_commits_to_nobody),
        TEST(groups_do_not_disturb_each_other),
        TEST(what_is_no_commit_is_refused),
        TEST(a_device_begins_so_many_groups),
        TEST(whoever_was_sent_the_last_commit_puts_the_epoch),
        TEST(a_stranger_resets_nothing_and_hears_nothing),
        TEST(no_group_is_reset_that_is_not_ordered),
        TEST(a_reset_that_names_a_commit_undoes_that_one_alone),
        TEST(a_command_resets_once),
        TEST(a_group_without_commits_is_forgotten),
        TEST(ordinary_mail_leaves_no_trace_of_a_group),
        TEST(a_commit_that_the_disk_refuses_puts_no_epoch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
