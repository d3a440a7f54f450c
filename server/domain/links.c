/* SPDX-License-Identifier: Apache-2.0 */
/* Reading links: who may see them, what is seen. */
#include "server/domain/links.h"

#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/domain/links_private.h"
#include "server/domain/links_sql.h"
#include "server/store/store.h"

static const char token_prefix[] = "spl1_";

const char *links_state_text(enum link_state state)
{
    static const char *const texts[] = { "created", "claimed", "candidate", "signed",
                                         "done",    "expired", "denied" };

    CHECK((size_t)state < sizeof texts / sizeof texts[0]);
    return texts[state];
}

bool links_state_is_final(enum link_state state)
{
    return state >= LINK_DONE;
}

bool links_is_token(struct bytes text)
{
    const size_t size = sizeof token_prefix - 1;

    return text.size >= size && memcmp(text.at, token_prefix, size) == 0;
}

bool links_token_parse(struct bytes text, struct link_token_hash *out)
{
    const size_t size = sizeof token_prefix - 1;
    uint8_t raw[LINK_TOKEN_BYTES] = { 0 };
    const struct bytes part = bytes_of(raw, sizeof raw);
    bool ok = links_is_token(text) &&
              base64url_decode_exact(bytes_of(text.at + size, text.size - size), raw, sizeof raw);

    if (ok) {
        crypto_sha256(&part, 1, out->raw);
    }
    mem_wipe(raw, sizeof raw);
    return ok;
}

enum link_state links_state_at(const struct links_row *row, int64_t now_s)
{
    return row->expires_at <= now_s && !links_state_is_final(row->state) ? LINK_EXPIRED
                                                                         : row->state;
}

bool links_is_for(const struct links_row *row, const struct links_actor *actor)
{
    if (actor->is_new) {
        return crypto_equal(row->token_hash.raw, actor->token_hash.raw, sizeof row->token_hash.raw);
    }
    return row->account != 0 ? row->account == actor->account : row->subject == 0;
}

void links_view_of(const struct links_row *row, int64_t now_s, struct links_view *out)
{
    *out = (struct links_view){ .link_id = row->link_id,
                                .version = row->version,
                                .state = links_state_at(row, now_s),
                                .entry = row->entry,
                                .name = row->name,
                                .expires_at = row->expires_at,
                                .candidate = row->candidate };
    if (row->account != 0 && row->device_id != 0) {
        out->device_id = row->device_id;
        out->device_pub = row->device_pub;
        out->account_id = row->account_id;
    }
}

enum links_result links_result_of(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return LINKS_DONE;
    case STORE_FULL:
        return LINKS_STORAGE_FULL;
    case STORE_REFUSED:
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        return LINKS_UNAVAILABLE;
    }
    CHECK_UNREACHABLE();
}

struct reading {
    struct links_actor actor;
    int64_t now_s;
    links_done_fn *done;
    void *arg;
};

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reading *reading = arg;
    struct links_outcome outcome = { .result = LINKS_UNKNOWN };
    struct links_view view;
    struct links_row row;

    if (status != STORE_OK) {
        outcome.result = LINKS_UNAVAILABLE;
    } else if (links_sql_row(rows, &row) && links_is_for(&row, &reading->actor)) {
        links_view_of(&row, reading->now_s, &view);
        store_rows_select(rows, 1);
        while (view.message_count < LIMIT_LINK_MESSAGES &&
               links_sql_next_message(rows, &view.messages[view.message_count])) {
            view.message_count++;
        }
        outcome = (struct links_outcome){
            .result = LINKS_DONE, .view = &view, .version = view.version, .state = view.state
        };
    }
    reading->done(reading->arg, &outcome);
    free(reading);
}

void links_read(struct domain *domain, const struct link_id *link_id,
                const struct links_actor *actor, int64_t now_ms, links_done_fn *done, void *arg)
{
    struct reading *reading = mem_zeroed(1, sizeof *reading);
    struct store_batch *batch = store_batch_create();

    reading->actor = *actor;
    reading->now_s = now_ms / 1000;
    reading->done = done;
    reading->arg = arg;
    links_sql_ask(batch, link_id);
    store_read(domain->store, &batch, on_read, reading);
}

static void on_why(void *arg, const struct links_outcome *read)
{
    const struct links_refusal refusal = *(struct links_refusal *)arg;
    struct links_outcome outcome = { .result = read->result };

    free(arg);
    if (read->result == LINKS_DONE) {
        bool moved = read->version != refusal.version || links_state_is_final(read->state) ||
                     (refusal.wants_created && read->state != LINK_CREATED);

        outcome.result = moved ? LINKS_CONFLICT : refusal.fallback;
        outcome.version = read->version;
        outcome.state = read->state;
    }
    refusal.done(refusal.arg, &outcome);
}

void links_explain(struct domain *domain, const struct links_refusal *refusal)
{
    struct links_refusal *kept = mem_raw(sizeof *kept);

    *kept = *refusal;
    links_read(domain, &kept->link_id, &kept->actor, kept->now_ms, on_why, kept);
}

struct listing {
    int64_t now_s;
    links_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct links_view *views = mem_zeroed(LINKS_LIST_MAX, sizeof *views);
    struct links_row row;
    size_t count = 0;

    while (status == STORE_OK && count < LINKS_LIST_MAX && links_sql_row(rows, &row)) {
        links_view_of(&row, listing->now_s, &views[count]);
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, views, count);
    free(views);
    free(listing);
}

void links_list(struct domain *domain, const struct links_actor *actor, int64_t now_ms,
                links_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = links_sql_list(actor->account, now_ms / 1000, LINKS_LIST_MAX);

    listing->now_s = now_ms / 1000;
    listing->done = done;
    listing->arg = arg;
    store_read(domain->store, &batch, on_listed, listing);
}
