/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/account_log.h"

#include <stdlib.h>

#include "common/check.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/domain/account_log_sql.h"
#include "server/domain/changes.h"
#include "server/domain/directory.h"
#include "server/domain/hub.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400
};

const char *account_log_event_text(enum account_log_event event)
{
    switch (event) {
    case ACCOUNT_LOG_ENROLLED:
        return "enrolled";
    case ACCOUNT_LOG_REMOVED:
        return "removed";
    case ACCOUNT_LOG_USED:
        return "used";
    case ACCOUNT_LOG_CLONE_WARNING:
        return "clone_warning";
    }
    CHECK_UNREACHABLE();
}

bool account_log_is_operators(enum account_log_event event, uint32_t device_id)
{
    return event == ACCOUNT_LOG_REMOVED && device_id == 0;
}

void account_log_event_of(const struct account_log_entry *entry, struct hub_event *out)
{
    *out = (struct hub_event){ .kind = HUB_EVENT_FACTOR,
                               .factor_event = entry->event,
                               .factor_kind = entry->kind,
                               .purpose = entry->purpose,
                               .device_id = entry->device_id };
}

void account_log_note(const struct domain *domain, struct store_batch *batch,
                      const struct account_log_entry *entry, int64_t now_ms)
{
    struct account_log_entry row = *entry;

    row.at = now_ms / 1000 / HOUR_S * HOUR_S;
    account_log_sql_put(batch, &row);
    changes_note_factor(domain, batch, entry);
}

struct telling {
    struct domain *domain;
    struct account_log_entry entry;
};

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct telling *telling = arg;
    struct hub_event event;

    account_log_event_of(&telling->entry, &event);
    for (size_t i = 0; ok && head != NULL && i < head->device_count; i++) {
        hub_tell(telling->domain->hub, &head->devices[i].pub, &event);
    }
    free(telling);
}

void account_log_tell(struct domain *domain, const struct account_log_entry *entry)
{
    struct telling *telling = mem_zeroed(1, sizeof *telling);

    telling->domain = domain;
    telling->entry = *entry;
    directory_load(domain, &entry->account_id, on_head, telling);
}

struct listing {
    account_log_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct account_log_entry *entries = mem_zeroed(ACCOUNT_LOG_PAGE, sizeof *entries);
    size_t count = 0;

    while (status == STORE_OK && count < ACCOUNT_LOG_PAGE &&
           account_log_sql_next(rows, &entries[count])) {
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, entries, count);
    free(entries);
    free(listing);
}

void account_log_list(struct domain *domain, int64_t account, int64_t after,
                      account_log_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = account_log_sql_list(account, after, ACCOUNT_LOG_PAGE);

    listing->done = done;
    listing->arg = arg;
    store_read(domain->store, &batch, on_listed, listing);
}

void account_log_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "account_log.purge", .done = done, .arg = arg };
    int64_t before_s = now_ms / 1000 - (int64_t)LIMIT_ACCOUNT_LOG_DAYS * DAY_S;
    struct store_batch *batch = account_log_sql_purge(before_s, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
