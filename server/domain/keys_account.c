/* SPDX-License-Identifier: Apache-2.0 */
/* READ (devices) -> unknown, or READ (the stock of each) -> done */
#include "server/domain/keys_account.h"

#include <stdlib.h>

#include "common/limits.h"
#include "common/mem.h"
#include "server/domain/devices_sql.h"
#include "server/domain/domain.h"
#include "server/domain/keys_stock_sql.h"
#include "server/store/store.h"

struct keys_account {
    const struct domain *domain;
    int64_t now_s;
    keys_account_fn *done;
    void *arg;
    size_t count;
    struct keys_account_device devices[LIMIT_MANIFEST_DEVICES];
};

static void finish(struct keys_account *account, bool ok)
{
    account->done(account->arg, ok, ok && account->count > 0 ? account->devices : NULL,
                  account->count);
    free(account);
}

static void on_stock(void *arg, enum store_status status, struct store_rows *rows)
{
    struct keys_account *account = arg;

    for (size_t i = 0; status == STORE_OK && i < account->count; i++) {
        keys_stock_sql_fill(rows, i * KEYS_STOCK_STATEMENTS, account->domain->slots, account->now_s,
                            &account->devices[i].stock);
    }
    finish(account, status == STORE_OK);
}

/* An account has at least one device. */
static void on_devices(void *arg, enum store_status status, struct store_rows *rows)
{
    struct keys_account *account = arg;
    struct store_batch *batch = NULL;
    struct devices_row row;

    if (status != STORE_OK) {
        finish(account, false);
        return;
    }
    batch = store_batch_create();
    while (account->count < LIMIT_MANIFEST_DEVICES && devices_sql_next(rows, &row)) {
        account->devices[account->count].device_id = row.device_id;
        keys_stock_sql_ask(batch, row.mailbox, account->now_s);
        account->count++;
    }
    if (account->count == 0) {
        store_batch_destroy(batch);
        finish(account, true);
        return;
    }
    store_read(account->domain->store, &batch, on_stock, account);
}

void keys_count_account(struct domain *domain, const struct account_id *account_id, int64_t now_ms,
                        keys_account_fn *done, void *arg)
{
    struct keys_account *account = mem_zeroed(1, sizeof *account);
    struct store_batch *batch = store_batch_create();

    account->domain = domain;
    account->now_s = now_ms / 1000;
    account->done = done;
    account->arg = arg;
    devices_sql_ask_all(batch, account_id);
    store_read(domain->store, &batch, on_devices, account);
}
