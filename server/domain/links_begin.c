/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By QR code:  WRITE -> answer
 * With a name: READ (whose, and what is enrolled) -> WRITE -> the devices are asked, answer
 *                                                          -> READ (when is the next prompt due)
 *
 * What nobody has goes the same way: it seems to have the factors that a keyed hash decides, and
 * where it has, no grant is good.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/grants.h"
#include "server/domain/links.h"
#include "server/domain/links_private.h"
#include "server/domain/links_sql.h"
#include "server/domain/links_steps.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/domain/txns_whom.h"
#include "server/store/store.h"

/* What an expected statement of the write says when it yields nothing; by QR code the last alone. */
enum guard {
    GUARD_GRANT = 0,
    GUARD_PROMPTS,
    GUARD_ROOM
};

struct beginning {
    struct domain *domain;
    struct links_row row;
    struct buf entry;
    struct buf name;
    bool asks;
    struct txns_whom whom;
    bool has_grant;
    struct grant grant;
    uint8_t token[LINK_TOKEN_BYTES];
    int64_t now_ms;
    links_done_fn *done;
    void *arg;
};

static void finish(struct beginning *beginning, const struct links_outcome *outcome)
{
    beginning->done(beginning->arg, outcome);
    buf_clear(&beginning->entry);
    buf_clear(&beginning->name);
    mem_wipe(beginning, sizeof *beginning);
    free(beginning);
}

static void finish_with(struct beginning *beginning, enum links_result result)
{
    finish(beginning, &(struct links_outcome){ .result = result });
}

static void finish_begun(struct beginning *beginning)
{
    struct buf text = { 0 };

    buf_append_text(&text, "spl1_");
    base64url_encode(bytes_of(beginning->token, sizeof beginning->token), &text);
    buf_append_u8(&text, '\0');
    metrics_add(METRIC_links_begun, 1);
    finish(beginning, &(struct links_outcome){ .result = LINKS_DONE,
                                               .link_id = beginning->row.link_id,
                                               .token = (const char *)text.at,
                                               .expires_at = beginning->row.expires_at,
                                               .version = 1,
                                               .state = LINK_CREATED });
    mem_wipe(text.at, text.size);
    buf_clear(&text);
}

static struct links_news news_of(const struct beginning *beginning)
{
    return (struct links_news){ .event = ACCOUNT_LOG_LINK_REQUESTED,
                                .link_id = beginning->row.link_id,
                                .account = beginning->row.account,
                                .account_id = beginning->row.account_id,
                                .expires_at = beginning->row.expires_at,
                                .name = buf_view(&beginning->name) };
}

/* The oldest prompt that counts makes room when its hour is over. */
static void on_prompts(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    int64_t now_s = beginning->now_ms / 1000;
    int64_t oldest = now_s;

    if (status != STORE_OK) {
        finish_with(beginning, LINKS_UNAVAILABLE);
        return;
    }
    while (links_sql_next_prompt(rows, &oldest)) {
    }
    finish(beginning, &(struct links_outcome){ .result = LINKS_RATE_LIMITED,
                                               .retry_s = oldest + LIMIT_LINK_PROMPTS_S - now_s });
}

static void refuse(struct beginning *beginning, size_t refused_at)
{
    struct store_batch *batch = NULL;

    if (!beginning->asks || refused_at == GUARD_ROOM) {
        finish_with(beginning, LINKS_CROWDED);
    } else if (refused_at == GUARD_GRANT) {
        finish_with(beginning, LINKS_GRANT);
    } else {
        CHECK(refused_at == GUARD_PROMPTS);
        metrics_add(METRIC_link_prompts_refused, 1);
        batch = links_sql_ask_prompts(beginning->row.subject);
        store_read(beginning->domain->store, &batch, on_prompts, beginning);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    const struct links_news news = news_of(beginning);

    if (status == STORE_REFUSED) {
        refuse(beginning, store_rows_refused_at(rows));
        return;
    }
    if (status != STORE_OK) {
        finish_with(beginning, links_result_of(status));
        return;
    }
    if (beginning->asks) {
        metrics_add(METRIC_link_prompts, beginning->row.account != 0 ? 1 : 0);
        links_tell(beginning->domain, &news);
    }
    finish_begun(beginning);
}

/* Who is not there and seems to have a factor needs a grant, and has none that is good. */
static void expect_grant(struct beginning *beginning, struct store_batch *batch, uint32_t seeming)
{
    const struct links_row *row = &beginning->row;
    const struct grant *grant = beginning->has_grant ? &beginning->grant : NULL;

    if (row->account == 0 && seeming != 0 && grant == NULL) {
        grants_make(&beginning->grant);
        grant = &beginning->grant;
    }
    grants_expect_link(batch, row->account, grant, beginning->now_ms);
}

static void begin_write(struct beginning *beginning, uint32_t seeming)
{
    struct store_batch *batch = store_batch_create();
    const struct links_news news = news_of(beginning);
    int64_t now_s = beginning->now_ms / 1000;

    beginning->row.entry = buf_view(&beginning->entry);
    beginning->row.name = buf_view(&beginning->name);
    if (beginning->asks) {
        txns_sql_lock(batch, beginning->row.subject);
        expect_grant(beginning, batch, seeming);
        links_sql_prompt(batch, &beginning->row, now_s);
    }
    links_sql_put(batch, &beginning->row, now_s, LIMIT_LINKS);
    if (beginning->asks) {
        links_note(beginning->domain, batch, &news, beginning->now_ms);
    }
    store_submit(beginning->domain->store, &batch, on_written, beginning);
}

static void on_found(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    struct domain *domain = beginning->domain;
    struct txns_person person = { .account = 0 };
    struct links_row *row = &beginning->row;

    if (status != STORE_OK) {
        finish_with(beginning, LINKS_UNAVAILABLE);
        return;
    }
    if (txns_whom_read(domain, &beginning->whom, rows, &person, &row->subject)) {
        row->account = person.account;
        row->account_id = person.account_id;
    }
    begin_write(beginning, txns_seeming(domain, row->subject));
}

static void find(struct beginning *beginning)
{
    struct store_batch *batch = txns_whom_ask(beginning->domain, &beginning->whom);

    store_read(beginning->domain->store, &batch, on_found, beginning);
}

static void make_token(struct beginning *beginning)
{
    const struct bytes part = bytes_of(beginning->token, sizeof beginning->token);

    random_fill(beginning->token, sizeof beginning->token);
    crypto_sha256(&part, 1, beginning->row.token_hash.raw);
}

void links_begin(struct domain *domain, const struct links_order *order, int64_t now_ms,
                 links_done_fn *done, void *arg)
{
    struct beginning *beginning = mem_zeroed(1, sizeof *beginning);

    CHECK(order->entry.size <= LIMIT_LINK_ENTRY_BYTES && order->name.size <= LIMIT_LINK_NAME_BYTES);
    beginning->domain = domain;
    buf_append(&beginning->entry, order->entry);
    buf_append(&beginning->name, order->name);
    beginning->asks = order->asks;
    beginning->whom = txns_whom_of(order->handle, &order->account_id);
    beginning->has_grant = order->grant != NULL;
    if (order->grant != NULL) {
        beginning->grant = *order->grant;
    }
    beginning->now_ms = now_ms;
    beginning->done = done;
    beginning->arg = arg;
    beginning->row.expires_at = now_ms / 1000 + LIMIT_LINK_S;
    random_fill(beginning->row.link_id.raw, sizeof beginning->row.link_id.raw);
    make_token(beginning);
    if (beginning->asks) {
        find(beginning);
    } else {
        begin_write(beginning, 0);
    }
}
