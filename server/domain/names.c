/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name that is being written by this daemon stays pending: its own answer
 * settles it.  When nobody knows how it ended, the name is forgotten, and the
 * append looks at all rows of the mailbox until they have been read again.
 */
#include "server/domain/names.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/dedup.h"
#include "server/domain/domain.h"
#include "server/domain/mailboxes.h"
#include "server/domain/mailboxes_sql.h"
#include "server/domain/names_sql.h"
#include "server/store/store.h"

enum {
    BEHIND_MAX = 32 /* rows that an append may look through */
};

struct learning {
    struct domain *domain;
    struct mailbox *mailbox; /* pinned */
    uint32_t doubts;         /* of the mailbox when the read was submitted */
};

void names_ask(struct store_batch *batch, const struct device_pub *pub)
{
    names_sql_ask(batch, pub);
}

void names_take(struct domain *domain, struct store_rows *rows)
{
    struct name_row row = { 0 };

    while (names_sql_row(rows, &row)) {
        struct dedup_name name = dedup_name_of(domain->dedup, row.mailbox, &row.id, row.tag);
        int64_t until_ms = row.minute * 60000 + 59999;

        if (row.mailbox != 0 && dedup_ask(domain->dedup, &name, until_ms) == DEDUP_NEW) {
            struct dedup_place place = dedup_begin(domain->dedup, &name, until_ms);
            dedup_end(domain->dedup, &place, true);
        }
    }
}

static void on_learned(void *arg, enum store_status status, struct store_rows *rows)
{
    struct learning *learning = arg;
    struct mailbox *mailbox = learning->mailbox;
    int64_t last = 0;

    mailbox->learning = false;
    if (status == STORE_OK && mailbox->doubts == learning->doubts) {
        last = mailboxes_sql_counted(rows, mailbox);
        store_rows_select(rows, 1);
        names_take(learning->domain, rows);
        mailbox->known = last > mailbox->known ? last : mailbox->known;
    }
    mailboxes_unpin(mailbox);
    free(learning);
}

static void names_learn(struct domain *domain, struct mailbox *mailbox)
{
    struct learning *learning = mem_zeroed(1, sizeof *learning);
    struct store_batch *batch = store_batch_create();

    learning->domain = domain;
    learning->mailbox = mailbox;
    learning->doubts = mailbox->doubts;
    mailboxes_pin(mailbox);
    mailbox->learning = true;
    mailboxes_sql_count(batch, mailbox->number);
    names_sql_ask_behind(batch, mailbox->number, mailbox->known);
    store_read(domain->store, &batch, on_learned, learning);
}

void names_wrote(struct domain *domain, struct mailbox *mailbox, int64_t before, int64_t seq)
{
    if (before <= mailbox->known) {
        mailbox->known = seq > mailbox->known ? seq : mailbox->known;
    } else if (before - mailbox->known > BEHIND_MAX && !mailbox->learning) {
        names_learn(domain, mailbox);
    }
}

void names_doubt(struct mailbox *mailbox)
{
    mailbox->known = 0;
    mailbox->doubts++;
}
