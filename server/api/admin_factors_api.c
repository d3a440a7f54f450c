/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors as the operator sees them: kinds and dates, neither secrets nor labels. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/api/account_path.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factors.h"
#include "server/domain/factors_operator.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

static void refuse(struct exchange *exchange, enum factors_operator_result result)
{
    switch (result) {
    case FACTORS_OPERATOR_DONE:
        CHECK_UNREACHABLE();
    case FACTORS_OPERATOR_NO_ACCOUNT:
        exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
        return;
    case FACTORS_OPERATOR_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_factor_unknown, 0, "");
        return;
    case FACTORS_OPERATOR_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case FACTORS_OPERATOR_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static json_t *view_json(const struct factors_view *view)
{
    json_t *object =
        json_pack("{s:o, s:s, s:b, s:I}", "factor_id",
                  json_base64url(bytes_of(view->factor_id.raw, sizeof view->factor_id.raw)), "kind",
                  factor_kind_text(view->kind), "confirmed", view->is_confirmed ? 1 : 0,
                  "created_at", (json_int_t)view->created_at);

    if (view->kind == FACTOR_RECOVERY_CODE) {
        (void)json_object_set_new(object, "codes_left", json_integer(view->codes_left));
    }
    return object;
}

static void on_listed(void *arg, enum factors_operator_result result,
                      const struct factors_view *views, size_t count)
{
    json_t *list = NULL;

    if (result != FACTORS_OPERATOR_DONE) {
        refuse(arg, result);
        return;
    }
    list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, view_json(&views[i]));
    }
    reply_json_steal(arg, 200, json_pack("{s:o}", "factors", list));
}

void admin_factors_list(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct account_id account_id;

    if (account_path_id(exchange, &account_id)) {
        factors_operator_list(api->domain, &account_id, on_listed, exchange);
    }
}

static void on_removed(void *arg, enum factors_operator_result result)
{
    if (result != FACTORS_OPERATOR_DONE) {
        refuse(arg, result);
        return;
    }
    exchange_reply_empty(arg, 204);
}

void admin_factors_remove(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct account_id account_id;
    struct factor_id factor_id;

    if (!account_path_id(exchange, &account_id)) {
        return;
    }
    if (!base64url_decode_exact(exchange_path_param(exchange, "factor_id"), factor_id.raw,
                                sizeof factor_id.raw)) {
        problem_of_member(exchange, JSON_MALFORMED, "factor_id");
        return;
    }
    factors_operator_remove(api->domain, &account_id, &factor_id, api->now_ms(), on_removed,
                            exchange);
}
