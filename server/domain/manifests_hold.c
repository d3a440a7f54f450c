/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests that are held.  The rows of holds change only under the lock of the account's row,
 * which expects the head that was read; so what is judged here is judged again by the write.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "common/metrics.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/changes.h"
#include "server/domain/domain.h"
#include "server/domain/holds.h"
#include "server/domain/holds_sql.h"
#include "server/domain/hub.h"
#include "server/domain/manifests.h"
#include "server/domain/manifests_follow.h"
#include "server/domain/manifests_private.h"
#include "server/store/store.h"

static bool is_same(const struct hold *hold, const struct put *put)
{
    return hold->kind == HOLD_MANIFEST &&
           memcmp(hold->hash.raw, put->hash.raw, sizeof put->hash.raw) == 0;
}

enum manifests_result put_holding_obstacle(struct put *put, struct store_rows *rows,
                                           int64_t *out_until)
{
    enum manifests_result obstacle = MANIFESTS_STORED;
    struct hold hold;

    store_rows_select(rows, READ_HOLDS);
    while (obstacle != MANIFESTS_HELD && holds_sql_next(rows, &hold)) {
        if (is_same(&hold, put)) {
            obstacle = MANIFESTS_HELD;
            *out_until = hold.held_until;
        } else if (hold.kind == HOLD_MANIFEST && hold.signer == put->hold.signer) {
            obstacle = MANIFESTS_BLOCKED;
            *out_until = hold.held_until;
        }
    }
    return obstacle;
}

enum manifests_result put_storing_obstacle(struct put *put, struct store_rows *rows,
                                           int64_t *out_until)
{
    bool overtakes = manifest_signed_by(&put->next, MANIFEST_SIGNER_RECOVERY);
    bool found = false;
    struct hold hold;

    store_rows_select(rows, READ_HOLDS);
    while (holds_sql_next(rows, &hold)) {
        found = found || (is_same(&hold, put) && hold.made_ms == put->hold.made_ms);
        if (!put->by_hold && !overtakes && !is_same(&hold, put)) {
            *out_until = hold.held_until;
            return MANIFESTS_BLOCKED;
        }
    }
    return put->by_hold && !found ? MANIFESTS_NOT_HELD : MANIFESTS_STORED;
}

static void tell(const struct put *put)
{
    struct hub_event event;

    holds_event(&put->hold, HOLDS_BEGUN, &event);
    for (size_t i = 0; i < put->change.heard_count; i++) {
        hub_tell(put->domain->hub, &put->change.heard[i], &event);
    }
}

static void on_held(void *arg, enum store_status status, struct store_rows *rows)
{
    struct put *put = arg;

    (void)rows;
    switch (status) {
    case STORE_OK:
        tell(put);
        metrics_add(METRIC_manifests_held, 1);
        put_finish_until(put, MANIFESTS_HELD, put->hold.held_until);
        return;
    case STORE_REFUSED:
    case STORE_CONFLICT:
        put_again(put);
        return;
    case STORE_FULL:
        put_finish(put, MANIFESTS_STORAGE_FULL);
        return;
    case STORE_UNCERTAIN: /* put again, it is found held; nobody vetoes what was not told */
        tell(put);
        put_finish(put, MANIFESTS_UNAVAILABLE);
        return;
    case STORE_BUSY:
    case STORE_BROKEN:
        put_finish(put, MANIFESTS_UNAVAILABLE);
        return;
    }
}

void put_hold(struct put *put, const struct manifest *old)
{
    struct store_batch *batch = store_batch_create();
    struct hub_event event;

    put->writes++;
    manifests_change_begin(&put->change, old, &put->next, &put->hash);
    accounts_sql_expect_head(batch, &put->row);
    holds_sql_insert(batch, put->row.account, &put->hold);
    holds_event(&put->hold, HOLDS_BEGUN, &event);
    changes_note_hold(put->domain, batch, put->row.account, &event);
    store_submit(put->domain->store, &batch, on_held, put);
}

/* A new head ends all holds; but for the recovery key's, none comes while another is held. */
void put_end_holds(const struct put *put, struct store_batch *batch)
{
    if (put->by_hold) {
        holds_sql_take(batch, put->row.account, &put->hold);
    } else if (!manifest_signed_by(&put->next, MANIFEST_SIGNER_RECOVERY)) {
        holds_sql_expect_free(batch, put->row.account, &put->hash);
    }
    holds_sql_clear(batch, put->row.account);
}

void manifests_put_held(struct domain *domain, const struct hold *hold, int64_t now_ms,
                        manifests_put_fn *done, void *arg)
{
    struct put *put = put_create(domain, hold->signed_bytes, now_ms, done, arg);

    put->by_hold = true;
    put->hold = *hold;
    put->hash = hold->hash;
    if (manifest_parse(buf_view(&put->bytes), &put->next) == MANIFEST_VALID) {
        put_read(put);
    } else { /* it was valid when it was stored: the database is damaged */
        put_finish(put, MANIFESTS_INVALID);
    }
}
