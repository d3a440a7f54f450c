/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an account's chain, and adding to it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/api/account_path.h"
#include "server/api/api.h"
#include "server/api/holds_json.h"
#include "server/api/manifests_json.h"
#include "server/api/people_api.h"
#include "server/api/problem.h"
#include "server/api/query.h"
#include "server/api/reply.h"
#include "server/domain/holds.h"
#include "server/domain/manifests.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum {
    MEMBERS_BYTES = 48
};

struct listing {
    struct api *api;
    struct exchange *exchange;
    struct account_id account_id;
    json_t *page; /* that waits for what is held */
};

static void on_holds(void *arg, bool ok, const struct hold *holds, size_t count)
{
    struct listing *listing = arg;

    if (ok) {
        (void)json_object_set_new(listing->page, "held", holds_json(holds, count));
        reply_json_steal(listing->exchange, 200, listing->page);
    } else {
        json_decref(listing->page);
        problem_of_store(listing->exchange, false);
    }
    free(listing);
}

/* What an account holds is for its own devices. */
static bool is_own(const struct listing *listing)
{
    return memcmp(listing->account_id.raw, api_caller(listing->exchange)->account_id.raw,
                  sizeof listing->account_id.raw) == 0;
}

static void on_listed(void *arg, bool ok, const struct manifests_page *page)
{
    struct listing *listing = arg;

    if (!ok) {
        problem_of_store(listing->exchange, false);
    } else if (page == NULL) {
        exchange_reply_problem(listing->exchange, PROBLEM_not_found, 0, "");
    } else if (is_own(listing)) {
        listing->page = manifests_json(&listing->account_id, page);
        holds_list_whole(listing->api->domain, &listing->account_id, on_holds, listing);
        return;
    } else {
        reply_json_steal(listing->exchange, 200, manifests_json(&listing->account_id, page));
    }
    free(listing);
}

void manifests_api_list(void *arg, struct exchange *exchange)
{
    static const char *const names[] = { "since", NULL };
    struct api *api = arg;
    struct account_id account_id;
    struct listing *listing = NULL;
    int64_t since = -1;

    if (!account_path_id(exchange, &account_id) || !query_knows_only(exchange, names) ||
        !query_int(exchange, "since", 0, (INT64_C(1) << ACCOUNT_PATH_EPOCH_BITS) - 1, &since)) {
        return;
    }
    listing = mem_zeroed(1, sizeof *listing);
    listing->api = api;
    listing->exchange = exchange;
    listing->account_id = account_id;
    manifests_list(api->domain, &account_id, since, on_listed, listing);
}

static void reply_head(struct exchange *exchange, int status,
                       const struct manifests_outcome *outcome)
{
    reply_json_steal(
        exchange, status,
        json_pack("{s:I, s:o}", "epoch", (json_int_t)outcome->epoch, "hash",
                  json_base64url(bytes_of(outcome->hash.raw, sizeof outcome->hash.raw))));
}

static void reply_conflict(struct exchange *exchange, const struct manifests_outcome *outcome)
{
    struct buf members = { 0 };

    buf_append_format(&members, ",\"epoch\":%" PRIu64 ",\"hash\":\"", outcome->epoch);
    base64url_encode(bytes_of(outcome->hash.raw, sizeof outcome->hash.raw), &members);
    buf_append_text(&members, "\",\"manifest\":\"");
    base64url_encode(outcome->head, &members);
    buf_append_text(&members, "\"");
    buf_append_u8(&members, '\0');
    exchange_reply_problem(exchange, PROBLEM_manifest_conflict, 0, (const char *)members.at);
    buf_clear(&members);
}

static void reply_blocked(struct exchange *exchange, int64_t held_until)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"held_until\":%" PRId64, held_until);
    exchange_reply_problem(exchange, PROBLEM_manifest_held, 0, members);
}

void manifests_api_reply(struct exchange *exchange, const struct manifests_outcome *outcome)
{
    switch (outcome->result) {
    case MANIFESTS_STORED:
        reply_head(exchange, 201, outcome);
        return;
    case MANIFESTS_PRESENT:
        reply_head(exchange, 200, outcome);
        return;
    case MANIFESTS_INVALID:
        problem_of_manifest(exchange, outcome->verdict);
        return;
    case MANIFESTS_ACCOUNT_DIFFERS:
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "account_id");
        return;
    case MANIFESTS_EPOCH_DIFFERS:
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "epoch");
        return;
    case MANIFESTS_CONFLICT:
        reply_conflict(exchange, outcome);
        return;
    case MANIFESTS_HELD:
        reply_json_steal(exchange, 202,
                         json_pack("{s:I}", "held_until", (json_int_t)outcome->held_until));
        return;
    case MANIFESTS_BLOCKED:
        reply_blocked(exchange, outcome->held_until);
        return;
    case MANIFESTS_KEY_USED:
        exchange_reply_problem(exchange, PROBLEM_device_key_used, 0, "");
        return;
    case MANIFESTS_OVERTAKEN: /* nothing rides with it here, and only the janitor hears the other */
    case MANIFESTS_NOT_HELD:
        CHECK_UNREACHABLE();
    case MANIFESTS_ACCOUNT_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
        return;
    case MANIFESTS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case MANIFESTS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static void on_put(void *arg, const struct manifests_outcome *outcome)
{
    manifests_api_reply(arg, outcome);
}

void manifests_api_put(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct manifests_order order = { 0 };
    struct json_reader reader;
    struct buf manifest = { 0 };

    if (!account_path_id(exchange, &order.account_id) ||
        !account_path_epoch(exchange, &order.epoch)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_bytes(&reader, "manifest", &manifest);
    if (json_reader_end(&reader)) {
        order.signed_bytes = buf_view(&manifest);
        manifests_put(api->domain, &order, api->now_ms(), on_put, exchange);
    } else {
        problem_of_reader(exchange, &reader);
    }
    buf_clear(&manifest);
}
