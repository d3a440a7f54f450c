/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   read rows -> load their mailboxes -> one batch: delete each, a gap a mailbox
 *
 * Rows come grouped by mailbox only by chance, so they are sorted first.
 */
#include "server/domain/losses.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/ids.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/body.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/gaps.h"
#include "server/domain/losses_shared_sql.h"
#include "server/domain/mailboxes.h"
#include "server/domain/mailboxes_sql.h"
#include "server/store/store.h"

struct loss {
    struct envelope_head_row row;
    struct mailbox *mailbox; /* pinned while the write is under way */
    int64_t gap_seq;         /* on the first row of each mailbox */
    size_t statement;        /* there, too: the one that deletes its rows */
};

struct round {
    struct domain *domain;
    int64_t now_ms;
    enum mailbox_gap_reason reason;
    int64_t *cursor;          /* NULL unless the oldest are looked at */
    int64_t cursor_next;      /* its value once the losses are committed */
    struct mailbox *trimming; /* pinned mailbox whose excess is to go, or NULL */
    int64_t waiting_before;   /* in it as memory had it when its rows were asked for */
    int64_t bytes_before;
    int64_t waiting; /* in it as its excess was judged; 0 where none is */
    int64_t waiting_bytes;
    bool only_closed; /* all of it goes, as long as it is closed */
    losses_done_fn *done;
    void *arg;
    bool more;
    bool overtaken; /* by other writes: what was read of the mailbox is not how it is now */
    size_t count;
    struct loss losses[LOSSES_BATCH];
};

/* committed: what was to be lost is lost; else the cursor must not pass it. */
static void round_end(struct round *round, bool committed)
{
    round->more = round->more && committed;
    if (round->cursor != NULL && committed) {
        *round->cursor = round->cursor_next;
    }
    if (round->trimming != NULL) {
        round->trimming->trimming = false;
        if ((committed && round->count > 0) ||
            round->overtaken) { /* more may have come meanwhile */
            losses_trim(round->domain, round->trimming, round->now_ms);
        }
        mailboxes_unpin(round->trimming);
    }
    if (round->done != NULL) {
        round->done(round->arg, round->more);
    }
    free(round);
}

static struct round *round_create(struct domain *domain, enum mailbox_gap_reason reason,
                                  int64_t now_ms)
{
    struct round *round = mem_zeroed(1, sizeof *round);

    round->domain = domain;
    round->reason = reason;
    round->now_ms = now_ms;
    return round;
}

static int by_mailbox(const void *a, const void *b)
{
    const struct envelope_head_row *left = &((const struct loss *)a)->row;
    const struct envelope_head_row *right = &((const struct loss *)b)->row;

    if (left->mailbox != right->mailbox) {
        return left->mailbox < right->mailbox ? -1 : 1;
    }
    return left->seq < right->seq ? -1 : 1;
}

/* Where daemons share the mailbox its row knows what waits; else memory does. */
static void loss_count_out(const struct round *round, const struct loss *loss,
                           struct store_rows *rows)
{
    if (!round->domain->is_shared) {
        mailboxes_count_out(round->domain, loss->mailbox, 1,
                            loss->row.stored_bytes - (int64_t)BODY_OVERHEAD_BYTES);
    } else if (loss->gap_seq != 0) {
        store_rows_select(rows, loss->statement);
        losses_shared_sql_lost(rows, &loss->mailbox->envelope_count,
                               &loss->mailbox->envelope_bytes);
    }
}

static void on_lost(void *arg, enum store_status status, struct store_rows *rows)
{
    struct round *round = arg;
    bool committed = status == STORE_OK;

    round->overtaken = round->domain->is_shared && status == STORE_REFUSED;
    for (size_t i = 0; i < round->count; i++) {
        struct loss *loss = &round->losses[i];
        if (loss->mailbox == NULL) {
            continue;
        }
        if (committed) {
            loss_count_out(round, loss, rows);
        }
        if (loss->gap_seq != 0) {
            gaps_written(round->domain, loss->mailbox, loss->gap_seq, committed);
        }
        mailboxes_unpin(loss->mailbox);
    }
    if (committed && round->reason == MAILBOX_GAP_TTL) {
        metrics_add(METRIC_envelopes_expired, (int64_t)round->count);
    }
    round_end(round, committed);
}

/* Append the deletes of rows [first, end), which are of one mailbox. */
static void round_lose(const struct round *round, struct store_batch *batch, size_t first,
                       size_t end)
{
    int64_t mailbox = round->losses[first].mailbox->number;
    int64_t seqs[LOSSES_BATCH];

    for (size_t i = first; i < end; i++) {
        seqs[i - first] = round->losses[i].row.seq;
    }
    if (round->domain->is_shared) {
        const struct loss_list list = {
            .seqs = seqs,
            .count = end - first,
            .waiting = round->waiting,
            .waiting_bytes = round->waiting_bytes,
        };
        losses_shared_sql_lose(batch, mailbox, &list, round->only_closed);
        return;
    }
    for (size_t i = first; i < end; i++) {
        envelopes_sql_lose(batch, mailbox, round->losses[i].row.seq);
    }
}

/* Append the deletes of one mailbox's rows [first, end) and their gap. */
static void round_write_mailbox(struct round *round, struct store_batch *batch, size_t first,
                                size_t end)
{
    struct mailbox *mailbox =
        mailboxes_cached(round->domain->mailboxes, &round->losses[first].row.pub);
    struct gap gap = {
        .from = round->losses[first].row.seq,
        .to = round->losses[end - 1].row.seq,
        .count = (int64_t)(end - first),
        .reason = round->reason,
    };

    if (mailbox == NULL) {
        return; /* its device left meanwhile */
    }
    for (size_t i = first; i < end; i++) {
        mailboxes_pin(mailbox);
        round->losses[i].mailbox = mailbox;
    }
    round->losses[first].statement = store_batch_size(batch);
    round_lose(round, batch, first, end);
    round->losses[first].gap_seq = gaps_add(round->domain, batch, mailbox, &gap, round->now_ms);
}

static void on_mailboxes(void *arg, bool ok)
{
    struct round *round = arg;
    struct store_batch *batch = NULL;
    size_t first = 0;

    if (!ok) {
        round_end(round, false);
        return;
    }
    batch = store_batch_create();
    for (size_t i = 1; i <= round->count; i++) {
        if (i == round->count || round->losses[i].row.mailbox != round->losses[first].row.mailbox) {
            round_write_mailbox(round, batch, first, i);
            first = i;
        }
    }
    store_submit(round->domain->store, &batch, on_lost, round);
}

static void round_write(struct round *round)
{
    struct device_pub pubs[LOSSES_BATCH];

    if (round->count == 0) {
        round_end(round, true);
        return;
    }
    qsort(round->losses, round->count, sizeof round->losses[0], by_mailbox);
    for (size_t i = 0; i < round->count; i++) {
        pubs[i] = round->losses[i].row.pub;
    }
    mailboxes_load(round->domain, pubs, round->count, on_mailboxes, round);
}

/* Take the expired of the rows; the cursor is to move to the first that is not. */
static void round_take_expired(struct round *round, struct store_rows *rows)
{
    struct envelope_head_row row;
    int64_t expires_at = 0;
    size_t seen = 0;

    while (round->count < LOSSES_BATCH && envelopes_sql_loss_row(rows, &row, &expires_at)) {
        seen++;
        if (expires_at > round->now_ms / 1000) {
            round->cursor_next = row.seq;
            seen = 0; /* nothing behind it has expired */
            break;
        }
        round->losses[round->count].row = row;
        round->count++;
    }
    round->more = seen == LOSSES_BATCH;
}

static void on_expired_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct round *round = arg;

    if (status == STORE_OK) {
        round_take_expired(round, rows);
    }
    round_write(round);
}

void losses_expire_own(struct domain *domain, int64_t now_ms, losses_done_fn *done, void *arg)
{
    struct round *round = round_create(domain, MAILBOX_GAP_TTL, now_ms);
    struct store_batch *batch = store_batch_create();

    round->done = done;
    round->arg = arg;
    envelopes_sql_expired(batch, now_ms / 1000, LOSSES_BATCH);
    store_read(domain->store, &batch, on_expired_read, round);
}

void losses_expire_oldest(struct domain *domain, int64_t *cursor, int64_t now_ms,
                          losses_done_fn *done, void *arg)
{
    struct round *round = NULL;
    struct store_batch *batch = NULL;

    if (domain->is_shared) { /* seqs are each mailbox's own there, so expire_own finds them all */
        done(arg, false);
        return;
    }
    round = round_create(domain, MAILBOX_GAP_TTL, now_ms);
    batch = store_batch_create();
    round->cursor = cursor;
    round->cursor_next = *cursor;
    round->done = done;
    round->arg = arg;
    envelopes_sql_oldest(batch, *cursor, LOSSES_BATCH);
    store_read(domain->store, &batch, on_expired_read, round);
}

/* How much of a mailbox is too much: all of it when it is closed, else what is over the caps. */
static bool is_over(const struct domain *domain, const struct mailbox *mailbox, int64_t count,
                    int64_t bytes)
{
    return mailbox->closed || count > domain->settings.mailbox_max_envelopes ||
           bytes > domain->settings.mailbox_max_bytes;
}

/*
 * Hear what waits in the mailbox, as its rows were read.  An append that was answered since may
 * not be in there: then what it said stays, and the mailbox is looked at once more.
 */
static void round_take_counts(struct round *round, struct store_rows *rows)
{
    struct mailbox *mailbox = round->trimming;

    if (mailbox->envelope_count == round->waiting_before &&
        mailbox->envelope_bytes == round->bytes_before) {
        store_rows_select(rows, 1);
        (void)mailboxes_sql_counted(rows, mailbox);
        store_rows_select(rows, 0);
    } else {
        round->overtaken = true;
    }
}

static void on_oldest_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct round *round = arg;
    struct mailbox *mailbox = round->trimming;
    struct envelope_head_row row;
    int64_t expires_at = 0;
    int64_t count = 0;
    int64_t bytes = 0;

    if (status == STORE_OK && round->domain->is_shared) {
        round_take_counts(round, rows);
    }
    count = mailbox->envelope_count;
    bytes = mailbox->envelope_bytes;
    round->only_closed = mailbox->closed || round->reason == MAILBOX_GAP_IDLE;
    if (!mailbox->closed) {
        round->waiting = count;
        round->waiting_bytes = bytes;
    }
    while (status == STORE_OK && round->count < LOSSES_BATCH &&
           is_over(round->domain, mailbox, count, bytes) &&
           envelopes_sql_loss_row(rows, &row, &expires_at)) {
        round->losses[round->count].row = row;
        round->count++;
        count--;
        bytes -= row.stored_bytes - (int64_t)BODY_OVERHEAD_BYTES;
    }
    round->more = round->count == LOSSES_BATCH;
    round_write(round);
}

static void trim_start(struct domain *domain, struct mailbox *mailbox, struct round *round)
{
    struct store_batch *batch = store_batch_create();

    mailboxes_pin(mailbox);
    mailbox->trimming = true;
    round->trimming = mailbox;
    round->waiting_before = mailbox->envelope_count;
    round->bytes_before = mailbox->envelope_bytes;
    envelopes_sql_oldest_of(batch, mailbox->number, LOSSES_BATCH);
    if (domain->is_shared) {
        mailboxes_sql_count(batch, mailbox->number);
    }
    store_read(domain->store, &batch, on_oldest_read, round);
}

void losses_trim(struct domain *domain, struct mailbox *mailbox, int64_t now_ms)
{
    if (mailbox->trimming || mailbox->gone || domain->settings.overflow != DOMAIN_DROP_OLDEST ||
        !is_over(domain, mailbox, mailbox->envelope_count, mailbox->envelope_bytes)) {
        return;
    }
    trim_start(domain, mailbox, round_create(domain, MAILBOX_GAP_CAP, now_ms));
}

void losses_empty_idle(struct domain *domain, struct mailbox *mailbox, int64_t now_ms,
                       losses_done_fn *done, void *arg)
{
    struct round *round = NULL;

    if (mailbox->trimming) {
        done(arg, false);
        return;
    }
    round = round_create(domain, MAILBOX_GAP_IDLE, now_ms);
    round->done = done;
    round->arg = arg;
    trim_start(domain, mailbox, round);
}
