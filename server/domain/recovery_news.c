/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/recovery_news.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/changes.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"

void recovery_news_note(const struct domain *domain, struct store_batch *batch,
                        const struct recovery_news *news, int64_t now_ms)
{
    const struct account_log_entry entry = { .account = news->account,
                                             .event = news->event,
                                             .device_id = news->device_id };

    account_log_keep(batch, &entry, now_ms);
    changes_note_recovery(domain, batch, news);
}

void recovery_news_event(const struct recovery_news *news, struct hub_event *out)
{
    *out = (struct hub_event){ .kind = HUB_EVENT_RECOVERY,
                               .recovery_event = news->event,
                               .device_id = news->device_id,
                               .recovery_id = news->recovery_id,
                               .held_until = news->wait_until,
                               .expires_at = news->expires_at };
}

struct telling {
    struct domain *domain;
    struct recovery_news news;
};

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct telling *telling = arg;
    struct hub_event event;

    recovery_news_event(&telling->news, &event);
    for (size_t i = 0; ok && head != NULL && i < head->device_count; i++) {
        hub_tell(telling->domain->hub, &head->devices[i].pub, &event);
    }
    free(telling);
}

void recovery_news_tell(struct domain *domain, const struct recovery_news *news)
{
    struct telling *telling = NULL;

    if (news->account == 0) {
        return;
    }
    telling = mem_zeroed(1, sizeof *telling);
    telling->domain = domain;
    telling->news = *news;
    directory_load(domain, &news->account_id, on_head, telling);
}
