/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements where the store is shared: the row of the mailbox counts what goes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "server/domain/mail.h"
#include "server/domain/mailboxes.h"

struct mail_shared_seqs {
    const int64_t *at; /* read before the call returns */
    size_t count;
};

/* As mail_ack and mail_ack_upto. */
void mail_shared_ack(struct domain *domain, struct mailbox *mailbox,
                     const struct mail_shared_seqs *seqs, mail_acked_fn *done, void *arg);
void mail_shared_ack_upto(struct domain *domain, struct mailbox *mailbox, int64_t seq,
                          int64_t now_ms, mail_acked_fn *done, void *arg);
