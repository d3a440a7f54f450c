/* SPDX-License-Identifier: Apache-2.0 */
/* Events go out before streams end, so that a device that was removed hears why. */
#include "server/domain/manifests_follow.h"

#include <string.h>

#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sessions.h"
#include "server/store/store.h"

void manifests_change_begin(struct manifests_change *change, const struct manifest *old,
                            const struct manifest *next, const struct manifest_hash *hash)
{
    memset(change, 0, sizeof *change);
    change->account_id = next->account;
    change->epoch = next->epoch;
    change->hash = *hash;
    for (size_t i = 0; i < old->device_count; i++) {
        change->heard[change->heard_count] = old->devices[i].pub;
        change->heard_count++;
    }
    for (size_t i = 0; i < next->device_count; i++) {
        if (manifest_find_pub(old, &next->devices[i].pub) == NULL) {
            change->heard[change->heard_count] = next->devices[i].pub;
            change->heard_count++;
        }
    }
}

void manifests_follow(struct domain *domain, const struct manifests_change *change,
                      struct store_rows *rows, int64_t now_ms)
{
    const struct hub_event event = { .kind = HUB_EVENT_MANIFEST_CHANGED,
                                     .epoch = change->epoch,
                                     .hash = change->hash };

    directory_forget(domain, &change->account_id);
    for (size_t i = 0; i < change->heard_count; i++) {
        hub_tell(domain->hub, &change->heard[i], &event);
    }
    for (size_t i = 0; i < change->removed_count; i++) {
        mailboxes_forget(domain->mailboxes, &change->removed[i]);
        hub_end_device(domain->hub, &change->removed[i], HUB_END_REVOKED);
    }
    for (size_t i = change->sessions_at; i < change->sessions_end; i++) {
        store_rows_select(rows, i);
        (void)sessions_dropped(domain, rows, now_ms);
    }
}

void manifests_doubt(struct domain *domain, const struct manifests_change *change)
{
    directory_forget(domain, &change->account_id);
    if (change->removed_count > 0) {
        sessions_forget_all(domain);
    }
    for (size_t i = 0; i < change->removed_count; i++) {
        mailboxes_forget(domain->mailboxes, &change->removed[i]);
        hub_end_device(domain->hub, &change->removed[i], HUB_END_SESSION);
    }
}
