/* SPDX-License-Identifier: Apache-2.0 */
/* What is owed a hold, and what is said of one. */
#include "server/domain/holds.h"

#include <stdlib.h>

#include "common/manifest.h"
#include "common/mem.h"
#include "server/domain/domain.h"
#include "server/domain/holds_sql.h"
#include "server/domain/hub.h"
#include "server/store/store.h"

static bool is_admin(const struct manifest_device *device)
{
    return device != NULL && (device->flags & MANIFEST_DEVICE_ADMIN) != 0;
}

bool holds_owed(const struct manifest *old, const struct manifest *next)
{
    if (manifest_signed_by(next, MANIFEST_SIGNER_RECOVERY)) {
        return false;
    }
    for (size_t i = 0; i < old->device_count; i++) {
        const struct manifest_device *device = &old->devices[i];

        if (is_admin(device) && !is_admin(manifest_find(next, device->device_id)) &&
            !manifest_signed_by(next, device->device_id)) {
            return true;
        }
    }
    return false;
}

/* Rounded up, so that it is never less than was set. */
int64_t holds_until(const struct domain *domain, int64_t now_ms)
{
    return (now_ms + 999) / 1000 + domain->settings.hold_s;
}

void holds_of_manifest(const struct domain *domain, const struct manifest *old,
                       const struct manifest *next, int64_t now_ms, struct hold *out)
{
    *out = (struct hold){ .kind = HOLD_MANIFEST,
                          .account_id = next->account,
                          .epoch = next->epoch,
                          .signed_bytes = next->signed_bytes,
                          .made_ms = now_ms,
                          .held_until = holds_until(domain, now_ms),
                          .generation = domain->generation };
    manifest_hash_of(next->body, &out->hash);
    for (size_t i = old->device_count; i > 0; i--) { /* the lowest that signs is left in the end */
        const struct manifest_device *device = &old->devices[i - 1];

        if (manifest_find(next, device->device_id) == NULL) {
            out->removes[device->device_id] = 1;
        }
        if (is_admin(device) && manifest_signed_by(next, device->device_id)) {
            out->signer = device->device_id;
        }
    }
}

void holds_of_erasure(const struct domain *domain, const struct account_id *account_id,
                      uint32_t signer, int64_t now_ms, struct hold *out)
{
    *out = (struct hold){ .kind = HOLD_ERASURE,
                          .account_id = *account_id,
                          .signer = signer,
                          .made_ms = now_ms,
                          .held_until = holds_until(domain, now_ms),
                          .generation = domain->generation };
}

void holds_event(const struct hold *hold, enum holds_step step, struct hub_event *out)
{
    *out = (struct hub_event){ .epoch = hold->epoch,
                               .hash = hold->hash,
                               .device_id = hold->signer,
                               .held_until = hold->held_until };
    switch (step) {
    case HOLDS_BEGUN:
        out->kind = hold->kind == HOLD_MANIFEST ? HUB_EVENT_MANIFEST_HELD : HUB_EVENT_ERASURE_HELD;
        return;
    case HOLDS_DROPPED:
        out->kind =
            hold->kind == HOLD_MANIFEST ? HUB_EVENT_MANIFEST_DROPPED : HUB_EVENT_ERASURE_DROPPED;
        return;
    }
}

struct listing {
    bool (*next)(struct store_rows *rows, struct hold *out);
    holds_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct hold *holds = mem_zeroed(HOLDS_MAX, sizeof *holds);
    size_t count = 0;

    while (status == STORE_OK && count < HOLDS_MAX && listing->next(rows, &holds[count])) {
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, status == STORE_OK ? holds : NULL, count);
    free(holds);
    free(listing);
}

static void list(struct domain *domain, struct store_batch **batch,
                 bool (*next)(struct store_rows *, struct hold *), holds_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);

    listing->next = next;
    listing->done = done;
    listing->arg = arg;
    store_read(domain->store, batch, on_listed, listing);
}

void holds_list(struct domain *domain, const struct account_id *account_id, holds_listed_fn *done,
                void *arg)
{
    struct store_batch *batch = store_batch_create();

    holds_sql_ask(batch, account_id);
    list(domain, &batch, holds_sql_next, done, arg);
}

void holds_list_whole(struct domain *domain, const struct account_id *account_id,
                      holds_listed_fn *done, void *arg)
{
    struct store_batch *batch = store_batch_create();

    holds_sql_ask_whole(batch, account_id);
    list(domain, &batch, holds_sql_next_whole, done, arg);
}
