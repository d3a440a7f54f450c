/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit is a send that one more statement rides with: it puts the group from
 * the commit's epoch to the next, and refuses the whole batch when the group is
 * at another.  The group is read first, so that what comes too late, as most do
 * in a race, costs no write; and again when the write was refused.
 *
 *   READ -> answer   (another epoch, a repeat, too many groups)
 *        -> SEND -> answer
 *                -> READ (overtaken) -> answer
 */
#include "server/domain/mls_groups.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/mlsmessage.h"
#include "server/domain/envelopes.h"
#include "server/domain/limits.h"
#include "server/domain/mls_groups_sql.h"
#include "server/store/store.h"

enum {
    READS_MAX = 4, /* a group that is forgotten and begun again meanwhile */
};

struct commit {
    struct domain *domain;
    struct envelope_send send;
    struct envelope_recipient *recipients; /* of the commit, then of the Welcome */
    struct device_pub *pubs;               /* theirs */
    struct buf bodies;                     /* both messages */
    struct buf members;
    struct mls_hash group;
    struct mls_hash hash;
    int64_t epoch;
    int64_t now_ms;
    int reads;
    bool charged;
    mls_done_fn *done;
    void *arg;
};

/* The NUL that ends a label is part of it. */
static const char group_label[] = "sealpost/mls-group/1";
static const char commit_label[] = "sealpost/mls-commit/1";
static const char member_label[] = "sealpost/mls-member/1";

static void commit_read(struct commit *commit);

static struct bytes key_of(const struct domain *domain)
{
    return bytes_of(domain->keys.index, sizeof domain->keys.index);
}

void mls_groups_hash(const struct domain *domain, struct bytes group_id, struct mls_hash *out)
{
    const struct bytes parts[] = { bytes_of(group_label, sizeof group_label), group_id };

    crypto_hmac(key_of(domain), parts, 2, out->raw);
}

void mls_groups_commit_hash(const struct domain *domain, const uint8_t digest[CRYPTO_SHA256_BYTES],
                            struct mls_hash *out)
{
    const struct bytes parts[] = { bytes_of(commit_label, sizeof commit_label),
                                   bytes_of(digest, CRYPTO_SHA256_BYTES) };

    crypto_hmac(key_of(domain), parts, 2, out->raw);
}

void mls_groups_member(const struct domain *domain, const struct mls_hash *group,
                       const struct device_pub *pub, uint8_t out[MLS_MEMBER_BYTES])
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    const struct bytes parts[] = { bytes_of(member_label, sizeof member_label),
                                   bytes_of(group->raw, sizeof group->raw),
                                   bytes_of(pub->raw, sizeof pub->raw) };

    crypto_hmac(key_of(domain), parts, 3, hash);
    memcpy(out, hash, MLS_MEMBER_BYTES);
}

/* Tell the outcome; it is the last to use commit. */
static void finish(struct commit *commit, const struct mls_outcome *outcome)
{
    commit->done(commit->arg, outcome);
    free(commit->recipients);
    free(commit->pubs);
    buf_clear(&commit->bodies);
    buf_clear(&commit->members);
    free(commit);
}

static void finish_with(struct commit *commit, enum mls_result result)
{
    finish(commit, &(struct mls_outcome){ .result = result });
}

static void finish_in_conflict(struct commit *commit, int64_t epoch)
{
    metrics_add(METRIC_mls_conflicts, 1);
    finish(commit, &(struct mls_outcome){ .result = MLS_CONFLICT, .epoch = epoch });
}

/* The commit stands already: answer as if each copy had come again. */
static void finish_repeated(struct commit *commit, int64_t epoch)
{
    const struct envelope_outcome sent = {
        .result = ENVELOPE_STORED,
        .duplicates = { commit->pubs, commit->send.count },
    };

    finish(commit, &(struct mls_outcome){ .result = MLS_SENT, .epoch = epoch, .sent = &sent });
}

static void ride(void *arg, struct store_batch *batch)
{
    const struct commit *commit = arg;

    mls_groups_sql_advance(batch, &(struct mls_groups_step){
                                      .group = &commit->group,
                                      .commit = &commit->hash,
                                      .epoch = commit->epoch,
                                      .members = buf_view(&commit->members),
                                      .today = commit->now_ms / DOMAIN_DAY_MS,
                                  });
}

static void on_sent(void *arg, const struct envelope_outcome *sent)
{
    struct commit *commit = arg;

    if (sent->result == ENVELOPE_OVERTAKEN) {
        commit_read(commit);
        return;
    }
    if (sent->result == ENVELOPE_STORED) {
        metrics_add(METRIC_mls_commits, 1);
    }
    finish(commit,
           &(struct mls_outcome){ .result = MLS_SENT, .epoch = commit->epoch + 1, .sent = sent });
}

/* False when the device began as many groups as it may, and was told. */
static bool may_begin(struct commit *commit)
{
    const struct limits_ask ask = {
        .class = LIMITS_GROUPS,
        .name = bytes_of(commit->send.sender.raw, sizeof commit->send.sender.raw),
        .tokens = 1,
    };
    int wait_s = commit->charged ? 0 : limits_take(commit->domain->limits, &ask, 1, commit->now_ms);

    commit->charged = true;
    if (wait_s > 0) {
        finish(commit, &(struct mls_outcome){ .result = MLS_RATE_LIMITED, .retry_s = wait_s });
    }
    return wait_s == 0;
}

static bool is_repeat(const struct commit *commit, const struct mls_groups_row *row)
{
    return row->epoch == commit->epoch + 1 && row->commit_known &&
           memcmp(row->commit.raw, commit->hash.raw, sizeof row->commit.raw) == 0;
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct commit *commit = arg;
    struct mls_groups_row row;
    bool known = status == STORE_OK && mls_groups_sql_row(rows, &row);

    if (status != STORE_OK) {
        finish_with(commit, MLS_UNAVAILABLE);
    } else if (known && is_repeat(commit, &row)) {
        finish_repeated(commit, row.epoch);
    } else if (known && row.epoch != commit->epoch) {
        finish_in_conflict(commit, row.epoch);
    } else if (known || may_begin(commit)) {
        (void)envelopes_send(commit->domain, &commit->send, commit->now_ms, on_sent, commit);
    }
}

static void commit_read(struct commit *commit)
{
    struct store_batch *batch = NULL;

    commit->reads++;
    if (commit->reads > READS_MAX) {
        finish_with(commit, MLS_UNAVAILABLE);
        return;
    }
    batch = store_batch_create();
    mls_groups_sql_ask(batch, &commit->group);
    store_read(commit->domain->store, &batch, on_read, commit);
}

/* Judge the messages; fills member and why when one is none. */
static bool messages_hold(const struct mls_commit *order, struct mlsmessage_head *out_head,
                          struct mls_outcome *out)
{
    enum mlsmessage_verdict verdict = mlsmessage_read_head(order->message, out_head);
    struct mlsmessage_head welcome = { .wire_format = MLSMESSAGE_WELCOME };

    out->member = "commit";
    if (verdict != MLSMESSAGE_READ) {
        out->why = mlsmessage_verdict_text(verdict);
        return false;
    }
    if (out_head->content_type != MLSMESSAGE_COMMIT || out_head->group_id.size == 0 ||
        out_head->group_id.size > LIMIT_GROUP_ID_BYTES ||
        out_head->epoch >= (uint64_t)MLS_EPOCH_MAX) {
        out->why = "This is no commit, or its group_id or epoch is larger than allowed.";
        return false;
    }
    if (order->welcome.size > 0) {
        verdict = mlsmessage_read_head(order->welcome, &welcome);
    }
    out->member = "welcome";
    out->why = "This is no Welcome.";
    return verdict == MLSMESSAGE_READ && welcome.wire_format == MLSMESSAGE_WELCOME;
}

static void add_recipients(struct commit *commit, const struct device_pub *pubs, size_t count,
                           struct bytes body)
{
    uint8_t member[MLS_MEMBER_BYTES];

    for (size_t i = 0; i < count; i++) {
        commit->recipients[commit->send.count] =
            (struct envelope_recipient){ .pub = pubs[i], .part = body };
        commit->pubs[commit->send.count] = pubs[i];
        commit->send.count++;
        mls_groups_member(commit->domain, &commit->group, &pubs[i], member);
        buf_append(&commit->members, bytes_of(member, sizeof member));
    }
}

static void fill(struct commit *commit, const struct mls_commit *order,
                 const struct mlsmessage_head *head)
{
    size_t count = order->recipient_count + order->welcome_recipient_count;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    uint8_t member[MLS_MEMBER_BYTES];

    mls_groups_hash(commit->domain, head->group_id, &commit->group);
    crypto_sha256(&order->message, 1, digest);
    mls_groups_commit_hash(commit->domain, digest, &commit->hash);
    commit->epoch = (int64_t)head->epoch;
    buf_reserve(&commit->bodies, order->message.size + order->welcome.size);
    buf_append(&commit->bodies, order->message);
    buf_append(&commit->bodies, order->welcome);
    commit->recipients = mem_zeroed(count, sizeof *commit->recipients);
    commit->pubs = mem_zeroed(count, sizeof *commit->pubs);
    mls_groups_member(commit->domain, &commit->group, &order->sender, member);
    buf_append(&commit->members, bytes_of(member, sizeof member));
    add_recipients(commit, order->recipients, order->recipient_count,
                   bytes_of(commit->bodies.at, order->message.size));
    add_recipients(commit, order->welcome_recipients, order->welcome_recipient_count,
                   bytes_of(commit->bodies.at + order->message.size, order->welcome.size));
    commit->send.id = order->id;
    commit->send.ttl_s = order->ttl_s;
    commit->send.urgent = order->urgent;
    commit->send.sender_account = order->sender_account;
    commit->send.sender = order->sender;
    commit->send.recipients = commit->recipients;
    commit->send.rider = (struct envelope_rider){ .add = ride, .arg = commit };
}

void mls_groups_commit(struct domain *domain, const struct mls_commit *order, int64_t now_ms,
                       mls_done_fn *done, void *arg)
{
    struct mls_outcome outcome = { .result = MLS_INVALID };
    struct mlsmessage_head head;
    struct commit *commit = NULL;

    if (!messages_hold(order, &head, &outcome)) {
        done(arg, &outcome);
        return;
    }
    commit = mem_zeroed(1, sizeof *commit);
    commit->domain = domain;
    commit->now_ms = now_ms;
    commit->done = done;
    commit->arg = arg;
    fill(commit, order, &head);
    commit_read(commit);
}
