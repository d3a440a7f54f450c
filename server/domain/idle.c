/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   find -> mark (warn, close) -> load the closed mailboxes -> empty one after the other
 */
#include "server/domain/idle.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/ids.h"
#include "common/mem.h"
#include "server/domain/changes.h"
#include "server/domain/directory.h"
#include "server/domain/hub.h"
#include "server/domain/idle_sql.h"
#include "server/domain/losses.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

enum {
    STATE_WARNED = 1,
    STATE_CLOSED = 2,
    MS_A_DAY = 86400000
};

struct idle_run {
    struct domain *domain;
    int64_t now_ms;
    int64_t today;
    domain_purged_fn *done;
    void *arg;
    int64_t warn_before, close_before;
    size_t touched;
    size_t warn_count, closed_count, empty_count, next;
    struct idle_row to_warn[IDLE_BATCH];
    struct idle_row closed[2 * IDLE_BATCH]; /* to close, and closed before and not empty */
};

struct telling {
    struct domain *domain;
    uint32_t device_id;
    int64_t days;
};

static void idle_end(struct idle_run *run)
{
    run->done(run->arg, run->touched);
    free(run);
}

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct telling *telling = arg;
    struct hub_event event = {
        .kind = HUB_EVENT_DEVICE_IDLE,
        .device_id = telling->device_id,
        .days = telling->days,
    };

    for (size_t i = 0; ok && head != NULL && i < head->device_count; i++) {
        if (head->devices[i].device_id != telling->device_id) {
            hub_tell(telling->domain->hub, &head->devices[i].pub, &event);
        }
    }
    free(telling);
}

static void idle_tell(struct idle_run *run, const struct idle_row *row)
{
    struct telling *telling = mem_zeroed(1, sizeof *telling);

    telling->domain = run->domain;
    telling->device_id = row->device_id;
    telling->days = run->today - row->seen_day;
    changes_tell_idle(run->domain, row->account, row->device_id, telling->days);
    directory_load(run->domain, &row->account_id, on_head, telling);
}

static void idle_empty_next(struct idle_run *run);

static void on_emptied(void *arg, bool more)
{
    struct idle_run *run = arg;

    run->next += more ? 0 : 1;
    idle_empty_next(run);
}

static void idle_empty_next(struct idle_run *run)
{
    struct mailbox *mailbox = NULL;

    while (run->next < run->closed_count && mailbox == NULL) {
        mailbox = mailboxes_cached(run->domain->mailboxes, &run->closed[run->next].pub);
        run->next += mailbox == NULL || !mailbox->closed ? 1 : 0;
        mailbox = mailbox != NULL && mailbox->closed ? mailbox : NULL;
    }
    if (mailbox == NULL) {
        idle_end(run);
    } else {
        losses_empty_idle(run->domain, mailbox, run->now_ms, on_emptied, run);
    }
}

static void on_loaded(void *arg, bool ok)
{
    struct idle_run *run = arg;

    if (ok) {
        idle_empty_next(run);
    } else {
        idle_end(run);
    }
}

static void idle_load(struct idle_run *run)
{
    struct device_pub pubs[2 * IDLE_BATCH];

    for (size_t i = 0; i < run->closed_count; i++) {
        pubs[i] = run->closed[i].pub;
        if (i >= run->closed_count - run->empty_count) { /* another daemon may have closed it */
            mailboxes_set_closed(run->domain->mailboxes, &pubs[i], true);
        }
    }
    mailboxes_load(run->domain, pubs, run->closed_count, on_loaded, run);
}

static void on_marked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct idle_run *run = arg;

    if (status != STORE_OK) {
        idle_end(run);
        return;
    }
    for (size_t i = 0; i < run->warn_count; i++) {
        store_rows_select(rows, i);
        if (idle_sql_marked(rows)) {
            run->touched++;
            idle_tell(run, &run->to_warn[i]);
        }
    }
    for (size_t i = 0; i < run->closed_count - run->empty_count; i++) {
        store_rows_select(rows, run->warn_count + i);
        if (idle_sql_marked(rows)) {
            run->touched++;
            mailboxes_set_closed(run->domain->mailboxes, &run->closed[i].pub, true);
        }
    }
    idle_load(run);
}

static void idle_mark(struct idle_run *run)
{
    struct store_batch *batch = store_batch_create();

    for (size_t i = 0; i < run->warn_count; i++) {
        sharing_lock(batch, run->to_warn[i].mailbox);
        idle_sql_mark(batch, run->to_warn[i].mailbox, STATE_WARNED, run->warn_before);
    }
    for (size_t i = 0; i < run->closed_count - run->empty_count; i++) {
        sharing_lock(batch, run->closed[i].mailbox);
        idle_sql_mark(batch, run->closed[i].mailbox, STATE_CLOSED, run->close_before);
    }
    store_submit(run->domain->store, &batch, on_marked, run);
}

static void on_found(void *arg, enum store_status status, struct store_rows *rows)
{
    struct idle_run *run = arg;

    if (status != STORE_OK) {
        idle_end(run);
        return;
    }
    while (run->warn_count < IDLE_BATCH && idle_sql_row(rows, &run->to_warn[run->warn_count])) {
        run->warn_count++;
    }
    store_rows_select(rows, 1);
    while (run->closed_count < IDLE_BATCH && idle_sql_row(rows, &run->closed[run->closed_count])) {
        run->closed_count++;
    }
    store_rows_select(rows, 2);
    while (run->empty_count < IDLE_BATCH && idle_sql_row(rows, &run->closed[run->closed_count])) {
        run->closed_count++;
        run->empty_count++;
    }
    if (run->warn_count + run->closed_count == 0) {
        idle_end(run);
    } else {
        idle_mark(run);
    }
}

void idle_run(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    struct idle_run *run = mem_zeroed(1, sizeof *run);
    const struct domain_settings *settings = &domain->settings;
    struct store_batch *batch = NULL;

    run->domain = domain;
    run->now_ms = now_ms;
    run->today = now_ms / MS_A_DAY;
    run->done = done;
    run->arg = arg;
    run->warn_before =
        settings->idle_device_warn_days > 0 ? run->today - settings->idle_device_warn_days : 0;
    run->close_before =
        settings->idle_device_close_days > 0 ? run->today - settings->idle_device_close_days : 0;
    batch = idle_sql_find(run->warn_before, run->close_before, IDLE_BATCH);
    store_read(domain->store, &batch, on_found, run);
}
