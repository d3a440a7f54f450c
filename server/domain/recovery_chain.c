/* SPDX-License-Identifier: Apache-2.0 */
/* READ (whose) -> READ (the head) -> a signature is verified in either case -> READ (the page) */
#include "server/domain/recovery_chain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/handle.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/sigbytes.h"
#include "server/domain/domain.h"
#include "server/domain/manifests_sql.h"
#include "server/domain/txns_sql.h"
#include "server/domain/txns_whom.h"
#include "server/store/store.h"

struct reading {
    struct domain *domain;
    struct recovery_chain_order order;
    struct txns_whom whom;
    struct account_id account_id; /* that was found */
    recovery_chain_done_fn *done;
    void *arg;
};

/* The base point: a key that nobody has, so that an unknown account costs a verification, too. */
static const uint8_t nobody[CRYPTO_PUBLIC_BYTES] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
};

static void finish(struct reading *reading, enum recovery_chain_result result,
                   const struct manifests_page *page)
{
    reading->done(reading->arg, result, &reading->account_id, page);
    free(reading);
}

static bool is_signed(const struct reading *reading, const uint8_t *pub)
{
    const struct recovery_chain_order *order = &reading->order;
    const struct txns_whom *whom = &reading->whom;
    const struct sigbytes_recovery fields = {
        .audience = bytes_text(reading->domain->base_url),
        .challenge = order->challenge.raw,
        .is_handle = whom->by_handle,
        .name = whom->by_handle ? bytes_text(whom->handle.text)
                                : bytes_of(whom->account_id.raw, sizeof whom->account_id.raw),
    };
    struct buf message = { 0 };
    bool good = false;

    sigbytes_recovery(&message, &fields);
    good = crypto_verify(pub, buf_view(&message), order->signature);
    buf_clear(&message);
    return good;
}

static void on_page(void *arg, bool ok, const struct manifests_page *page)
{
    struct reading *reading = arg;

    if (!ok) {
        finish(reading, RECOVERY_CHAIN_UNAVAILABLE, NULL);
    } else if (page == NULL) {
        finish(reading, RECOVERY_CHAIN_DENIED, NULL);
    } else {
        metrics_add(METRIC_recovery_chains, 1);
        finish(reading, RECOVERY_CHAIN_DONE, page);
    }
}

/* Fill pub with the recovery key of the head, or of nobody. */
static bool recovery_pub_of(struct store_rows *rows, uint8_t pub[CRYPTO_PUBLIC_BYTES])
{
    struct manifest *head = mem_raw(sizeof *head);
    bool known = store_rows_next(rows) &&
                 manifest_parse(store_rows_bytes(rows, 0), head) == MANIFEST_VALID &&
                 head->has_recovery;

    memcpy(pub, known ? head->recovery_pub : nobody, CRYPTO_PUBLIC_BYTES);
    free(head);
    return known;
}

static void on_head(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reading *reading = arg;
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    bool known = false;

    if (status != STORE_OK) {
        finish(reading, RECOVERY_CHAIN_UNAVAILABLE, NULL);
        return;
    }
    known = recovery_pub_of(rows, pub);
    if (!is_signed(reading, pub) || !known) {
        finish(reading, RECOVERY_CHAIN_DENIED, NULL);
    } else {
        manifests_list(reading->domain, &reading->account_id, reading->order.since, on_page,
                       reading);
    }
}

static void on_person(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reading *reading = arg;
    struct txns_person person;
    struct store_batch *batch = NULL;

    if (status != STORE_OK) {
        finish(reading, RECOVERY_CHAIN_UNAVAILABLE, NULL);
        return;
    }
    reading->account_id =
        txns_sql_person(rows, &person) ? person.account_id : reading->whom.account_id;
    batch = store_batch_create();
    manifests_sql_ask_head(batch, &reading->account_id);
    store_read(reading->domain->store, &batch, on_head, reading);
}

void recovery_chain_read(struct domain *domain, const struct recovery_chain_order *order,
                         int64_t now_ms, recovery_chain_done_fn *done, void *arg)
{
    struct reading *reading = mem_zeroed(1, sizeof *reading);
    struct store_batch *batch = NULL;

    reading->domain = domain;
    reading->order = *order;
    reading->done = done;
    reading->arg = arg;
    if (!challenges_check(domain, &order->challenge, now_ms)) {
        finish(reading, RECOVERY_CHAIN_DENIED, NULL);
        return;
    }
    reading->order.handle = NULL; /* the caller's */
    reading->whom = txns_whom_of(order->handle, &order->account_id);
    batch = txns_whom_ask(domain, &reading->whom);
    store_read(domain->store, &batch, on_person, reading);
}
