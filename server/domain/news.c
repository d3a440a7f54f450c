/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key says where to look and nothing more.  So to be told too much costs a read,
 * and to have heard nothing for a while is made good by looking everywhere.
 */
#include "server/domain/news.h"

#include <stddef.h>

#include "common/random.h"
#include "server/domain/changes.h"
#include "server/domain/claims.h"
#include "server/domain/domain.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

static void hear(struct domain *domain, int64_t key)
{
    int64_t mailbox = sharing_mailbox_of(key);

    switch (sharing_news_of(key)) {
    case SHARING_CHANGES:
        changes_read(domain, domain->now_ms());
        return;
    case SHARING_MAIL:
        claims_wake(domain, mailbox);
        return;
    case SHARING_STREAM:
        claims_check(domain, mailbox);
        return;
    case SHARING_ACKED:
        claims_check_acked(domain, mailbox);
        return;
    }
}

static void look_everywhere(struct domain *domain)
{
    changes_read(domain, domain->now_ms());
    claims_check_all(domain);
}

static void on_news(void *arg, const int64_t *keys, size_t count)
{
    struct domain *domain = arg;

    for (size_t i = 0; i < count; i++) {
        hear(domain, keys[i]);
    }
    if (count == 0) {
        look_everywhere(domain);
    }
}

void news_begin(struct domain *domain, int64_t (*now_ms)(void))
{
    domain->is_shared = store_is_shared(domain->store);
    domain->now_ms = now_ms;
    if (domain->is_shared) {
        domain->claims = claims_create(domain->keys.tag);
        domain->changes = changes_create();
        random_fill(&domain->life, sizeof domain->life);
        store_set_news(domain->store, on_news, domain);
    }
}

void news_end(struct domain *domain)
{
    claims_destroy(domain->claims);
    changes_destroy(domain->changes);
    domain->claims = NULL;
    domain->changes = NULL;
}

void news_tick(struct domain *domain)
{
    if (domain->is_shared && !store_hears(domain->store)) {
        look_everywhere(domain);
    }
}
