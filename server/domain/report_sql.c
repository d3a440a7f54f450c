/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/report_sql.h"

#include <stddef.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"
#include "server/domain/body.h"
#include "server/domain/columns.h"
#include "server/domain/factors.h"
#include "server/domain/factors_sql.h"
#include "server/domain/handles_sql.h"
#include "server/domain/holds.h"
#include "server/domain/holds_sql.h"
#include "server/domain/recoveries.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_contacts.h"
#include "server/domain/recovery_contacts_sql.h"
#include "server/store/store.h"

static const struct store_stmt account = {
    .name = "report.account",
    .sql = "SELECT a.account_id, a.epoch, a.head_hash, a.created_day, a.seen_day,"
           " (SELECT count(*) FROM manifests m WHERE m.account = a.account),"
           " (SELECT count(*) FROM left_devices l WHERE l.account = a.account)"
           " FROM accounts a WHERE a.account_id = $1",
};

static const struct store_stmt devices = {
    .name = "report.devices",
    .sql =
        "SELECT d.device_id, d.device_pub, d.flags, d.added_epoch, d.seen_day, d.command_seq,"
        " d.idle_state, d.registration_id FROM accounts a JOIN devices d ON d.account = a.account"
        " WHERE a.account_id = $1 ORDER BY d.device_id",
};

static const struct store_stmt mail = {
    .name = "report.mail",
    .sql = "SELECT d.device_id, e.kind, count(*), sum(length(e.body))"
           " FROM accounts a JOIN devices d ON d.account = a.account"
           " JOIN envelopes e ON e.mailbox = d.mailbox"
           " WHERE a.account_id = $1 GROUP BY d.device_id, e.kind",
};

static const struct store_stmt sessions = {
    .name = "report.sessions",
    .sql = "SELECT s.device_id, s.expires_at"
           " FROM accounts a JOIN sessions s ON s.account = a.account"
           " WHERE a.account_id = $1 ORDER BY s.device_id, s.expires_at",
};

static const struct store_stmt keys = {
    .name = "report.keys",
    .sql = "SELECT d.device_id, k.slot, count(*)"
           " FROM accounts a JOIN devices d ON d.account = a.account"
           " JOIN keys k ON k.mailbox = d.mailbox"
           " WHERE a.account_id = $1 GROUP BY d.device_id, k.slot ORDER BY d.device_id, k.slot",
};

static const struct store_stmt spent = {
    .name = "report.spent_keys",
    .sql = "SELECT d.device_id, count(*) FROM accounts a JOIN devices d ON d.account = a.account"
           " JOIN spent_keys s ON s.mailbox = d.mailbox"
           " WHERE a.account_id = $1 GROUP BY d.device_id",
};

static const struct store_stmt txns = {
    .name = "report.txns",
    .sql = "SELECT (SELECT count(*) FROM txns t WHERE t.account = a.account AND t.account > 0),"
           " (SELECT count(*) FROM txn_challenges c WHERE c.account = a.account AND c.account > 0),"
           " (SELECT count(*) FROM guesses g WHERE g.subject = $2),"
           " (SELECT count(*) FROM grants g WHERE g.account = a.account),"
           " (SELECT count(*) FROM account_log l WHERE l.account = a.account),"
           " (SELECT count(*) FROM links n WHERE n.account = a.account AND n.account > 0),"
           " (SELECT count(*) FROM link_prompts p WHERE p.subject = $2)"
           " FROM accounts a WHERE a.account_id = $1",
};

enum {
    AT_ACCOUNT = 0,
    AT_DEVICES,
    AT_MAIL,
    AT_SESSIONS,
    AT_KEYS,
    AT_SPENT,
    AT_HANDLES,
    AT_HOLDS,
    AT_FACTORS,
    AT_TXNS,
    AT_RECOVERIES,
    AT_CONTACTS
};

static void ask(struct store_batch *batch, const struct store_stmt *stmt,
                const struct account_id *account_id)
{
    store_batch_add(batch, stmt);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

struct store_batch *report_sql_ask(const struct account_id *account_id, int64_t subject)
{
    struct store_batch *batch = store_batch_create();

    ask(batch, &account, account_id);
    ask(batch, &devices, account_id);
    ask(batch, &mail, account_id);
    ask(batch, &sessions, account_id);
    ask(batch, &keys, account_id);
    ask(batch, &spent, account_id);
    handles_sql_ask_account(batch, account_id);
    holds_sql_ask_whole(batch, account_id);
    factors_sql_list(batch, account_id);
    ask(batch, &txns, account_id);
    store_bind_int(batch, subject);
    recoveries_sql_list(batch, account_id, 0);
    recovery_contacts_sql_list(batch, account_id);
    return batch;
}

static void fill_devices(struct store_rows *rows, struct report *out)
{
    store_rows_select(rows, AT_DEVICES);
    while (out->device_count < LIMIT_MANIFEST_DEVICES && store_rows_next(rows)) {
        struct report_device *device = &out->devices[out->device_count];

        device->device_id = (uint32_t)store_rows_int(rows, 0);
        columns_exact(rows, 1, device->device_pub.raw, sizeof device->device_pub.raw);
        device->flags = (uint8_t)store_rows_int(rows, 2);
        device->added_epoch = (uint64_t)store_rows_int(rows, 3);
        device->seen_day = store_rows_int(rows, 4);
        device->command_seq = store_rows_int(rows, 5);
        device->idle_state = store_rows_int(rows, 6);
        device->has_registration = !store_rows_is_null(rows, 7);
        device->registration_id = device->has_registration ? (uint32_t)store_rows_int(rows, 7) : 0;
        out->device_count++;
    }
}

static struct report_device *device_of(struct report *report, uint32_t device_id)
{
    for (size_t i = 0; i < report->device_count; i++) {
        if (report->devices[i].device_id == device_id) {
            return &report->devices[i];
        }
    }
    return NULL;
}

static void fill_mail(struct store_rows *rows, struct report *out)
{
    store_rows_select(rows, AT_MAIL);
    while (store_rows_next(rows)) {
        struct report_device *device = device_of(out, (uint32_t)store_rows_int(rows, 0));
        int64_t count = store_rows_int(rows, 2);

        if (device != NULL && store_rows_int(rows, 1) == 0) {
            device->envelope_count = count;
            device->envelope_bytes = store_rows_int(rows, 3) - count * (int64_t)BODY_OVERHEAD_BYTES;
        } else if (device != NULL) {
            device->gap_count = count;
        }
    }
}

static void fill_keys(struct store_rows *rows, struct report *out)
{
    store_rows_select(rows, AT_KEYS);
    while (store_rows_next(rows)) {
        struct report_device *device = device_of(out, (uint32_t)store_rows_int(rows, 0));
        struct bytes slot = store_rows_bytes(rows, 1);

        if (device != NULL && device->pool_count < REPORT_POOLS_MAX) {
            struct report_pool *pool = &device->pools[device->pool_count];

            CHECK(slot.size < sizeof pool->slot);
            memcpy(pool->slot, slot.at, slot.size);
            pool->count = store_rows_int(rows, 2);
            device->pool_count++;
        }
    }
    store_rows_select(rows, AT_SPENT);
    while (store_rows_next(rows)) {
        struct report_device *device = device_of(out, (uint32_t)store_rows_int(rows, 0));

        if (device != NULL) {
            device->spent_count = store_rows_int(rows, 1);
        }
    }
}

static void fill_holds(struct store_rows *rows, struct report *out)
{
    store_rows_select(rows, AT_HOLDS);
    while (out->hold_count < HOLDS_MAX &&
           holds_sql_next_whole(rows, &out->holds[out->hold_count])) {
        out->hold_count++;
    }
}

/* The labels are borrowed from the rows. */
static void fill_factors(struct store_rows *rows, struct report *out)
{
    struct factors_row row;

    store_rows_select(rows, AT_FACTORS);
    while (out->factor_count < FACTORS_LIST_MAX && factors_sql_next(rows, &row)) {
        factors_view_of(&row, &out->factors[out->factor_count]);
        out->factor_count++;
    }
    store_rows_select(rows, AT_TXNS);
    if (store_rows_next(rows)) {
        out->txn_count = store_rows_int(rows, 0);
        out->challenge_count = store_rows_int(rows, 1);
        out->guess_count = store_rows_int(rows, 2);
        out->grant_count = store_rows_int(rows, 3);
        out->log_count = store_rows_int(rows, 4);
        out->link_count = store_rows_int(rows, 5);
        out->prompt_count = store_rows_int(rows, 6);
    }
}

static void fill_recovery(struct store_rows *rows, struct report *out)
{
    store_rows_select(rows, AT_RECOVERIES);
    while (out->recovery_count < RECOVERIES_LIST_MAX &&
           recoveries_sql_next(rows, &out->recoveries[out->recovery_count])) {
        out->recovery_count++;
    }
    store_rows_select(rows, AT_CONTACTS);
    while (out->contact_count < LIMIT_RECOVERY_SLOTS &&
           recovery_contacts_sql_next(rows, &out->contacts[out->contact_count])) {
        out->contact_count++;
    }
}

bool report_sql_fill(struct store_rows *rows, struct report *out)
{
    store_rows_select(rows, AT_ACCOUNT);
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out->account_id.raw, sizeof out->account_id.raw);
    out->epoch = (uint64_t)store_rows_int(rows, 1);
    columns_exact(rows, 2, out->hash.raw, sizeof out->hash.raw);
    out->created_day = store_rows_int(rows, 3);
    out->seen_day = store_rows_int(rows, 4);
    out->manifest_count = store_rows_int(rows, 5);
    out->left_count = store_rows_int(rows, 6);
    fill_devices(rows, out);
    fill_mail(rows, out);
    fill_keys(rows, out);
    fill_holds(rows, out);
    fill_factors(rows, out);
    fill_recovery(rows, out);
    return true;
}

void report_sql_turn_to_sessions(struct store_rows *rows)
{
    store_rows_select(rows, AT_SESSIONS);
}

bool report_sql_next_session(struct store_rows *rows, uint32_t *out_device_id,
                             int64_t *out_expires_at)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_device_id = (uint32_t)store_rows_int(rows, 0);
    *out_expires_at = store_rows_int(rows, 1);
    return true;
}

void report_sql_turn_to_handles(struct store_rows *rows)
{
    store_rows_select(rows, AT_HANDLES);
}
