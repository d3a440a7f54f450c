/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   READ -> answer   (unknown, ended, out of turn, early; done before; a share cannot be opened)
 *        -> WRITE -> told, answer
 *                 -> READ   (refused: the row is another now; a few times at most)
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/recoveries.h"
#include "server/domain/recoveries_private.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_contacts.h"
#include "server/domain/recovery_news.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 3,
    WRITE_SEQ = 0 /* of a command; else the row */
};

/* The NUL is part of the label. */
static const char decoy_label[] = "sealpost/recovery-decoy/1";

static void step_read(struct stepping *stepping);

static bool is_command(const struct stepping *stepping)
{
    return stepping->step.act == RECOVERIES_CANCEL && stepping->step.token == NULL;
}

/* Tell the outcome; it is the last to use stepping. */
static void finish(struct stepping *stepping, const struct recoveries_outcome *outcome)
{
    stepping->done(stepping->arg, outcome);
    buf_clear(&stepping->packet);
    buf_clear(&stepping->row_packet);
    mem_wipe(stepping, sizeof *stepping);
    free(stepping);
}

static void finish_with(struct stepping *stepping, enum recoveries_result result)
{
    finish(stepping, &(struct recoveries_outcome){
                         .result = result, .view = stepping->row.view, .until = stepping->until });
}

/* What the relay has of the slot, into a; where it has nothing, what looks the same. */
static bool share_open(struct stepping *stepping)
{
    const struct domain *domain = stepping->domain;
    const struct recoveries_row *row = &stepping->row;
    const uint8_t slot = (uint8_t)row->slot;
    const struct bytes parts[] = {
        bytes_of(decoy_label, sizeof decoy_label),
        bytes_of(row->view.recovery_id.raw, sizeof row->view.recovery_id.raw),
        bytes_of(&slot, 1),
    };

    if (row->account != 0 && row->sealed_share.size > 0) {
        return recovery_contacts_open(domain, &row->account_id, row->slot, row->sealed_share,
                                      stepping->a);
    }
    recovery_contacts_open_decoy(domain);
    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 3, stepping->a);
    return true;
}

static void finish_released(struct stepping *stepping)
{
    metrics_add(METRIC_recoveries_released, 1);
    stepping->row.view.state = RECOVERIES_STATE_RELEASED;
    finish(stepping, &(struct recoveries_outcome){ .result = RECOVERIES_DONE,
                                                   .view = stepping->row.view,
                                                   .a = stepping->a,
                                                   .slot = stepping->row.slot,
                                                   .packet = stepping->row.packet });
}

static void finish_written(struct stepping *stepping)
{
    if (stepping->news.event != 0) {
        recovery_news_tell(stepping->domain, &stepping->news);
    }
    if (stepping->renews) {
        finish_with(stepping, RECOVERIES_EARLY);
    } else if (stepping->step.act == RECOVERIES_RELEASE) {
        finish_released(stepping);
    } else {
        metrics_add(METRIC_recoveries_cancelled, stepping->step.act == RECOVERIES_CANCEL ? 1 : 0);
        finish_with(stepping, RECOVERIES_DONE);
    }
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct stepping *stepping = arg;

    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        finish_with(stepping, RECOVERIES_UNAVAILABLE);
    } else {
        finish(stepping,
               &(struct recoveries_outcome){ .result = RECOVERIES_REPLAYED, .last_seq = last_seq });
    }
}

static void refuse(struct stepping *stepping, size_t refused_at)
{
    if (is_command(stepping) && refused_at == WRITE_SEQ) {
        commands_last(stepping->domain, stepping->guard.mailbox, on_last, stepping);
    } else if (stepping->writes < WRITES_MAX) {
        step_read(stepping);
    } else {
        finish_with(stepping, RECOVERIES_UNAVAILABLE);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct stepping *stepping = arg;

    switch (status) {
    case STORE_OK:
        finish_written(stepping);
        return;
    case STORE_REFUSED:
        refuse(stepping, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(stepping, RECOVERIES_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(stepping, RECOVERIES_UNAVAILABLE);
        return;
    }
}

static void write_act(struct stepping *stepping, struct store_batch *batch)
{
    const struct recoveries_step *step = &stepping->step;
    const struct recoveries_row *row = &stepping->row;

    switch (step->act) {
    case RECOVERIES_READ:
        break;
    case RECOVERIES_EXCHANGE:
        recoveries_sql_exchange(batch, row, &step->commit);
        return;
    case RECOVERIES_ANSWER:
        recoveries_sql_answer(batch, row, &step->random, step->mailbox);
        return;
    case RECOVERIES_REVEAL:
        recoveries_sql_reveal(batch, row, &step->random);
        return;
    case RECOVERIES_PACKET:
        recoveries_sql_packet(batch, row, step->slot, step->packet);
        return;
    case RECOVERIES_RELEASE:
        if (stepping->renews) {
            recoveries_sql_renew(batch, row, stepping->until, stepping->domain->generation);
        } else {
            recoveries_sql_end(batch, row, RECOVERIES_STATE_RELEASED);
        }
        return;
    case RECOVERIES_CANCEL:
        recoveries_sql_end(batch, row, RECOVERIES_STATE_CANCELLED);
        return;
    }
    CHECK_UNREACHABLE();
}

static void step_write(struct stepping *stepping)
{
    struct store_batch *batch = store_batch_create();

    stepping->writes++;
    if (is_command(stepping)) {
        commands_spend(batch, &stepping->guard);
    }
    write_act(stepping, batch);
    if (stepping->news.event != 0) {
        recovery_news_note(stepping->domain, batch, &stepping->news, stepping->now_ms);
    }
    store_submit(stepping->domain->store, &batch, on_written, stepping);
}

/* The packet is looked at after the rows have gone. */
static void keep_packet(struct stepping *stepping)
{
    buf_empty(&stepping->row_packet);
    buf_append(&stepping->row_packet, stepping->row.packet);
    stepping->row.packet = buf_view(&stepping->row_packet);
}

/* Of a release what it tells is there before it is written, for a request is released once. */
static bool is_ready(struct stepping *stepping)
{
    bool releases = stepping->step.act == RECOVERIES_RELEASE && !stepping->renews;

    return !releases || share_open(stepping);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct stepping *stepping = arg;
    struct recoveries_verdict verdict;

    if (status != STORE_OK) {
        finish_with(stepping, RECOVERIES_UNAVAILABLE);
        return;
    }
    if (!recoveries_sql_row(rows, &stepping->row)) {
        stepping->row = (struct recoveries_row){ .account = 0 };
        finish_with(stepping, RECOVERIES_UNKNOWN);
        return;
    }
    keep_packet(stepping);
    verdict = recoveries_judge(stepping);
    if (!verdict.writes) {
        finish_with(stepping, verdict.result);
    } else if (is_ready(stepping)) {
        step_write(stepping);
    } else {
        finish_with(stepping, RECOVERIES_UNAVAILABLE);
    }
}

static void step_read(struct stepping *stepping)
{
    struct store_batch *batch =
        recoveries_sql_ask(&stepping->step.recovery_id, stepping->now_ms / 1000);

    store_read(stepping->domain->store, &batch, on_read, stepping);
}

void recoveries_do(struct domain *domain, const struct recoveries_step *step, int64_t now_ms,
                   recoveries_done_fn *done, void *arg)
{
    struct stepping *stepping = mem_zeroed(1, sizeof *stepping);

    stepping->domain = domain;
    stepping->step = *step;
    if (step->token != NULL) {
        stepping->token = *step->token;
        stepping->step.token = &stepping->token;
    }
    if (step->guard != NULL) {
        stepping->guard = *step->guard;
        stepping->step.guard = &stepping->guard;
    }
    buf_append(&stepping->packet, step->packet);
    stepping->step.packet = buf_view(&stepping->packet);
    stepping->now_ms = now_ms;
    stepping->done = done;
    stepping->arg = arg;
    step_read(stepping);
}
