/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of sessions.  The statements that delete name what they deleted, so
 * memory and streams lose exactly those; when it is uncertain what was
 * committed, memory loses all and every request asks the store.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/changes.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/purge.h"
#include "server/domain/sessions.h"
#include "server/domain/sessions_sql.h"
#include "server/store/store.h"

struct ending {
    struct domain *domain;
    int64_t now_ms;
    size_t first_at; /* the statements that yield ended sessions, from here ... */
    size_t stop_at;  /* ... to before here */
    int64_t mailbox; /* of the command's device */
    sessions_ended_fn *done;
    void *arg;
};

static void finish(struct ending *ending, enum sessions_result result, size_t count,
                   int64_t last_seq)
{
    ending->done(ending->arg, result, count, last_seq);
    free(ending);
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct ending *ending = arg;

    if (!ok) {
        finish(ending, SESSIONS_UNAVAILABLE, 0, 0);
    } else if (last_seq < 0) {
        finish(ending, SESSIONS_GONE, 0, 0);
    } else {
        finish(ending, SESSIONS_REPLAYED, 0, last_seq);
    }
}

static void succeed(struct ending *ending, struct store_rows *rows)
{
    size_t count = 0;

    for (size_t i = ending->first_at; i < ending->stop_at; i++) {
        store_rows_select(rows, i);
        count += sessions_dropped(ending->domain, rows, ending->now_ms);
    }
    finish(ending, SESSIONS_OK, count, 0);
}

static void on_ended(void *arg, enum store_status status, struct store_rows *rows)
{
    struct ending *ending = arg;

    switch (status) {
    case STORE_OK:
        succeed(ending, rows);
        return;
    case STORE_REFUSED:
        commands_last(ending->domain, ending->mailbox, on_last, ending);
        return;
    case STORE_FULL:
        finish(ending, SESSIONS_STORAGE_FULL, 0, 0);
        return;
    case STORE_UNCERTAIN:
        sessions_forget_all(ending->domain);
        finish(ending, SESSIONS_UNAVAILABLE, 0, 0);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish(ending, SESSIONS_UNAVAILABLE, 0, 0);
        return;
    }
}

static struct ending *ending_create(struct domain *domain, int64_t now_ms, sessions_ended_fn *done,
                                    void *arg)
{
    struct ending *ending = mem_zeroed(1, sizeof *ending);

    ending->domain = domain;
    ending->now_ms = now_ms;
    ending->done = done;
    ending->arg = arg;
    return ending;
}

void sessions_end(struct domain *domain, const struct session_hash *hash, int64_t now_ms,
                  sessions_ended_fn *done, void *arg)
{
    struct ending *ending = ending_create(domain, now_ms, done, arg);
    struct store_batch *batch = store_batch_create();

    changes_note_session(domain, batch, hash);
    ending->first_at = store_batch_size(batch);
    sessions_sql_end(batch, hash);
    ending->stop_at = store_batch_size(batch);
    store_submit(domain->store, &batch, on_ended, ending);
}

void sessions_revoke(struct domain *domain, const struct command_guard *guard,
                     const struct sessions_revocation *revocation, int64_t now_ms,
                     sessions_ended_fn *done, void *arg)
{
    struct ending *ending = ending_create(domain, now_ms, done, arg);
    struct store_batch *batch = store_batch_create();

    ending->mailbox = guard->mailbox;
    commands_spend(batch, guard);
    ending->first_at = store_batch_size(batch);
    if (revocation->device_ids == NULL) {
        sessions_sql_end_others(batch, revocation->account, &revocation->caller);
    } else {
        for (size_t i = 0; i < revocation->device_count; i++) {
            sessions_sql_end_device(batch, revocation->account, revocation->device_ids[i]);
        }
    }
    ending->stop_at = store_batch_size(batch);
    changes_note_sessions(domain, batch, revocation->account);
    store_submit(domain->store, &batch, on_ended, ending);
}

static void on_gone(struct domain *domain, struct store_rows *rows, int64_t now_ms)
{
    (void)sessions_dropped(domain, rows, now_ms);
}

void sessions_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = {
        .event = "sessions.purge", .gone = on_gone, .done = done, .arg = arg
    };
    struct store_batch *batch = sessions_sql_purge(now_ms / 1000, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
