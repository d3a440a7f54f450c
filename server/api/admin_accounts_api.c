/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/problem.h"
#include "server/api/query.h"
#include "server/api/reply.h"
#include "server/api/report_api.h"
#include "server/domain/accounts.h"
#include "server/domain/census.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/report.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    LIST_DEFAULT = 100
};

struct listing {
    struct exchange *exchange;
    int64_t limit;
};

struct queueing {
    struct api *api;
    struct exchange *exchange;
};

static json_t *entry_json(const struct accounts_entry *entry)
{
    const json_int_t day_s = DOMAIN_DAY_MS / 1000;

    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "account_id",
                     json_base64url(bytes_of(entry->account_id.raw, sizeof entry->account_id.raw)),
                     "epoch", (json_int_t)entry->epoch, "devices", (json_int_t)entry->device_count,
                     "created_day", (json_int_t)entry->created_day * day_s, "seen_day",
                     (json_int_t)entry->seen_day * day_s, "after", (json_int_t)entry->account);
}

static void on_listed(void *arg, const struct accounts_entry *entries, size_t count)
{
    struct listing *listing = arg;
    json_t *list = NULL;

    if (entries == NULL) {
        problem_of_store(listing->exchange, false);
    } else {
        list = json_array();
        for (size_t i = 0; i < count; i++) {
            (void)json_array_append_new(list, entry_json(&entries[i]));
        }
        reply_json_steal(listing->exchange, 200,
                         json_pack("{s:o, s:b}", "accounts", list, "more",
                                   count == (size_t)listing->limit ? 1 : 0));
    }
    free(listing);
}

void admin_accounts_list(void *arg, struct exchange *exchange)
{
    static const char *const names[] = { "after", "limit", NULL };
    struct api *api = arg;
    struct listing *listing = NULL;
    int64_t after = 0;
    int64_t limit = LIST_DEFAULT;

    if (!query_knows_only(exchange, names) || !query_int(exchange, "after", 0, INT64_MAX, &after) ||
        !query_int(exchange, "limit", 1, ACCOUNTS_LIST_MAX, &limit)) {
        return;
    }
    listing = mem_zeroed(1, sizeof *listing);
    listing->exchange = exchange;
    listing->limit = limit;
    accounts_list(api->domain, after, limit, on_listed, listing);
}

static bool path_account(struct exchange *exchange, struct account_id *out)
{
    if (base64url_decode_exact(exchange_path_param(exchange, "account_id"), out->raw,
                               sizeof out->raw)) {
        return true;
    }
    exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
    return false;
}

static void on_report(void *arg, bool ok, const struct report *report)
{
    if (!ok) {
        problem_of_store(arg, false);
    } else if (report == NULL) {
        exchange_reply_problem(arg, PROBLEM_not_found, 0, "");
    } else {
        reply_json_steal(arg, 200, report_api_json(report));
    }
}

void admin_accounts_show(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct account_id account_id;

    if (path_account(exchange, &account_id)) {
        report_make(api->domain, &account_id, on_report, exchange);
    }
}

static void on_erased(void *arg, const struct accounts_outcome *outcome)
{
    if (outcome->result == ACCOUNTS_DONE) {
        exchange_reply_empty(arg, 204);
    } else if (outcome->result == ACCOUNTS_UNKNOWN) {
        exchange_reply_problem(arg, PROBLEM_not_found, 0, "");
    } else {
        problem_of_store(arg, outcome->result == ACCOUNTS_STORAGE_FULL);
    }
}

void admin_accounts_erase(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct accounts_erasure order = { .guard = NULL };

    if (path_account(exchange, &order.account_id)) {
        accounts_erase(api->domain, &order, api->now_ms(), on_erased, exchange);
    }
}

static json_t *queue_json(const struct api *api, const struct census_queue *queue)
{
    return json_pack("{s:o, s:I, s:I, s:I, s:b}", "account_id",
                     json_base64url(bytes_of(queue->account_id.raw, sizeof queue->account_id.raw)),
                     "device_id", (json_int_t)queue->device_id, "envelopes",
                     (json_int_t)queue->envelopes, "bytes", (json_int_t)queue->bytes, "stream",
                     hub_has_stream(api->domain->hub, &queue->device_pub) ? 1 : 0);
}

static void on_queues(void *arg, const struct census_queue *queues, size_t count)
{
    struct queueing *queueing = arg;
    json_t *list = NULL;

    if (queues == NULL) {
        problem_of_store(queueing->exchange, false);
    } else {
        list = json_array();
        for (size_t i = 0; i < count; i++) {
            (void)json_array_append_new(list, queue_json(queueing->api, &queues[i]));
        }
        reply_json_steal(queueing->exchange, 200, json_pack("{s:o}", "queues", list));
    }
    free(queueing);
}

void admin_queues(void *arg, struct exchange *exchange)
{
    static const char *const names[] = { "account", NULL };
    struct queueing *queueing = NULL;
    struct bytes text;
    struct account_id account_id;
    bool one = exchange_query(exchange, "account", &text);

    if (!query_knows_only(exchange, names)) {
        return;
    }
    if (one && !base64url_decode_exact(text, account_id.raw, sizeof account_id.raw)) {
        problem_of_member(exchange, JSON_MALFORMED, "account");
        return;
    }
    queueing = mem_zeroed(1, sizeof *queueing);
    queueing->api = arg;
    queueing->exchange = exchange;
    census_queues(queueing->api->domain, one ? &account_id : NULL, on_queues, queueing);
}
