/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a step may be taken, by the row that was read.  The write guards what it relies on. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/sas.h"
#include "server/domain/account_log.h"
#include "server/domain/awake.h"
#include "server/domain/domain.h"
#include "server/domain/recoveries.h"
#include "server/domain/recoveries_private.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_news.h"

static const struct recoveries_verdict go_on = { .writes = true };

static struct recoveries_verdict say(enum recoveries_result result)
{
    return (struct recoveries_verdict){ .result = result };
}

/* Say whether the caller may see the request at all. */
static bool may(const struct stepping *stepping)
{
    const struct recoveries_step *step = &stepping->step;
    uint8_t hash[CRYPTO_SHA256_BYTES];

    switch (step->act) {
    case RECOVERIES_READ:
    case RECOVERIES_CANCEL:
        if (step->token == NULL) {
            return step->act == RECOVERIES_READ || stepping->row.account == step->account;
        }
        break;
    case RECOVERIES_ANSWER:
    case RECOVERIES_PACKET:
        return true;
    case RECOVERIES_EXCHANGE:
    case RECOVERIES_REVEAL:
    case RECOVERIES_RELEASE:
        break;
    }
    CHECK(step->token != NULL);
    recoveries_hash_token(step->token, hash);
    return crypto_equal(hash, stepping->row.token_hash, sizeof hash);
}

static void note(struct stepping *stepping, enum account_log_event event)
{
    const struct recoveries_row *row = &stepping->row;

    stepping->news = (struct recovery_news){ .account = row->account,
                                             .account_id = row->account_id,
                                             .event = event,
                                             .recovery_id = row->view.recovery_id,
                                             .wait_until = row->view.wait_until,
                                             .expires_at = row->view.expires_at };
}

static struct recoveries_verdict judge_exchange(const struct stepping *stepping)
{
    const struct recoveries_view *view = &stepping->row.view;
    const struct recoveries_step *step = &stepping->step;

    if (view->has_commit && view->exchange == step->exchange &&
        crypto_equal(view->commit.raw, step->commit.raw, sizeof view->commit.raw)) {
        return say(RECOVERIES_DONE);
    }
    if (step->exchange != view->exchange + 1) {
        return say(RECOVERIES_OUT_OF_TURN);
    }
    return view->exchange < LIMIT_RECOVERY_EXCHANGES ? go_on : say(RECOVERIES_EXHAUSTED);
}

static bool is_same(const struct sas_random *one, const struct sas_random *other)
{
    return crypto_equal(one->raw, other->raw, sizeof one->raw);
}

static struct recoveries_verdict judge_answer(const struct stepping *stepping)
{
    const struct recoveries_view *view = &stepping->row.view;
    const struct recoveries_step *step = &stepping->step;

    if (view->exchange != step->exchange || !view->has_commit) {
        return say(RECOVERIES_OUT_OF_TURN);
    }
    if (!view->has_contact_random) {
        return go_on;
    }
    return say(stepping->row.contact == step->mailbox &&
                       is_same(&view->contact_random, &step->random)
                   ? RECOVERIES_DONE
                   : RECOVERIES_OUT_OF_TURN);
}

static struct recoveries_verdict judge_reveal(const struct stepping *stepping)
{
    const struct recoveries_view *view = &stepping->row.view;
    const struct recoveries_step *step = &stepping->step;

    if (view->exchange != step->exchange || !view->has_contact_random) {
        return say(RECOVERIES_OUT_OF_TURN);
    }
    if (!view->has_random) {
        return go_on;
    }
    return say(is_same(&view->random, &step->random) ? RECOVERIES_DONE : RECOVERIES_OUT_OF_TURN);
}

static struct recoveries_verdict judge_packet(const struct stepping *stepping)
{
    const struct recoveries_row *row = &stepping->row;
    const struct recoveries_step *step = &stepping->step;

    if (row->view.exchange != step->exchange || !row->view.has_random ||
        row->contact != step->mailbox) {
        return say(RECOVERIES_OUT_OF_TURN);
    }
    if (!row->view.has_packet) {
        return go_on;
    }
    return say(row->slot == step->slot && bytes_equal(row->packet, step->packet)
                   ? RECOVERIES_DONE
                   : RECOVERIES_OUT_OF_TURN);
}

/*
 * What waits is released by a relay that its devices could reach: see awake.h.  Of an older
 * database that was put back a veto may be lost, so there the wait begins anew.
 */
static struct recoveries_verdict judge_release(struct stepping *stepping)
{
    const struct domain *domain = stepping->domain;
    struct recoveries_row *row = &stepping->row;
    int64_t grace_ms =
        awake_grace_end_ms(domain, domain->settings.recovery_wait_s, stepping->now_ms);

    if (row->generation < domain->generation) {
        stepping->renews = true;
        stepping->until = recoveries_until(domain, stepping->now_ms);
        row->view.wait_until = stepping->until;
        note(stepping, ACCOUNT_LOG_RECOVERY_REQUESTED);
        return go_on;
    }
    stepping->until = row->view.wait_until;
    if ((grace_ms + 999) / 1000 > stepping->until) {
        stepping->until = (grace_ms + 999) / 1000;
    }
    if (stepping->now_ms < stepping->until * 1000) {
        return say(RECOVERIES_EARLY);
    }
    if (!row->view.has_packet) {
        return say(RECOVERIES_OUT_OF_TURN);
    }
    note(stepping, ACCOUNT_LOG_RECOVERY_RELEASED);
    return go_on;
}

struct recoveries_verdict recoveries_judge(struct stepping *stepping)
{
    stepping->renews = false;
    stepping->news = (struct recovery_news){ .account = 0 };
    if (!may(stepping)) {
        return say(RECOVERIES_UNKNOWN);
    }
    if (stepping->step.act == RECOVERIES_READ) {
        return say(RECOVERIES_DONE);
    }
    if (stepping->row.view.state != RECOVERIES_STATE_OPEN) {
        return say(RECOVERIES_ENDED);
    }
    switch (stepping->step.act) {
    case RECOVERIES_READ:
        break;
    case RECOVERIES_EXCHANGE:
        return judge_exchange(stepping);
    case RECOVERIES_ANSWER:
        return judge_answer(stepping);
    case RECOVERIES_REVEAL:
        return judge_reveal(stepping);
    case RECOVERIES_PACKET:
        return judge_packet(stepping);
    case RECOVERIES_RELEASE:
        return judge_release(stepping);
    case RECOVERIES_CANCEL:
        note(stepping, ACCOUNT_LOG_RECOVERY_CANCELLED);
        stepping->news.device_id = stepping->step.token == NULL ? stepping->step.device_id : 0;
        return go_on;
    }
    CHECK_UNREACHABLE();
}
