/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors of the calling account, as they are: the list, codes to show, the log. */
#include "server/api/factors_api.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/api/api.h"
#include "server/api/factors_json.h"
#include "server/api/problem.h"
#include "server/api/query.h"
#include "server/api/reply.h"
#include "server/domain/account_log.h"
#include "server/domain/codes.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factors.h"

static void on_listed(void *arg, bool ok, const struct factors_view *views, size_t count)
{
    if (!ok) {
        problem_of_store(arg, false);
        return;
    }
    reply_json_steal(arg, 200, json_pack("{s:o}", "factors", factors_json(views, count)));
}

void factors_api_list(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    factors_list(api->domain, &api_caller(exchange)->account_id, on_listed, exchange);
}

static void on_codes(void *arg, bool ok, const struct shown_code *codes, size_t count)
{
    json_t *array = NULL;

    if (!ok) {
        problem_of_store(arg, false);
        return;
    }
    array = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct bytes id =
            bytes_of(codes[i].challenge_id.raw, sizeof codes[i].challenge_id.raw);

        (void)json_array_append_new(
            array, json_pack("{s:o, s:s, s:s, s:I}", "challenge_id", json_base64url(id), "purpose",
                             txn_purpose_text(codes[i].purpose), "code", codes[i].code.digits,
                             "expires_at", (json_int_t)codes[i].expires_at));
    }
    reply_json_steal(arg, 200, json_pack("{s:o}", "challenges", array));
}

void factors_api_codes(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    codes_list(api->domain, api_caller(exchange)->account, api->now_ms(), on_codes, exchange);
}

static json_t *entry_json(const struct account_log_entry *entry)
{
    json_t *object =
        json_pack("{s:I, s:I, s:s, s:s}", "entry", (json_int_t)entry->entry, "at",
                  (json_int_t)entry->at, "change", account_log_event_text(entry->event),
                  "factor_kind", factor_kind_text(entry->kind));

    if (entry->device_id != 0) {
        (void)json_object_set_new(object, "device_id", json_integer(entry->device_id));
    }
    if (entry->purpose != 0) {
        (void)json_object_set_new(object, "purpose", json_string(txn_purpose_text(entry->purpose)));
    }
    return object;
}

static void on_log(void *arg, bool ok, const struct account_log_entry *entries, size_t count)
{
    json_t *array = NULL;

    if (!ok) {
        problem_of_store(arg, false);
        return;
    }
    array = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, entry_json(&entries[i]));
    }
    reply_json_steal(arg, 200,
                     json_pack("{s:o, s:b}", "entries", array, "more", count == ACCOUNT_LOG_PAGE));
}

void factors_api_log(void *arg, struct exchange *exchange)
{
    static const char *const names[] = { "after", NULL };
    struct api *api = arg;
    int64_t after = 0;

    if (query_knows_only(exchange, names) && query_int(exchange, "after", 0, INT64_MAX, &after)) {
        account_log_list(api->domain, api_caller(exchange)->account, after, on_log, exchange);
    }
}
