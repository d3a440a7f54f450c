/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is over is read, and each is ended by a write of its own, which finds nothing to do when
 * another daemon was faster.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/links.h"
#include "server/domain/links_private.h"
#include "server/domain/links_sql.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

enum {
    OVER_AT_ONCE = 64
};

struct ending {
    struct domain *domain;
    size_t waiting; /* writes under way */
    int64_t now_ms;
    domain_purged_fn *done;
    void *arg;
};

/* A link that is being ended. */
struct ended {
    struct ending *ending;
    struct links_news news;
};

static void ending_step(struct ending *ending)
{
    ending->waiting--;
    if (ending->waiting == 0) {
        ending->done(ending->arg, 0); /* what is left is for the next turn */
        free(ending);
    }
}

static void on_ended(void *arg, enum store_status status, struct store_rows *rows)
{
    struct ended *ended = arg;

    (void)rows;
    if (status == STORE_OK) {
        metrics_add(METRIC_links_expired, 1);
        links_tell(ended->ending->domain, &ended->news);
    } else if (status != STORE_REFUSED) {
        log_warn("links.expire", "status=%d", (int)status);
    }
    ending_step(ended->ending);
    free(ended);
}

static void end_one(struct ending *ending, const struct links_row *row)
{
    struct ended *ended = mem_zeroed(1, sizeof *ended);
    struct store_batch *batch = store_batch_create();
    const struct links_change change = { .link_id = &row->link_id,
                                         .version = row->version,
                                         .now_s = ending->now_ms / 1000 };

    ended->ending = ending;
    ended->news = (struct links_news){ .event = ACCOUNT_LOG_LINK_EXPIRED,
                                       .link_id = row->link_id,
                                       .account = row->account,
                                       .account_id = row->account_id };
    links_sql_expire(batch, &change);
    links_note(ending->domain, batch, &ended->news, ending->now_ms);
    ending->waiting++;
    store_submit(ending->domain->store, &batch, on_ended, ended);
}

static void on_over(void *arg, enum store_status status, struct store_rows *rows)
{
    struct ending *ending = arg;
    struct links_row row;

    ending->waiting = 1; /* this reading */
    while (status == STORE_OK && links_sql_row(rows, &row)) {
        end_one(ending, &row);
    }
    ending_step(ending);
}

void links_expire(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    struct ending *ending = mem_zeroed(1, sizeof *ending);
    struct store_batch *batch = links_sql_ask_over(now_ms / 1000, OVER_AT_ONCE);

    ending->domain = domain;
    ending->now_ms = now_ms;
    ending->done = done;
    ending->arg = arg;
    store_read(domain->store, &batch, on_over, ending);
}

void links_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "links.purge", .done = done, .arg = arg };
    int64_t before_s = now_ms / 1000 - LIMIT_LINK_KEPT_S;
    struct store_batch *batch = links_sql_purge(before_s, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

void links_purge_prompts(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "link_prompts.purge", .done = done, .arg = arg };
    int64_t before_s = now_ms / 1000 - LIMIT_LINK_PROMPTS_S;
    struct store_batch *batch = links_sql_purge_prompts(before_s, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
