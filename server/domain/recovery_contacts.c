/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every write begins with the command's seq, the ADMIN bit, which holds the account's row, and the
 * step-up.
 */
#include "server/domain/recovery_contacts.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/seal.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/grants.h"
#include "server/domain/recovery_contacts_sql.h"
#include "server/domain/recovery_news.h"
#include "server/domain/sealed.h"
#include "server/store/store.h"

enum {
    HOUR_S = 3600
};

/* What an expected statement of the write says when it yields nothing. */
enum guard {
    GUARD_SEQ = 0,
    GUARD_ADMIN,
    GUARD_STEPUP,
    GUARD_SLOT
};

struct change {
    struct domain *domain;
    int64_t mailbox;
    struct recovery_news news;
    int64_t now_ms;
    recovery_contacts_done_fn *done;
    void *arg;
};

static struct seal_place place_of(const struct account_id *account_id, int64_t slot,
                                  uint8_t contact_id[CRYPTO_SHA256_BYTES])
{
    const uint8_t number = (uint8_t)slot;
    const struct bytes parts[] = { bytes_of(account_id->raw, sizeof account_id->raw),
                                   bytes_of(&number, sizeof number) };

    crypto_sha256(parts, sizeof parts / sizeof parts[0], contact_id);
    return sealed_place(SEALED_SHARE, bytes_of(contact_id, CRYPTO_SHA256_BYTES));
}

bool recovery_contacts_open(const struct domain *domain, const struct account_id *account_id,
                            int64_t slot, struct bytes sealed, uint8_t out[RECOVERY_A_BYTES])
{
    uint8_t contact_id[CRYPTO_SHA256_BYTES];
    const struct seal_place place = place_of(account_id, slot, contact_id);
    struct buf opened = { 0 };
    bool ok = seal_open(domain->seal, &place, sealed, &opened) && opened.size == RECOVERY_A_BYTES;

    if (ok) {
        memcpy(out, opened.at, RECOVERY_A_BYTES);
    } else {
        log_error("recovery_contacts.unreadable",
                  "account=%s why=\"damaged, or its seal key is not in key_dir\"",
                  log_id(bytes_of(account_id->raw, sizeof account_id->raw)).text);
    }
    mem_wipe(opened.at, opened.size);
    buf_clear(&opened);
    return ok;
}

void recovery_contacts_open_decoy(const struct domain *domain)
{
    const struct account_id nobody = { { 0 } };
    uint8_t contact_id[CRYPTO_SHA256_BYTES];
    const struct seal_place place = place_of(&nobody, 0, contact_id);

    seal_open_decoy(domain->seal, &place, RECOVERY_A_BYTES);
}

static void finish(struct change *change, enum recovery_contacts_result result, int64_t last_seq)
{
    change->done(change->arg, result, last_seq);
    free(change);
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        finish(arg, RECOVERY_CONTACTS_UNAVAILABLE, 0);
    } else {
        finish(arg, RECOVERY_CONTACTS_REPLAYED, last_seq);
    }
}

static void refuse(struct change *change, size_t refused_at)
{
    switch ((enum guard)refused_at) {
    case GUARD_SEQ:
        commands_last(change->domain, change->mailbox, on_last, change);
        return;
    case GUARD_ADMIN:
        finish(change, RECOVERY_CONTACTS_NOT_ADMIN, 0);
        return;
    case GUARD_STEPUP:
        finish(change, RECOVERY_CONTACTS_STEPUP, 0);
        return;
    case GUARD_SLOT:
        finish(change, RECOVERY_CONTACTS_UNKNOWN, 0);
        return;
    }
    CHECK_UNREACHABLE();
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct change *change = arg;

    switch (status) {
    case STORE_OK:
        recovery_news_tell(change->domain, &change->news);
        finish(change, RECOVERY_CONTACTS_DONE, 0);
        return;
    case STORE_REFUSED:
        refuse(change, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish(change, RECOVERY_CONTACTS_STORAGE_FULL, 0);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish(change, RECOVERY_CONTACTS_UNAVAILABLE, 0);
        return;
    }
}

static struct change *change_create(struct domain *domain,
                                    const struct recovery_contacts_order *order, int64_t now_ms,
                                    recovery_contacts_done_fn *done, void *arg)
{
    struct change *change = mem_zeroed(1, sizeof *change);

    CHECK(order->slot >= 1 && order->slot <= LIMIT_RECOVERY_SLOTS);
    change->domain = domain;
    change->mailbox = order->guard->mailbox;
    change->news = (struct recovery_news){ .account = order->account,
                                           .account_id = order->account_id,
                                           .device_id = order->device_id };
    change->now_ms = now_ms;
    change->done = done;
    change->arg = arg;
    return change;
}

static struct store_batch *guarded_batch(const struct recovery_contacts_order *order,
                                         int64_t now_ms)
{
    struct store_batch *batch = store_batch_create();

    commands_spend(batch, order->guard);
    accounts_sql_expect_admin(batch, order->account, order->guard->mailbox);
    grants_expect_stepup(batch, order->account, order->grant, now_ms);
    return batch;
}

static void submit(struct change *change, struct store_batch *batch)
{
    recovery_news_note(change->domain, batch, &change->news, change->now_ms);
    store_submit(change->domain->store, &batch, on_written, change);
}

void recovery_contacts_put(struct domain *domain, const struct recovery_contacts_order *order,
                           int64_t now_ms, recovery_contacts_done_fn *done, void *arg)
{
    struct change *change = change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = guarded_batch(order, now_ms);
    const struct recovery_contacts_view view = { .slot = order->slot,
                                                 .label = order->label,
                                                 .created_at = now_ms / 1000 / HOUR_S * HOUR_S };
    uint8_t contact_id[CRYPTO_SHA256_BYTES];
    const struct seal_place place = place_of(&order->account_id, order->slot, contact_id);
    struct buf sealed = { 0 };

    change->news.event = ACCOUNT_LOG_CONTACT_PUT;
    seal_close(domain->seal, &place, bytes_of(order->a, sizeof order->a), &sealed);
    recovery_contacts_sql_put(batch, order->account, &view, place.row, buf_view(&sealed));
    buf_clear(&sealed);
    submit(change, batch);
}

void recovery_contacts_remove(struct domain *domain, const struct recovery_contacts_order *order,
                              int64_t now_ms, recovery_contacts_done_fn *done, void *arg)
{
    struct change *change = change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = guarded_batch(order, now_ms);

    change->news.event = ACCOUNT_LOG_CONTACT_REMOVED;
    recovery_contacts_sql_expect_remove(batch, order->account, order->slot);
    submit(change, batch);
}

struct listing {
    recovery_contacts_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct recovery_contacts_view views[LIMIT_RECOVERY_SLOTS];
    size_t count = 0;

    while (status == STORE_OK && count < LIMIT_RECOVERY_SLOTS &&
           recovery_contacts_sql_next(rows, &views[count])) {
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, views, count);
    free(listing);
}

void recovery_contacts_list(struct domain *domain, const struct account_id *account_id,
                            recovery_contacts_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = store_batch_create();

    listing->done = done;
    listing->arg = arg;
    recovery_contacts_sql_list(batch, account_id);
    store_read(domain->store, &batch, on_listed, listing);
}
