/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device list means for recovery: one that the recovery key signs is told, and ends the
 * requests that are open; another recovery key ends the contacts' shares, which open the old one.
 */
#include <stdbool.h>
#include <string.h>

#include "common/ids.h"
#include "common/manifest.h"
#include "common/metrics.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/manifests_follow.h"
#include "server/domain/manifests_private.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_contacts_sql.h"
#include "server/domain/recovery_news.h"
#include "server/store/store.h"

static bool is_by_recovery_key(const struct put *put)
{
    return manifest_signed_by(&put->next, MANIFEST_SIGNER_RECOVERY);
}

static struct recovery_news news_of(const struct put *put)
{
    return (struct recovery_news){ .account = put->row.account,
                                   .account_id = put->next.account,
                                   .event = ACCOUNT_LOG_RECOVERY_DONE };
}

void put_end_recoveries(const struct put *put, struct store_batch *batch,
                        const struct manifest *old)
{
    const struct recovery_news news = news_of(put);

    if (is_by_recovery_key(put)) {
        recoveries_sql_done(batch, put->row.account);
        recovery_news_note(put->domain, batch, &news, put->now_ms);
    }
    if (old->has_recovery != put->next.has_recovery ||
        memcmp(old->recovery_pub, put->next.recovery_pub, sizeof old->recovery_pub) != 0) {
        recovery_contacts_sql_end_account(batch, put->row.account);
    }
}

void put_tell_recovery(const struct put *put)
{
    const struct recovery_news news = news_of(put);
    struct hub_event event;

    if (!is_by_recovery_key(put)) {
        return;
    }
    metrics_add(METRIC_recoveries_done, 1);
    recovery_news_event(&news, &event);
    for (size_t i = 0; i < put->change.heard_count; i++) {
        hub_tell(put->domain->hub, &put->change.heard[i], &event);
    }
}
