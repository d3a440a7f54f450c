/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the store may be older than a claim that was taken meanwhile.  So
 * claims are numbered, and a look judges only those that were there before it.
 */
#include "server/domain/claims.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/table.h"
#include "server/domain/claims_sql.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/mailboxes.h"
#include "server/domain/mailboxes_sql.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

struct claim {
    struct table_node node;
    int64_t mailbox; /* its key */
    int64_t account;
    int64_t stream; /* its name */
    int64_t last;   /* seq that the last look found given */
    uint64_t serial;
    bool out; /* no longer in the table */
    struct claim_view view;
};

struct claims {
    struct table table;
    uint64_t serial; /* of the newest claim */
};

struct taking {
    struct domain *domain;
    struct mailbox *mailbox;
    struct claim *claim;
    claims_taken_fn *done;
    void *arg;
};

struct look {
    struct domain *domain;
    uint64_t serial; /* claims up to this one are judged */
    int64_t mailbox; /* of a look at what was acknowledged */
};

struct claims *claims_create(const uint8_t key[16])
{
    struct claims *claims = mem_zeroed(1, sizeof *claims);

    table_init(&claims->table, key);
    return claims;
}

void claims_destroy(struct claims *claims)
{
    free(claims);
}

static struct bytes key_of(const int64_t *mailbox)
{
    return bytes_of((const uint8_t *)mailbox, sizeof *mailbox);
}

static struct claim *claims_find(const struct domain *domain, int64_t mailbox)
{
    return table_find(&domain->claims->table, key_of(&mailbox));
}

static void claim_take_out(struct claims *claims, struct claim *claim)
{
    if (!claim->out) {
        table_remove(&claims->table, &claim->node);
        claim->out = true;
    }
}

void claims_release(struct domain *domain, struct claim *claim)
{
    if (claim != NULL) {
        claim_take_out(domain->claims, claim);
        free(claim);
    }
}

static void claim_enter(struct claims *claims, struct claim *claim)
{
    struct claim *older = table_find(&claims->table, key_of(&claim->mailbox));

    if (older != NULL) { /* the hub ends its stream when the newer one joins */
        claim_take_out(claims, older);
    }
    claims->serial++;
    claim->serial = claims->serial;
    table_add(&claims->table, &claim->node, claim, key_of(&claim->mailbox));
}

static void on_taken(void *arg, enum store_status status, struct store_rows *rows)
{
    struct taking *taking = arg;
    struct claim *claim = taking->claim;
    enum claims_result result = CLAIMS_UNAVAILABLE;

    if (status == STORE_OK) {
        result = CLAIMS_TAKEN;
        claim->last = mailboxes_sql_counted(rows, taking->mailbox);
        claim_enter(taking->domain->claims, claim);
    } else {
        result = status == STORE_REFUSED ? CLAIMS_GONE : CLAIMS_UNAVAILABLE;
        free(claim);
        claim = NULL;
    }
    taking->done(taking->arg, result, claim);
    free(taking);
}

void claims_take(struct domain *domain, struct mailbox *mailbox, const uint8_t token_hash[32],
                 claims_taken_fn *done, void *arg)
{
    struct taking *taking = NULL;
    struct store_batch *batch = NULL;
    struct claim *claim = NULL;

    if (!domain->is_shared) {
        done(arg, CLAIMS_TAKEN, NULL);
        return;
    }
    claim = mem_zeroed(1, sizeof *claim);
    claim->mailbox = mailbox->number;
    claim->account = mailbox->account;
    random_fill(&claim->stream, sizeof claim->stream);
    claim->view.pub = mailbox->pub;
    memcpy(claim->view.token_hash, token_hash, sizeof claim->view.token_hash);
    taking = mem_zeroed(1, sizeof *taking);
    taking->domain = domain;
    taking->mailbox = mailbox;
    taking->claim = claim;
    taking->done = done;
    taking->arg = arg;
    batch = store_batch_create();
    sharing_lock(batch, mailbox->number);
    sharing_tell(batch, SHARING_STREAM, mailbox->number);
    claims_sql_take(batch, mailbox->number, claim->stream);
    store_submit(domain->store, &batch, on_taken, taking);
}

void claims_wake(struct domain *domain, int64_t mailbox)
{
    const struct claim *claim = claims_find(domain, mailbox);

    if (claim != NULL) {
        hub_wake(domain->hub, &claim->view.pub);
    }
}

static struct look *look_begin(struct domain *domain, int64_t mailbox)
{
    struct look *look = mem_zeroed(1, sizeof *look);

    look->domain = domain;
    look->serial = domain->claims->serial;
    look->mailbox = mailbox;
    return look;
}

/* What the store says of a mailbox: another stream has its place, or there may be mail. */
static void claim_judge(struct domain *domain, struct claim *claim, const struct claim_row *row)
{
    if (row->stream != claim->stream) {
        hub_end_device(domain->hub, &claim->view.pub, HUB_END_REPLACED);
    } else if (row->last != claim->last) {
        claim->last = row->last;
        hub_wake(domain->hub, &claim->view.pub);
    }
}

static void on_checked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct look *look = arg;
    struct claim_row row;

    while (status == STORE_OK && claims_sql_row(rows, &row)) {
        struct claim *claim = claims_find(look->domain, row.mailbox);
        if (claim != NULL && claim->serial <= look->serial) {
            claim_judge(look->domain, claim, &row);
        }
    }
    free(look);
}

static void check_list(struct domain *domain, const int64_t *mailboxes, size_t count)
{
    struct store_batch *batch = store_batch_create();

    claims_sql_ask(batch, mailboxes, count);
    store_read(domain->store, &batch, on_checked, look_begin(domain, 0));
}

void claims_check(struct domain *domain, int64_t mailbox)
{
    if (claims_find(domain, mailbox) != NULL) {
        check_list(domain, &mailbox, 1);
    }
}

void claims_check_all(struct domain *domain)
{
    const struct claim *claim = table_oldest(&domain->claims->table);
    int64_t mailboxes[CLAIMS_CHECKED_AT_ONCE];
    size_t count = 0;

    while (claim != NULL) {
        mailboxes[count] = claim->mailbox;
        count++;
        claim = table_after(&claim->node);
        if (count == CLAIMS_CHECKED_AT_ONCE || claim == NULL) {
            check_list(domain, mailboxes, count);
            count = 0;
        }
    }
}

static void on_checked_acked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct look *look = arg;
    const struct claim *claim = claims_find(look->domain, look->mailbox);
    struct hub_waiting waiting = { .count = 0 };

    if (status == STORE_OK && claim != NULL && claim->serial <= look->serial) {
        waiting.up_to = claims_sql_waiting(rows, waiting.seqs, &waiting.count);
        hub_tell_waiting(look->domain->hub, &claim->view.pub, &waiting);
    }
    free(look);
}

void claims_check_acked(struct domain *domain, int64_t mailbox)
{
    struct store_batch *batch = NULL;

    if (claims_find(domain, mailbox) != NULL) {
        batch = store_batch_create();
        claims_sql_ask_waiting(batch, mailbox);
        store_read(domain->store, &batch, on_checked_acked, look_begin(domain, mailbox));
    }
}

size_t claims_of_account(const struct domain *domain, int64_t account, struct claim_view **out)
{
    const struct table *table = &domain->claims->table;
    const struct claim *claim = table_oldest(table);
    size_t count = 0;

    *out = mem_zeroed(table_size(table) + 1, sizeof **out);
    while (claim != NULL) {
        if (account == 0 || claim->account == account) {
            (*out)[count] = claim->view;
            count++;
        }
        claim = table_after(&claim->node);
    }
    return count;
}
