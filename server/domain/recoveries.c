/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning: READ (whose, and what is enrolled) -> answer (a grant is needed)
 *                                               -> WRITE -> told, answer
 *                                                        -> READ (what is open) -> answer
 *
 * What nobody has goes the same way, through as many statements, and is told to nobody.
 */
#include "server/domain/recoveries.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/grants.h"
#include "server/domain/purge.h"
#include "server/domain/recoveries_private.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_news.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/domain/txns_whom.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 2, /* an account may be erased between */

    /* What a statement of the write says when it yields nothing. */
    WRITE_ACCOUNT = 0, /* never */
    WRITE_GRANT,
    WRITE_ROW
};

struct beginning {
    struct domain *domain;
    struct txns_whom whom;
    bool has_grant;
    struct grant grant;
    struct recovery_token token;
    struct recoveries_row row;
    int64_t now_ms;
    int writes;
    recoveries_done_fn *done;
    void *arg;
};

static void begin_read(struct beginning *beginning);

const char *recoveries_state_text(enum recoveries_state state)
{
    switch (state) {
    case RECOVERIES_STATE_OPEN:
        return "open";
    case RECOVERIES_STATE_CANCELLED:
        return "cancelled";
    case RECOVERIES_STATE_RELEASED:
        return "released";
    case RECOVERIES_STATE_DONE:
        return "done";
    }
    CHECK_UNREACHABLE();
}

void recoveries_hash_token(const struct recovery_token *token, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const struct bytes part = bytes_of(token->raw, sizeof token->raw);

    crypto_sha256(&part, 1, out);
}

/* Rounded up, so that it is never less than was set. */
int64_t recoveries_until(const struct domain *domain, int64_t now_ms)
{
    return (now_ms + 999) / 1000 + domain->settings.recovery_wait_s;
}

/* Tell the outcome; it is the last to use beginning. */
static void finish(struct beginning *beginning, const struct recoveries_outcome *outcome)
{
    beginning->done(beginning->arg, outcome);
    mem_wipe(beginning, sizeof *beginning);
    free(beginning);
}

static void finish_with(struct beginning *beginning, enum recoveries_result result, int64_t until)
{
    finish(beginning, &(struct recoveries_outcome){ .result = result, .until = until });
}

/* Of the subject's requests one is open, or as many as may be are not a day old. */
static void on_others(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    int64_t now_s = beginning->now_ms / 1000;
    struct recoveries_view view;
    int64_t oldest = 0;
    int recent = 0;

    while (status == STORE_OK && recoveries_sql_next_of_subject(rows, &view)) {
        if (view.state == RECOVERIES_STATE_OPEN && view.expires_at > now_s) {
            finish_with(beginning, RECOVERIES_OPEN, view.expires_at);
            return;
        }
        if (view.created_at > now_s - LIMIT_RECOVERY_DAY_S) {
            oldest = view.created_at;
            recent++;
        }
    }
    if (status == STORE_OK && recent >= LIMIT_RECOVERIES_DAY) {
        finish_with(beginning, RECOVERIES_RATE_LIMITED, oldest + LIMIT_RECOVERY_DAY_S - now_s);
    } else if (status == STORE_OK && beginning->writes < WRITES_MAX) {
        begin_read(beginning); /* the account went, or the other request */
    } else {
        finish_with(beginning, RECOVERIES_UNAVAILABLE, 0);
    }
}

static void refuse(struct beginning *beginning, size_t refused_at)
{
    struct store_batch *batch = NULL;

    if (refused_at == WRITE_GRANT) {
        finish_with(beginning, RECOVERIES_STEPUP, 0);
        return;
    }
    CHECK(refused_at == WRITE_ROW);
    metrics_add(METRIC_recoveries_refused, 1);
    batch = recoveries_sql_ask_subject(beginning->row.subject);
    store_read(beginning->domain->store, &batch, on_others, beginning);
}

static struct recovery_news news_of(const struct recoveries_row *row)
{
    return (struct recovery_news){ .account = row->account,
                                   .account_id = row->account_id,
                                   .event = ACCOUNT_LOG_RECOVERY_REQUESTED,
                                   .recovery_id = row->view.recovery_id,
                                   .wait_until = row->view.wait_until,
                                   .expires_at = row->view.expires_at };
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    const struct recovery_news news = news_of(&beginning->row);

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_recoveries_begun, 1);
        recovery_news_tell(beginning->domain, &news);
        finish(beginning, &(struct recoveries_outcome){ .result = RECOVERIES_DONE,
                                                        .view = beginning->row.view,
                                                        .token = &beginning->token });
        return;
    case STORE_REFUSED:
        refuse(beginning, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(beginning, RECOVERIES_STORAGE_FULL, 0);
        return;
    case STORE_UNCERTAIN: /* nobody cancels what was not told */
        recovery_news_tell(beginning->domain, &news);
        finish_with(beginning, RECOVERIES_UNAVAILABLE, 0);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish_with(beginning, RECOVERIES_UNAVAILABLE, 0);
        return;
    }
}

static void begin_write(struct beginning *beginning)
{
    struct store_batch *batch = store_batch_create();
    const struct recoveries_row *row = &beginning->row;
    const struct recovery_news news = news_of(row);

    beginning->writes++;
    txns_sql_lock(batch, row->subject);
    recoveries_sql_hold_account(batch, row->account);
    grants_expect(batch, row->account, TXN_RECOVER, beginning->has_grant ? &beginning->grant : NULL,
                  beginning->now_ms);
    recoveries_sql_put(batch, row);
    recovery_news_note(beginning->domain, batch, &news, beginning->now_ms);
    store_submit(beginning->domain->store, &batch, on_written, beginning);
}

static void on_person(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    struct domain *domain = beginning->domain;
    struct recoveries_row *row = &beginning->row;
    struct txns_person person = { .account = 0 };
    uint32_t seeming = 0;
    bool known = false;

    if (status != STORE_OK) {
        finish_with(beginning, RECOVERIES_UNAVAILABLE, 0);
        return;
    }
    known = txns_whom_read(domain, &beginning->whom, rows, &person, &row->subject);
    seeming = txns_seeming(domain, row->subject);
    row->account = person.account;
    row->account_id = person.account_id;
    if (!beginning->has_grant && (known ? person.enrolled : seeming) != 0) {
        finish_with(beginning, RECOVERIES_STEPUP, 0);
    } else {
        begin_write(beginning);
    }
}

static void begin_read(struct beginning *beginning)
{
    struct store_batch *batch = txns_whom_ask(beginning->domain, &beginning->whom);

    store_read(beginning->domain->store, &batch, on_person, beginning);
}

void recoveries_begin(struct domain *domain, const struct recoveries_order *order, int64_t now_ms,
                      recoveries_done_fn *done, void *arg)
{
    struct beginning *beginning = mem_zeroed(1, sizeof *beginning);
    struct recoveries_view *view = &beginning->row.view;

    beginning->domain = domain;
    beginning->whom = txns_whom_of(order->handle, &order->account_id);
    beginning->has_grant = order->grant != NULL;
    if (order->grant != NULL) {
        beginning->grant = *order->grant;
    }
    beginning->now_ms = now_ms;
    beginning->done = done;
    beginning->arg = arg;
    random_fill(beginning->token.raw, sizeof beginning->token.raw);
    recoveries_hash_token(&beginning->token, beginning->row.token_hash);
    random_fill(view->recovery_id.raw, sizeof view->recovery_id.raw);
    memcpy(view->public_key, order->public_key, sizeof view->public_key);
    view->created_at = now_ms / 1000;
    view->wait_until = recoveries_until(domain, now_ms);
    view->expires_at = view->created_at + LIMIT_RECOVERY_S;
    beginning->row.generation = domain->generation;
    begin_read(beginning);
}

struct listing {
    recoveries_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct recoveries_view views[RECOVERIES_LIST_MAX];
    size_t count = 0;

    while (status == STORE_OK && count < RECOVERIES_LIST_MAX &&
           recoveries_sql_next(rows, &views[count])) {
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, views, count);
    free(listing);
}

void recoveries_list(struct domain *domain, const struct account_id *account_id, int64_t now_ms,
                     recoveries_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = store_batch_create();

    listing->done = done;
    listing->arg = arg;
    recoveries_sql_list(batch, account_id, now_ms / 1000);
    store_read(domain->store, &batch, on_listed, listing);
}

void recoveries_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "recoveries.purge", .done = done, .arg = arg };
    struct store_batch *batch = recoveries_sql_purge(now_ms / 1000, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
