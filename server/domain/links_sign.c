/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ (the link) -> answer (not there, elsewhere; done already by this signature)
 *                 -> PUT the manifest, and in its transaction DONE -> answer
 *                        -> WRITE DONE (that very manifest stands there already)
 *                        -> READ (the link was overtaken: why)
 *
 * The statement that ends the link rides with the manifest: so it is done with the head that has the
 * device, or neither is, whatever denies, expires or moves the head meanwhile.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/link_entry.h"
#include "common/log.h"
#include "common/manifest.h"
#include "common/manifest_candidate.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/links.h"
#include "server/domain/links_private.h"
#include "server/domain/links_sql.h"
#include "server/domain/links_steps.h"
#include "server/domain/manifests.h"
#include "server/store/store.h"

struct signing {
    struct domain *domain;
    struct links_step step;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf candidate;
    struct buf manifest; /* the candidate with the signature */
    struct links_news news;
    struct manifests_outcome put; /* of the manifest that stands there */
    int64_t now_ms;
    links_done_fn *done;
    void *arg;
};

static void signing_destroy(struct signing *signing)
{
    buf_clear(&signing->candidate);
    buf_clear(&signing->manifest);
    free(signing);
}

static void finish(struct signing *signing, const struct links_outcome *outcome)
{
    signing->done(signing->arg, outcome);
    signing_destroy(signing);
}

static void finish_with(struct signing *signing, enum links_result result)
{
    finish(signing, &(struct links_outcome){ .result = result });
}

static void finish_done(struct signing *signing, int64_t version)
{
    finish(signing, &(struct links_outcome){ .result = LINKS_DONE,
                                             .version = version,
                                             .state = LINK_DONE,
                                             .manifest = &signing->put });
}

static void explain(struct signing *signing)
{
    const struct links_refusal refusal = { .link_id = signing->step.link_id,
                                           .actor = signing->step.actor,
                                           .version = signing->step.version,
                                           .fallback = LINKS_CONFLICT,
                                           .now_ms = signing->now_ms,
                                           .done = signing->done,
                                           .arg = signing->arg };

    links_explain(signing->domain, &refusal);
    signing_destroy(signing);
}

static void succeed(struct signing *signing)
{
    metrics_add(METRIC_links_done, 1);
    links_tell(signing->domain, &signing->news);
    finish_done(signing, signing->step.version + 1);
}

static void ride(void *arg, struct store_batch *batch)
{
    const struct signing *signing = arg;
    const struct links_change change = { .link_id = &signing->step.link_id,
                                         .version = signing->step.version,
                                         .now_s = signing->now_ms / 1000 };

    links_sql_finish(batch, &change);
    links_note(signing->domain, batch, &signing->news, signing->now_ms);
}

static void on_finished(void *arg, enum store_status status, struct store_rows *rows)
{
    struct signing *signing = arg;

    (void)rows;
    if (status == STORE_OK) {
        succeed(signing);
    } else if (status == STORE_REFUSED) {
        explain(signing);
    } else {
        finish_with(signing, links_result_of(status));
    }
}

static void on_put(void *arg, const struct manifests_outcome *put)
{
    struct signing *signing = arg;
    struct store_batch *batch = NULL;

    switch (put->result) {
    case MANIFESTS_STORED:
        signing->put = *put;
        succeed(signing);
        return;
    case MANIFESTS_PRESENT: /* somebody put it without us */
        signing->put = *put;
        batch = store_batch_create();
        ride(signing, batch);
        store_submit(signing->domain->store, &batch, on_finished, signing);
        return;
    case MANIFESTS_OVERTAKEN:
        explain(signing);
        return;
    case MANIFESTS_ACCOUNT_UNKNOWN: /* it was erased */
        finish_with(signing, LINKS_UNKNOWN);
        return;
    case MANIFESTS_UNAVAILABLE:
        finish_with(signing, LINKS_UNAVAILABLE);
        return;
    case MANIFESTS_STORAGE_FULL:
        finish_with(signing, LINKS_STORAGE_FULL);
        return;
    case MANIFESTS_INVALID:
    case MANIFESTS_ACCOUNT_DIFFERS:
    case MANIFESTS_EPOCH_DIFFERS:
    case MANIFESTS_CONFLICT:
    case MANIFESTS_HELD:
    case MANIFESTS_BLOCKED:
    case MANIFESTS_KEY_USED:
    case MANIFESTS_NOT_HELD: /* the last is the janitor's */
        finish(signing, &(struct links_outcome){ .result = LINKS_MANIFEST, .manifest = put });
        return;
    }
}

/* Put the signature in its place, and read the result's name; false: the row is damaged. */
static bool complete(struct signing *signing, struct bytes entry)
{
    struct manifest *next = mem_raw(sizeof *next);
    struct manifest_signature signature = { .signature = signing->signature };
    const struct manifest_device *device = NULL;
    struct manifest_device wanted;
    bool ok = manifest_parse(buf_view(&signing->candidate), next) == MANIFEST_VALID &&
              link_entry_parse(entry, &wanted);

    device = ok ? manifest_find_pub(next, &wanted.pub) : NULL;
    if (device != NULL) {
        signature.signer = device->device_id;
        manifest_candidate_complete(next, &signature, &signing->manifest);
        signing->put.epoch = next->epoch;
        manifest_hash_of(next->body, &signing->put.hash);
    }
    free(next);
    return device != NULL;
}

static void sign_put(struct signing *signing)
{
    const struct manifests_order order = { .account_id = signing->news.account_id,
                                           .epoch = signing->put.epoch,
                                           .signed_bytes = buf_view(&signing->manifest),
                                           .rider = { .add = ride, .arg = signing } };

    manifests_put(signing->domain, &order, signing->now_ms, on_put, signing);
}

static void sign_judge(struct signing *signing, const struct links_row *row)
{
    enum link_state state = links_state_at(row, signing->now_ms / 1000);
    bool is_repeat = state == LINK_DONE && row->version == signing->step.version + 1;

    if (!is_repeat && (state != LINK_CANDIDATE || row->version != signing->step.version)) {
        finish(signing, &(struct links_outcome){
                            .result = LINKS_CONFLICT, .version = row->version, .state = state });
        return;
    }
    buf_append(&signing->candidate, row->candidate);
    if (!complete(signing, row->entry)) {
        log_error("links.damaged", "link=%s",
                  log_id(bytes_of(row->link_id.raw, sizeof row->link_id.raw)).text);
        finish_with(signing, LINKS_UNAVAILABLE);
        return;
    }
    if (is_repeat) { /* the answer was lost: it is the same again */
        finish_done(signing, row->version);
        return;
    }
    signing->news = (struct links_news){ .event = ACCOUNT_LOG_LINK_APPROVED,
                                         .link_id = row->link_id,
                                         .account = row->account,
                                         .account_id = row->account_id,
                                         .device_id = row->device_id };
    sign_put(signing);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct signing *signing = arg;
    struct links_row row;

    if (status != STORE_OK) {
        finish_with(signing, LINKS_UNAVAILABLE);
    } else if (!links_sql_row(rows, &row) || !links_is_for(&row, &signing->step.actor)) {
        finish_with(signing, LINKS_UNKNOWN);
    } else {
        sign_judge(signing, &row);
    }
}

void links_sign(struct domain *domain, const struct links_step *step,
                const uint8_t signature[CRYPTO_SIGNATURE_BYTES], int64_t now_ms,
                links_done_fn *done, void *arg)
{
    struct signing *signing = mem_zeroed(1, sizeof *signing);
    struct store_batch *batch = store_batch_create();

    CHECK(step->actor.is_new);
    signing->domain = domain;
    signing->step = *step;
    memcpy(signing->signature, signature, sizeof signing->signature);
    signing->now_ms = now_ms;
    signing->done = done;
    signing->arg = arg;
    links_sql_ask(batch, &step->link_id);
    store_read(domain->store, &batch, on_read, signing);
}
