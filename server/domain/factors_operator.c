/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   list    READ -> done
 *   remove  READ (whose, which kind) -> WRITE, which holds the account's row first, as every
 *           change of its factors does
 */
#include "server/domain/factors_operator.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/factors.h"
#include "server/domain/factors_sql.h"
#include "server/store/store.h"

enum {
    /* The statements of the list's read, in order. */
    READ_ACCOUNT = 0,
    READ_FACTORS,

    /* What an expected statement of the write says when it yields nothing. */
    GUARD_ACCOUNT = 0,
};

struct listing {
    factors_operator_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    const struct listing listing = *(struct listing *)arg;
    struct factors_view views[FACTORS_LIST_MAX];
    struct accounts_row account;
    struct factors_row row;
    size_t count = 0;

    free(arg);
    if (status != STORE_OK) {
        listing.done(listing.arg, FACTORS_OPERATOR_UNAVAILABLE, NULL, 0);
        return;
    }
    if (!accounts_sql_row(rows, &account)) {
        listing.done(listing.arg, FACTORS_OPERATOR_NO_ACCOUNT, NULL, 0);
        return;
    }
    store_rows_select(rows, READ_FACTORS);
    while (count < FACTORS_LIST_MAX && factors_sql_next(rows, &row)) {
        factors_view_of(&row, &views[count]);
        count++;
    }
    listing.done(listing.arg, FACTORS_OPERATOR_DONE, views, count);
}

void factors_operator_list(struct domain *domain, const struct account_id *account_id,
                           factors_operator_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = store_batch_create();

    listing->done = done;
    listing->arg = arg;
    accounts_sql_ask(batch, account_id);
    factors_sql_list(batch, account_id);
    store_read(domain->store, &batch, on_listed, listing);
}

struct removal {
    struct domain *domain;
    struct factor_id factor_id;
    struct account_log_entry entry;
    int64_t now_ms;
    factors_operator_removed_fn *done;
    void *arg;
};

/* It is the last to use removal. */
static void finish(struct removal *removal, enum factors_operator_result result)
{
    removal->done(removal->arg, result);
    free(removal);
}

static void on_removed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct removal *removal = arg;

    switch (status) {
    case STORE_OK:
        account_log_tell(removal->domain, &removal->entry);
        finish(removal, FACTORS_OPERATOR_DONE);
        return;
    case STORE_REFUSED:
        finish(removal, store_rows_refused_at(rows) == GUARD_ACCOUNT ? FACTORS_OPERATOR_NO_ACCOUNT
                                                                     : FACTORS_OPERATOR_UNKNOWN);
        return;
    case STORE_FULL:
        finish(removal, FACTORS_OPERATOR_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN: /* asked again, it is found gone */
    case STORE_BROKEN:
        finish(removal, FACTORS_OPERATOR_UNAVAILABLE);
        return;
    }
}

static void on_found(void *arg, enum store_status status, struct store_rows *rows)
{
    struct removal *removal = arg;
    struct store_batch *batch = NULL;
    int64_t account = 0;
    bool has_factor = false;

    if (status != STORE_OK) {
        finish(removal, FACTORS_OPERATOR_UNAVAILABLE);
        return;
    }
    if (!factors_sql_whose(rows, &account, &has_factor, &removal->entry.kind)) {
        finish(removal, FACTORS_OPERATOR_NO_ACCOUNT);
        return;
    }
    if (!has_factor) {
        finish(removal, FACTORS_OPERATOR_UNKNOWN);
        return;
    }
    removal->entry.account = account;
    batch = store_batch_create();
    accounts_sql_expect_there(batch, account);
    factors_sql_expect_remove(batch, account, &removal->factor_id);
    factors_sql_end_loose_codes(batch, account);
    account_log_note(removal->domain, batch, &removal->entry, removal->now_ms);
    store_submit(removal->domain->store, &batch, on_removed, removal);
}

void factors_operator_remove(struct domain *domain, const struct account_id *account_id,
                             const struct factor_id *factor_id, int64_t now_ms,
                             factors_operator_removed_fn *done, void *arg)
{
    struct removal *removal = mem_zeroed(1, sizeof *removal);
    struct store_batch *batch = store_batch_create();

    removal->domain = domain;
    removal->factor_id = *factor_id;
    removal->entry =
        (struct account_log_entry){ .account_id = *account_id, .event = ACCOUNT_LOG_REMOVED };
    removal->now_ms = now_ms;
    removal->done = done;
    removal->arg = arg;
    factors_sql_ask_whose(batch, account_id, factor_id);
    store_read(domain->store, &batch, on_found, removal);
}
