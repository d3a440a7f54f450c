/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/commits.h"

#include "common/bytes.h"
#include "common/tlsvec.h"
#include "server/domain/commands.h"
#include "server/domain/mailboxes.h"
#include "tests/support/unit.h"

enum {
    PEOPLE = 4, /* devices 1 to 4, each of an account of its own; 1 sends */
};

struct temp_domain commits_temp;
static int64_t command_seq;

int commits_set_up(void **state)
{
    (void)state;
    temp_domain_open(&commits_temp);
    for (uint32_t n = 1; n <= PEOPLE; n++) {
        temp_domain_device(&commits_temp, n, n);
    }
    command_seq = 1;
    return 0;
}

int commits_tear_down(void **state)
{
    (void)state;
    temp_domain_close(&commits_temp);
    return 0;
}

void commits_message(struct buf *out, const char *name, uint64_t epoch, uint8_t content_type,
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

void commits_hear(void *arg, const struct mls_outcome *outcome)
{
    struct heard_commit *heard = arg;

    assert_false(heard->done);
    *heard = (struct heard_commit){ .done = true,
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

void commits_start(struct temp_domain *by, const struct commit_attempt *attempt, int64_t now_ms,
                   struct heard_commit *heard)
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

    commits_message(&message, attempt->group, attempt->epoch, 3, attempt->letter);
    order.message = buf_view(&message);
    if (attempt->welcomed) {
        make_welcome(&welcome);
        order.welcome = buf_view(&welcome);
    }
    *heard = (struct heard_commit){ .done = false };
    mls_groups_commit(&by->domain, &order, now_ms, commits_hear, heard);
    buf_clear(&message);
    buf_clear(&welcome);
}

struct heard_commit commits_make_at(const struct commit_attempt *attempt, int64_t now_ms)
{
    struct heard_commit heard;

    commits_start(&commits_temp, attempt, now_ms, &heard);
    temp_store_wait(&commits_temp.temp, &heard.done);
    return heard;
}

struct heard_commit commits_make(const char *group, uint64_t epoch, char letter)
{
    return commits_make_at(
        &(struct commit_attempt){ .group = group, .epoch = epoch, .letter = letter },
        TEMP_DOMAIN_NOW_MS);
}

struct heard_commit commits_reset_with(uint32_t n, int64_t epoch, const uint8_t *digest,
                                       int64_t seq)
{
    struct command_guard guard = { .mailbox = temp_domain_mailbox(&commits_temp, n)->number,
                                   .seq = seq };
    const struct mls_reset order = { .group_id = bytes_text("group"),
                                     .epoch = epoch,
                                     .commit = digest,
                                     .device_pub = temp_domain_pub(n),
                                     .guard = &guard };
    struct heard_commit heard = { .done = false };

    mls_groups_reset(&commits_temp.domain, &order, TEMP_DOMAIN_NOW_MS, commits_hear, &heard);
    temp_store_wait(&commits_temp.temp, &heard.done);
    return heard;
}

struct heard_commit commits_reset_by(uint32_t n, int64_t epoch)
{
    return commits_reset_with(n, epoch, NULL, command_seq++);
}

void commits_is_taken(const struct heard_commit *heard, int64_t epoch, size_t stored)
{
    assert_int_equal(heard->result, MLS_SENT);
    assert_int_equal(heard->sent, ENVELOPE_STORED);
    assert_int_equal(heard->epoch, epoch);
    assert_int_equal(heard->stored, stored);
}
