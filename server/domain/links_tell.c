/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who hears of a link: whoever waits for it, the devices of its account, the account's log, and
 * other daemons, which tell those that are there.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/ids.h"
#include "common/mem.h"
#include "server/domain/account_log.h"
#include "server/domain/changes.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/link_watches.h"
#include "server/domain/links_private.h"
#include "server/store/store.h"

static struct hub_link hub_link_of(const struct links_news *news)
{
    return (struct hub_link){ .event = news->event,
                              .link_id = news->link_id,
                              .device_id = news->device_id,
                              .expires_at = news->expires_at,
                              .name = news->name };
}

void links_note(const struct domain *domain, struct store_batch *batch,
                const struct links_news *news, int64_t now_ms)
{
    const struct account_log_entry entry = { .account = news->account,
                                             .account_id = news->account_id,
                                             .event = news->event,
                                             .device_id = news->device_id };
    const struct hub_link link = hub_link_of(news);

    if (news->account == 0) {
        links_note_change(domain, batch, &news->link_id);
        return;
    }
    account_log_note(domain, batch, &entry, now_ms);
    changes_note_link(domain, batch, news->account, &link);
}

void links_note_change(const struct domain *domain, struct store_batch *batch,
                       const struct link_id *link_id)
{
    changes_note_link(domain, batch, 0, &(struct hub_link){ .link_id = *link_id });
}

struct telling {
    struct domain *domain;
    struct hub_link link; /* its name is in text */
    struct buf text;
};

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct telling *telling = arg;
    const struct hub_event event = { .kind = HUB_EVENT_LINK, .link = &telling->link };

    for (size_t i = 0; ok && head != NULL && i < head->device_count; i++) {
        hub_tell(telling->domain->hub, &head->devices[i].pub, &event);
    }
    buf_clear(&telling->text);
    free(telling);
}

void links_tell(struct domain *domain, const struct links_news *news)
{
    struct telling *telling = NULL;

    link_watches_tell(domain->link_watches, &news->link_id);
    if (news->account == 0) {
        return;
    }
    telling = mem_zeroed(1, sizeof *telling);
    telling->domain = domain;
    telling->link = hub_link_of(news);
    buf_append(&telling->text, news->name);
    telling->link.name = buf_view(&telling->text);
    directory_load(domain, &news->account_id, on_head, telling);
}
