/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/recovery_contacts_sql.h"

#include "server/store/store.h"

static const struct store_stmt put = {
    .name = "recovery_contacts.put",
    .sql = "INSERT INTO recovery_contacts (contact_id, account, slot, share, label, created_at)"
           " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, slot) DO UPDATE"
           " SET share = $4, label = $5, created_at = $6",
};

static const struct store_stmt expect_remove = {
    .name = "recovery_contacts.expect_remove",
    .sql = "DELETE FROM recovery_contacts WHERE account = $1 AND slot = $2",
};

static const struct store_stmt end_account = {
    .name = "recovery_contacts.end_account",
    .sql = "DELETE FROM recovery_contacts WHERE account = $1",
};

static const struct store_stmt list = {
    .name = "recovery_contacts.list",
    .sql = "SELECT c.slot, c.label, c.created_at FROM accounts a"
           " JOIN recovery_contacts c ON c.account = a.account WHERE a.account_id = $1"
           " ORDER BY c.slot",
};

void recovery_contacts_sql_put(struct store_batch *batch, int64_t account,
                               const struct recovery_contacts_view *view, struct bytes contact_id,
                               struct bytes sealed)
{
    store_batch_add(batch, &put);
    store_bind_bytes(batch, contact_id);
    store_bind_int(batch, account);
    store_bind_int(batch, view->slot);
    store_bind_bytes(batch, sealed);
    store_bind_bytes(batch, view->label);
    store_bind_int(batch, view->created_at);
}

void recovery_contacts_sql_expect_remove(struct store_batch *batch, int64_t account, int64_t slot)
{
    store_batch_expect(batch, &expect_remove);
    store_bind_int(batch, account);
    store_bind_int(batch, slot);
}

void recovery_contacts_sql_end_account(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &end_account);
    store_bind_int(batch, account);
}

void recovery_contacts_sql_list(struct store_batch *batch, const struct account_id *account_id)
{
    store_batch_add(batch, &list);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

bool recovery_contacts_sql_next(struct store_rows *rows, struct recovery_contacts_view *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct recovery_contacts_view){ .slot = store_rows_int(rows, 0),
                                            .label = store_rows_bytes(rows, 1),
                                            .created_at = store_rows_int(rows, 2) };
    return true;
}
