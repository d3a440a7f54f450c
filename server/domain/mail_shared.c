/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device has one stream, wherever it is.  When it is here, it has taken what it
 * acknowledged out of its window; when it is not, the daemon that has it is told.
 */
#include "server/domain/mail_shared.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/mail_shared_sql.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

struct acking {
    struct mailbox *mailbox; /* pinned */
    mail_acked_fn *done;
    void *arg;
};

static void on_acked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct acking *acking = arg;
    struct mailbox *mailbox = acking->mailbox;
    struct mail_shared_acked acked = { 0 };

    if (status != STORE_OK) {
        acking->done(acking->arg, MAIL_ACK_UNAVAILABLE, 0);
    } else {
        mail_shared_sql_acked(rows, &acked);
        if (acked.is_counted) {
            mailbox->envelope_count = acked.waiting;
            mailbox->envelope_bytes = acked.waiting_bytes;
        }
        metrics_add(METRIC_envelopes_acknowledged, acked.items);
        acking->done(acking->arg, MAIL_ACKED, acked.items);
    }
    mailboxes_unpin(mailbox);
    free(acking);
}

/* Run the batch that acknowledges something in mailbox. */
static void ack(struct domain *domain, struct mailbox *mailbox, struct store_batch *batch,
                const struct acking *order)
{
    struct acking *acking = mem_raw(sizeof *acking);

    *acking = *order;
    mailboxes_pin(mailbox);
    sharing_lock(batch, mailbox->number);
    if (!hub_has_stream(domain->hub, &mailbox->pub)) {
        sharing_tell(batch, SHARING_ACKED, mailbox->number);
    }
    store_submit(domain->store, &batch, on_acked, acking);
}

void mail_shared_ack(struct domain *domain, struct mailbox *mailbox,
                     const struct mail_shared_seqs *seqs, mail_acked_fn *done, void *arg)
{
    struct store_batch *batch = store_batch_create();

    mail_shared_sql_ack(batch, mailbox->number, seqs);
    ack(domain, mailbox, batch, &(struct acking){ mailbox, done, arg });
}

void mail_shared_ack_upto(struct domain *domain, struct mailbox *mailbox, int64_t seq,
                          int64_t now_ms, mail_acked_fn *done, void *arg)
{
    struct store_batch *batch = store_batch_create();

    mail_shared_sql_ack_upto(batch, mailbox->number, seq, now_ms / 1000);
    ack(domain, mailbox, batch, &(struct acking){ mailbox, done, arg });
}
