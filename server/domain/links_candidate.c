/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ (the link, the head) -> answer (not the claimer's, no successor, not that device)
 *                           -> WRITE, if head and link are as they were -> answer
 *                                    -> READ (the link moved: why; the head moved: from the top)
 *
 * What is judged here is judged again when the new device has signed; so a mistake is told to whom
 * can mend it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/link_entry.h"
#include "common/log.h"
#include "common/manifest.h"
#include "common/manifest_candidate.h"
#include "common/mem.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/domain.h"
#include "server/domain/links.h"
#include "server/domain/links_private.h"
#include "server/domain/links_sql.h"
#include "server/domain/links_steps.h"
#include "server/domain/manifests.h"
#include "server/domain/manifests_sql.h"
#include "server/store/store.h"

/* The statements of the read, in order: behind those of the link. */
enum {
    READ_ROW = 2,
    READ_HEAD,

    READS_MAX = 4 /* a candidate that loses more races than this is told to come again */
};

struct proposing {
    struct domain *domain;
    struct links_step step;
    struct buf bytes; /* the candidate, which next borrows */
    struct manifest next;
    struct accounts_row row;
    int reads;
    int64_t now_ms;
    links_done_fn *done;
    void *arg;
};

static void finish(struct proposing *proposing, const struct links_outcome *outcome)
{
    proposing->done(proposing->arg, outcome);
    buf_clear(&proposing->bytes);
    free(proposing);
}

static void finish_with(struct proposing *proposing, enum links_result result)
{
    finish(proposing, &(struct links_outcome){ .result = result });
}

static void finish_invalid(struct proposing *proposing, enum manifest_verdict verdict)
{
    const struct manifests_outcome manifest = { .result = MANIFESTS_INVALID, .verdict = verdict };

    finish(proposing, &(struct links_outcome){ .result = LINKS_MANIFEST, .manifest = &manifest });
}

static void finish_conflict(struct proposing *proposing, struct bytes head)
{
    const struct manifests_outcome manifest = { .result = MANIFESTS_CONFLICT,
                                                .epoch = proposing->row.epoch,
                                                .hash = proposing->row.hash,
                                                .head = head };

    finish(proposing, &(struct links_outcome){ .result = LINKS_MANIFEST, .manifest = &manifest });
}

static void propose_read(struct proposing *proposing);

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct proposing *proposing = arg;
    const struct links_news news = { .link_id = proposing->step.link_id };

    if (status == STORE_REFUSED && proposing->reads < READS_MAX) { /* what it finds is the answer */
        (void)rows;
        propose_read(proposing);
        return;
    }
    if (status != STORE_OK) {
        finish_with(proposing, links_result_of(status));
        return;
    }
    links_tell(proposing->domain, &news);
    finish(proposing, &(struct links_outcome){ .result = LINKS_DONE,
                                               .version = proposing->step.version + 1,
                                               .state = LINK_CANDIDATE });
}

static void propose_write(struct proposing *proposing)
{
    struct store_batch *batch = store_batch_create();
    const struct links_change change = { .link_id = &proposing->step.link_id,
                                         .version = proposing->step.version,
                                         .now_s = proposing->now_ms / 1000 };

    accounts_sql_expect_head(batch, &proposing->row);
    links_sql_candidate(batch, &change, proposing->step.actor.mailbox, buf_view(&proposing->bytes));
    links_note_change(proposing->domain, batch, &proposing->step.link_id);
    store_submit(proposing->domain->store, &batch, on_written, proposing);
}

/* The candidate goes on from the head: is it the head, that device, and nothing else? */
static void propose_check(struct proposing *proposing, const struct manifest *head,
                          struct bytes entry)
{
    uint32_t newcomer = manifest_candidate_newcomer(head, &proposing->next);
    enum manifest_verdict verdict = MANIFEST_VALID;

    if (newcomer == 0 || manifest_signed_by(&proposing->next, newcomer) ||
        !manifest_signed_by(&proposing->next, proposing->step.actor.device_id) ||
        !link_entry_is_of(entry, manifest_find(&proposing->next, newcomer))) {
        finish_with(proposing, LINKS_FOREIGN);
        return;
    }
    verdict = manifest_candidate_check(head, &proposing->next, newcomer);
    if (verdict == MANIFEST_VALID) {
        propose_write(proposing);
    } else {
        finish_invalid(proposing, verdict);
    }
}

static void propose_judge(struct proposing *proposing, struct bytes head, struct bytes entry)
{
    const struct accounts_row *row = &proposing->row;
    struct manifest *old = NULL;

    if (proposing->next.epoch != row->epoch + 1 ||
        memcmp(proposing->next.prev.raw, row->hash.raw, sizeof row->hash.raw) != 0) {
        finish_conflict(proposing, head);
        return;
    }
    old = mem_raw(sizeof *old);
    if (manifest_parse(head, old) == MANIFEST_VALID) {
        propose_check(proposing, old, entry);
    } else { /* it was valid when it was stored: the database is damaged */
        log_error("manifests.damaged", "account=%lld", (long long)row->account);
        finish_with(proposing, LINKS_UNAVAILABLE);
    }
    free(old);
}

/* Say whether the link waits for this device's candidate at the version that was seen. */
static bool is_awaited(const struct proposing *proposing, const struct links_row *link)
{
    enum link_state state = links_state_at(link, proposing->now_ms / 1000);

    return (state == LINK_CLAIMED || state == LINK_CANDIDATE) &&
           link->version == proposing->step.version &&
           link->mailbox == proposing->step.actor.mailbox;
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct proposing *proposing = arg;
    struct bytes head = { 0 };
    struct links_row link;

    if (status != STORE_OK) {
        finish_with(proposing, LINKS_UNAVAILABLE);
        return;
    }
    if (!links_sql_row(rows, &link) || !links_is_for(&link, &proposing->step.actor)) {
        finish_with(proposing, LINKS_UNKNOWN);
        return;
    }
    if (!is_awaited(proposing, &link)) {
        finish(proposing,
               &(struct links_outcome){ .result = LINKS_CONFLICT,
                                        .version = link.version,
                                        .state = links_state_at(&link, proposing->now_ms / 1000) });
        return;
    }
    store_rows_select(rows, READ_ROW);
    if (!accounts_sql_row(rows, &proposing->row)) {
        finish_with(proposing, LINKS_UNKNOWN);
        return;
    }
    store_rows_select(rows, READ_HEAD);
    if (store_rows_next(rows)) {
        head = store_rows_bytes(rows, 0);
    }
    propose_judge(proposing, head, link.entry);
}

static void propose_read(struct proposing *proposing)
{
    struct store_batch *batch = store_batch_create();

    proposing->reads++;
    links_sql_ask(batch, &proposing->step.link_id);
    accounts_sql_ask(batch, &proposing->step.actor.account_id);
    manifests_sql_ask_head(batch, &proposing->step.actor.account_id);
    store_read(proposing->domain->store, &batch, on_read, proposing);
}

void links_candidate(struct domain *domain, const struct links_step *step,
                     struct bytes signed_bytes, int64_t now_ms, links_done_fn *done, void *arg)
{
    struct proposing *proposing = mem_zeroed(1, sizeof *proposing);
    enum manifest_verdict verdict = MANIFEST_VALID;

    proposing->domain = domain;
    proposing->step = *step;
    proposing->now_ms = now_ms;
    proposing->done = done;
    proposing->arg = arg;
    buf_append(&proposing->bytes, signed_bytes);
    verdict = manifest_parse(buf_view(&proposing->bytes), &proposing->next);
    if (verdict != MANIFEST_VALID) {
        finish_invalid(proposing, verdict);
        return;
    }
    propose_read(proposing);
}
