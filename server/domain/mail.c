/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A read stops the merging of gaps at the moment it is submitted.  While a merge
 * is still being written the read goes through the writer, behind it; so what a
 * device is shown of a gap is all that will ever be in it.  Where other daemons
 * let gaps grow, a read that finds one marks it as shown, and reads again.
 */
#include "server/domain/mail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/body.h"
#include "server/domain/domain.h"
#include "server/domain/gaps_shared_sql.h"
#include "server/domain/mail_shared.h"
#include "server/domain/mail_sql.h"
#include "server/domain/mailboxes.h"
#include "server/domain/mailboxes_sql.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

struct reading {
    struct domain *domain;
    struct mailbox *mailbox;
    mail_read_fn *done;
    void *arg;
    int64_t from;  /* where this batch began */
    int64_t after; /* the last row that was read, damaged or not */
    int64_t now_ms;
    int64_t byte_max;
    bool goes_on;
    bool growing; /* a gap was read that is not shown yet */
    size_t limit;
    size_t rows; /* read by this batch, of limit + 1 that were asked for */
    struct mail_item items[];
};

struct acking {
    struct domain *domain;
    struct mailbox *mailbox;
    mail_acked_fn *done;
    void *arg;
    size_t statements;
    struct mail_run run; /* count 0: none; its seqs follow, in case they must go one by one */
    int64_t seqs[];
};

void mail_sent(struct mailbox *mailbox, int64_t seq)
{
    mailbox->sent_seq = seq > mailbox->sent_seq ? seq : mailbox->sent_seq;
}

/* Decode the next row into item; a damaged one is logged and left out. */
static bool reading_next(struct reading *reading, struct store_rows *rows, struct mail_item *item)
{
    enum mail_row row = MAIL_ROW_DAMAGED;

    while (row == MAIL_ROW_DAMAGED) {
        row = mail_sql_row(rows, reading->mailbox->number, item);
        if (row != MAIL_ROW_NONE) {
            reading->rows++;
            reading->after = item->seq;
        }
        reading->growing = reading->growing || row == MAIL_ROW_GROWING;
        if (row == MAIL_ROW_DAMAGED) {
            log_error("mail.damaged",
                      "seq=%" PRId64 " hint=\"the row's checksum is wrong: check"
                      " the disk\"",
                      item->seq);
        }
    }
    return row != MAIL_ROW_NONE;
}

/* One row more than the limit was asked for: it tells whether there is more. */
static void reading_take(struct reading *reading, struct store_rows *rows, struct mail *mail)
{
    struct mail_item item;
    int64_t bytes = 0;

    mail->items = reading->items;
    while (reading_next(reading, rows, &item)) {
        bytes += (int64_t)item.body.size;
        mail->full = bytes > reading->byte_max && (mail->count > 0 || reading->goes_on);
        if (mail->full || mail->count == reading->limit) {
            mail->more = true;
            return;
        }
        item.redelivered = item.seq <= reading->mailbox->sent_seq;
        reading->items[mail->count] = item;
        mail->count++;
        mail->last_seq = item.seq;
    }
    mail->more = reading->rows > reading->limit; /* damaged rows took the places of others */
}

static void reading_submit(struct reading *reading);

static void on_shown(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reading *reading = arg;

    (void)rows;
    if (status == STORE_OK) {
        reading->after = reading->from;
        reading_submit(reading);
        return;
    }
    reading->done(reading->arg, &(struct mail){ .ok = false });
    free(reading);
}

/* From now on the gaps that were read are as they are: the next read shows them. */
static void reading_show(struct reading *reading)
{
    struct store_batch *batch = store_batch_create();

    sharing_lock(batch, reading->mailbox->number);
    gaps_shared_sql_show(batch, reading->mailbox->number, reading->from, reading->after);
    store_submit(reading->domain->store, &batch, on_shown, reading);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reading *reading = arg;
    struct mail mail = { .ok = status == STORE_OK };

    if (mail.ok) {
        reading_take(reading, rows, &mail);
    }
    if (reading->growing) {
        reading_show(reading);
        return;
    }
    if (mail.ok && reading->domain->is_shared) {
        store_rows_select(rows, 1);
        mail.horizon = mailboxes_sql_counted(rows, reading->mailbox);
    }
    if (mail.more && mail.count == 0 && !mail.full) { /* only damaged rows: go on behind them */
        reading_submit(reading);
        return;
    }
    reading->done(reading->arg, &mail);
    free(reading);
}

/* Rows worth asking for: what the bytes allow by the mailbox's average, within the limit. */
static size_t row_limit(const struct mailbox *mailbox, const struct mail_page *page)
{
    size_t limit = page->item_max < MAIL_READ_ITEMS ? page->item_max : MAIL_READ_ITEMS;
    int64_t bytes = page->byte_max > 0 ? page->byte_max : 0;

    if (mailbox->envelope_count > 0 && mailbox->envelope_bytes > mailbox->envelope_count) {
        int64_t average = mailbox->envelope_bytes / mailbox->envelope_count;
        int64_t by_bytes = bytes / average + bytes / average / 4 + 1;
        limit = (int64_t)limit < by_bytes ? limit : (size_t)by_bytes;
    }
    return limit > 0 ? limit : 1;
}

static void reading_submit(struct reading *reading)
{
    struct store *store = reading->domain->store;
    struct store_batch *batch = store_batch_create();

    reading->rows = 0;
    reading->from = reading->after;
    reading->growing = false;
    mailboxes_seal_gaps(reading->mailbox);
    mail_sql_read(batch, reading->mailbox->number, reading->after, reading->now_ms / 1000,
                  (int64_t)reading->limit + 1);
    if (reading->domain->is_shared) {
        mailboxes_sql_count(batch, reading->mailbox->number);
        store_read(store, &batch, on_read, reading);
    } else if (reading->mailbox->gap_writes > 0) {
        store_submit(store, &batch, on_read, reading);
    } else {
        store_read(store, &batch, on_read, reading);
    }
}

void mail_read(struct domain *domain, struct mailbox *mailbox, const struct mail_page *page,
               mail_read_fn *done, void *arg)
{
    size_t limit = row_limit(mailbox, page);
    struct reading *reading = mem_raw(sizeof *reading + limit * sizeof reading->items[0]);

    *reading = (struct reading){
        .domain = domain,
        .mailbox = mailbox,
        .done = done,
        .arg = arg,
        .after = page->after,
        .now_ms = page->now_ms,
        .byte_max = page->byte_max,
        .goes_on = page->goes_on,
        .limit = limit,
    };
    reading_submit(reading);
}

/* Count what was deleted; a gap that goes takes its place in memory with it. */
static int64_t acking_count(struct acking *acking, struct store_rows *rows)
{
    bool is_gap = false;
    bool any_gap = false;
    int64_t stored = 0;
    int64_t envelopes = 0;
    int64_t gaps = 0;
    int64_t bytes = 0;

    for (size_t i = 0; i < acking->statements; i++) {
        store_rows_select(rows, i);
        while (mail_sql_acked(rows, &is_gap, &stored)) {
            any_gap = any_gap || is_gap;
            gaps += is_gap ? 1 : 0;
            envelopes += is_gap ? 0 : 1;
            bytes += is_gap ? 0 : stored - (int64_t)BODY_OVERHEAD_BYTES;
        }
    }
    if (any_gap) {
        mailboxes_seal_gaps(acking->mailbox);
    }
    mailboxes_count_out(acking->domain, acking->mailbox, envelopes, bytes);
    metrics_add(METRIC_envelopes_acknowledged, envelopes + gaps);
    return envelopes + gaps;
}

static void on_acked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct acking *acking = arg;

    if (status != STORE_OK) {
        acking->done(acking->arg, MAIL_ACK_UNAVAILABLE, 0);
    } else {
        acking->done(acking->arg, MAIL_ACKED, acking_count(acking, rows));
    }
    mailboxes_unpin(acking->mailbox);
    free(acking);
}

static void on_run_acked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct acking *acking = arg;
    const struct mail_run *run = &acking->run;

    if (status == STORE_OK && store_rows_changed(rows) == 0) {
        mail_ack(acking->domain, acking->mailbox, acking->seqs, run->count, acking->done,
                 acking->arg);
    } else if (status == STORE_OK) {
        mailboxes_count_out(acking->domain, acking->mailbox, run->envelopes, run->bytes);
        if (run->envelopes < (int64_t)run->count) {
            mailboxes_seal_gaps(acking->mailbox);
        }
        metrics_add(METRIC_envelopes_acknowledged, (int64_t)run->count);
        acking->done(acking->arg, MAIL_ACKED, (int64_t)run->count);
    } else {
        acking->done(acking->arg, MAIL_ACK_UNAVAILABLE, 0);
    }
    mailboxes_unpin(acking->mailbox);
    free(acking);
}

static struct acking *acking_create(struct domain *domain, struct mailbox *mailbox,
                                    mail_acked_fn *done, void *arg, size_t run_count)
{
    struct acking *acking = mem_raw(sizeof *acking + run_count * sizeof acking->seqs[0]);

    *acking = (struct acking){ .domain = domain, .mailbox = mailbox, .done = done, .arg = arg };
    acking->run.count = run_count;
    acking->statements = 1;
    mailboxes_pin(mailbox);
    return acking;
}

void mail_ack(struct domain *domain, struct mailbox *mailbox, const int64_t *seqs, size_t count,
              mail_acked_fn *done, void *arg)
{
    struct acking *acking = NULL;
    struct store_batch *batch = NULL;

    if (domain->is_shared) {
        mail_shared_ack(domain, mailbox, &(struct mail_shared_seqs){ seqs, count }, done, arg);
        return;
    }
    acking = acking_create(domain, mailbox, done, arg, 0);
    batch = store_batch_create();
    for (size_t i = 0; i < count; i++) {
        mail_sql_ack(batch, mailbox->number, seqs[i]);
    }
    acking->statements = count;
    store_submit(domain->store, &batch, on_acked, acking);
}

void mail_ack_upto(struct domain *domain, struct mailbox *mailbox, int64_t seq, int64_t now_ms,
                   mail_acked_fn *done, void *arg)
{
    struct acking *acking = NULL;
    struct store_batch *batch = NULL;

    if (domain->is_shared) {
        mail_shared_ack_upto(domain, mailbox, seq, now_ms, done, arg);
        return;
    }
    acking = acking_create(domain, mailbox, done, arg, 0);
    batch = store_batch_create();
    mail_sql_ack_upto(batch, mailbox->number, seq, now_ms / 1000);
    store_submit(domain->store, &batch, on_acked, acking);
}

void mail_ack_run(struct domain *domain, struct mailbox *mailbox, const struct mail_run *run,
                  mail_acked_fn *done, void *arg)
{
    struct acking *acking = NULL;
    struct store_batch *batch = NULL;

    if (domain->is_shared) { /* there a list costs no more than a range */
        mail_ack(domain, mailbox, run->seqs, run->count, done, arg);
        return;
    }
    acking = acking_create(domain, mailbox, done, arg, run->count);
    batch = store_batch_create();
    acking->run = *run;
    memcpy(acking->seqs, run->seqs, run->count * sizeof run->seqs[0]);
    mail_sql_ack_run(batch, mailbox->number, run);
    store_submit(domain->store, &batch, on_run_acked, acking);
}
