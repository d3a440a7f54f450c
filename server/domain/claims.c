/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the store may be older than a claim that was taken meanwhile.  So
 * claims are numbered, and a look judges only those that were there before it.
 */
#include "server/domain/claims.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

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

/* The claims of an account, so that news of it concern no other's streams. */
struct account_claims {
    struct table_node node;
    int64_t account; /* its key */
    size_t count;
    TAILQ_HEAD(claim_list, claim) list;
};

struct claim {
    struct table_node node;
    TAILQ_ENTRY(claim) next;
    struct account_claims *of; /* while it is in the table */
    int64_t mailbox;           /* its key */
    int64_t account;
    int64_t stream; /* its name */
    int64_t last;   /* seq that the last look found given */
    uint64_t serial;
    bool out; /* no longer in the table */
    struct claim_view view;
};

struct claims {
    struct table table;
    struct table accounts;
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
    table_init(&claims->accounts, key);
    return claims;
}

void claims_destroy(struct claims *claims)
{
    free(claims);
}

static struct bytes key_of(const int64_t *number)
{
    return bytes_of((const uint8_t *)number, sizeof *number);
}

static struct claim *claims_find(const struct domain *domain, int64_t mailbox)
{
    return table_find(&domain->claims->table, key_of(&mailbox));
}

static struct account_claims *find_account(const struct claims *claims, int64_t account)
{
    return table_find(&claims->accounts, key_of(&account));
}

static void account_add(struct claims *claims, struct claim *claim)
{
    struct account_claims *of = find_account(claims, claim->account);

    if (of == NULL) {
        of = mem_zeroed(1, sizeof *of);
        of->account = claim->account;
        TAILQ_INIT(&of->list);
        table_add(&claims->accounts, &of->node, of, key_of(&of->account));
    }
    TAILQ_INSERT_TAIL(&of->list, claim, next);
    of->count++;
    claim->of = of;
}

static void account_remove(struct claims *claims, struct claim *claim)
{
    struct account_claims *of = claim->of;

    TAILQ_REMOVE(&of->list, claim, next);
    of->count--;
    claim->of = NULL;
    if (of->count == 0) {
        table_remove(&claims->accounts, &of->node);
        free(of);
    }
}

static void claim_take_out(struct claims *claims, struct claim *claim)
{
    if (!claim->out) {
        table_remove(&claims->table, &claim->node);
        account_remove(claims, claim);
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
    account_add(claims, claim);
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

bool claims_has_account(const struct domain *domain, int64_t account)
{
    return find_account(domain->claims, account) != NULL;
}

size_t claims_of_account(const struct domain *domain, int64_t account, struct claim_view **out)
{
    const struct account_claims *of = find_account(domain->claims, account);
    const struct claim *claim = of == NULL ? NULL : TAILQ_FIRST(&of->list);
    size_t count = 0;

    *out = mem_zeroed(of == NULL ? 1 : of->count, sizeof **out);
    for (; claim != NULL; claim = TAILQ_NEXT(claim, next)) {
        (*out)[count] = claim->view;
        count++;
    }
    return count;
}

size_t claims_of_all(const struct domain *domain, struct claim_view **out)
{
    const struct table *table = &domain->claims->table;
    const struct claim *claim = table_oldest(table);
    size_t count = 0;

    *out = mem_zeroed(table_size(table) + 1, sizeof **out);
    for (; claim != NULL; claim = table_after(&claim->node)) {
        (*out)[count] = claim->view;
        count++;
    }
    return count;
}
