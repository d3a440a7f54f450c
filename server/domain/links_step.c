/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   message  WRITE -> answer
 *   claim    WRITE -> answer
 *   denial   READ (whose) -> WRITE -> answer
 *
 * A write that is refused is asked why (links_explain); a denial, which has seen no version of
 * its caller's, reads again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/domain.h"
#include "server/domain/links.h"
#include "server/domain/links_private.h"
#include "server/domain/links_sql.h"
#include "server/domain/links_steps.h"
#include "server/store/store.h"

enum {
    GUARD_LINK = 0, /* of a message: the link, then the room for one more */

    CLAIM_ADMIN = 0, /* of a claim */

    READS_MAX = 4 /* a denial that loses more races than this is told to come again */
};

struct stepping {
    struct domain *domain;
    struct links_step step;
    enum link_state state;  /* that it will have */
    struct links_news news; /* of a denial */
    int reads;
    int64_t now_ms;
    links_done_fn *done;
    void *arg;
};

static struct stepping *stepping_create(struct domain *domain, const struct links_step *step,
                                        int64_t now_ms, links_done_fn *done, void *arg)
{
    struct stepping *stepping = mem_zeroed(1, sizeof *stepping);

    stepping->domain = domain;
    stepping->step = *step;
    stepping->now_ms = now_ms;
    stepping->done = done;
    stepping->arg = arg;
    return stepping;
}

static struct links_change change_of(const struct stepping *stepping)
{
    return (struct links_change){ .link_id = &stepping->step.link_id,
                                  .version = stepping->step.version,
                                  .now_s = stepping->now_ms / 1000 };
}

static void finish(struct stepping *stepping, const struct links_outcome *outcome)
{
    stepping->done(stepping->arg, outcome);
    free(stepping);
}

static void finish_with(struct stepping *stepping, enum links_result result)
{
    finish(stepping, &(struct links_outcome){ .result = result });
}

static void finish_done(struct stepping *stepping)
{
    finish(stepping, &(struct links_outcome){ .result = LINKS_DONE,
                                              .version = stepping->step.version + 1,
                                              .state = stepping->state });
}

/* Let the refusal be read, and answered. */
static void explain(struct stepping *stepping, enum links_result fallback)
{
    const struct links_refusal refusal = { .link_id = stepping->step.link_id,
                                           .actor = stepping->step.actor,
                                           .version = stepping->step.version,
                                           .wants_created = stepping->state == LINK_CLAIMED &&
                                                            fallback == LINKS_TOO_MANY,
                                           .fallback = fallback,
                                           .now_ms = stepping->now_ms,
                                           .done = stepping->done,
                                           .arg = stepping->arg };

    links_explain(stepping->domain, &refusal);
    free(stepping);
}

static void on_said(void *arg, enum store_status status, struct store_rows *rows)
{
    struct stepping *stepping = arg;
    const struct links_news news = { .link_id = stepping->step.link_id };

    if (status == STORE_REFUSED) { /* who may not speak in this state is in conflict with it */
        explain(stepping,
                store_rows_refused_at(rows) == GUARD_LINK ? LINKS_CONFLICT : LINKS_TOO_MANY);
        return;
    }
    if (status != STORE_OK) {
        finish_with(stepping, links_result_of(status));
        return;
    }
    stepping->state = links_sql_said(rows);
    links_tell(stepping->domain, &news);
    finish_done(stepping);
}

void links_say(struct domain *domain, const struct links_step *step, struct bytes body,
               int64_t now_ms, links_done_fn *done, void *arg)
{
    struct stepping *stepping = stepping_create(domain, step, now_ms, done, arg);
    const struct links_change change = change_of(stepping);
    struct store_batch *batch = store_batch_create();

    CHECK(body.size <= LIMIT_LINK_MESSAGE_BYTES);
    if (step->actor.is_new) {
        links_sql_say_new(batch, &change, &step->actor.token_hash, body);
    } else {
        links_sql_say_old(batch, &change, step->actor.mailbox, body);
    }
    links_note_change(domain, batch, &step->link_id);
    store_submit(domain->store, &batch, on_said, stepping);
}

static void on_claimed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct stepping *stepping = arg;
    const struct links_news news = { .link_id = stepping->step.link_id };

    if (status == STORE_REFUSED) {
        explain(stepping,
                store_rows_refused_at(rows) == CLAIM_ADMIN ? LINKS_NOT_ADMIN : LINKS_TOO_MANY);
        return;
    }
    if (status != STORE_OK) {
        finish_with(stepping, links_result_of(status));
        return;
    }
    links_tell(stepping->domain, &news);
    finish_done(stepping);
}

void links_claim(struct domain *domain, const struct links_step *step, int64_t now_ms,
                 links_done_fn *done, void *arg)
{
    struct stepping *stepping = stepping_create(domain, step, now_ms, done, arg);
    const struct links_change change = change_of(stepping);
    struct store_batch *batch = store_batch_create();

    accounts_sql_expect_admin(batch, step->actor.account, step->actor.mailbox);
    links_sql_claim(batch, &change, &step->actor, LIMIT_LINKS_ACCOUNT);
    links_note_change(domain, batch, &step->link_id);
    stepping->state = LINK_CLAIMED;
    store_submit(domain->store, &batch, on_claimed, stepping);
}

static void deny_read(struct stepping *stepping);

static void on_denied(void *arg, enum store_status status, struct store_rows *rows)
{
    struct stepping *stepping = arg;

    (void)rows;
    if (status == STORE_REFUSED && stepping->reads < READS_MAX) {
        deny_read(stepping);
        return;
    }
    if (status != STORE_OK) {
        finish_with(stepping, links_result_of(status));
        return;
    }
    metrics_add(METRIC_links_denied, 1);
    links_tell(stepping->domain, &stepping->news);
    finish_done(stepping);
}

/* Whoever ends a link that is nobody's yet has it noted in the own account's log. */
static void deny_write(struct stepping *stepping, const struct links_row *row)
{
    struct store_batch *batch = store_batch_create();
    const struct links_actor *actor = &stepping->step.actor;
    bool adopts = row->account == 0 && !actor->is_new;
    struct links_change change;

    stepping->step.version = row->version;
    stepping->state = LINK_DENIED;
    stepping->news = (struct links_news){
        .event = ACCOUNT_LOG_LINK_DENIED,
        .link_id = row->link_id,
        .account = adopts ? actor->account : row->account,
        .account_id = adopts ? actor->account_id : row->account_id,
        .device_id = actor->is_new ? 0 : actor->device_id,
    };
    change = change_of(stepping);
    links_sql_deny(batch, &change, row->account, adopts ? actor->account : 0);
    links_note(stepping->domain, batch, &stepping->news, stepping->now_ms);
    store_submit(stepping->domain->store, &batch, on_denied, stepping);
}

static void on_deny_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct stepping *stepping = arg;
    struct links_outcome outcome = { .result = LINKS_UNKNOWN };
    struct links_row row;

    if (status != STORE_OK) {
        finish_with(stepping, LINKS_UNAVAILABLE);
        return;
    }
    if (!links_sql_row(rows, &row) || !links_is_for(&row, &stepping->step.actor)) {
        finish(stepping, &outcome);
        return;
    }
    outcome.version = row.version;
    outcome.state = links_state_at(&row, stepping->now_ms / 1000);
    if (links_state_is_final(outcome.state)) {
        outcome.result = outcome.state == LINK_DENIED ? LINKS_DONE : LINKS_CONFLICT;
        finish(stepping, &outcome);
        return;
    }
    deny_write(stepping, &row);
}

static void deny_read(struct stepping *stepping)
{
    struct store_batch *batch = store_batch_create();

    stepping->reads++;
    links_sql_ask(batch, &stepping->step.link_id);
    store_read(stepping->domain->store, &batch, on_deny_read, stepping);
}

void links_deny(struct domain *domain, const struct links_step *step, int64_t now_ms,
                links_done_fn *done, void *arg)
{
    deny_read(stepping_create(domain, step, now_ms, done, arg));
}
