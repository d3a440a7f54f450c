/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vetoes.  A device calls with its session and a signed command; the recovery key, which is no
 * device, without a session: its command is signed as by device 0.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/sigbytes.h"
#include "server/api/account_path.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/people_api.h"
#include "server/api/problem.h"
#include "server/domain/commands.h"
#include "server/domain/holds.h"
#include "server/domain/holds_veto.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

static void on_vetoed(void *arg, const struct holds_outcome *outcome)
{
    struct exchange *exchange = arg;

    switch (outcome->result) {
    case HOLDS_VETOED:
        exchange_reply_empty(exchange, 204);
        return;
    case HOLDS_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
        return;
    case HOLDS_DENIED:
        exchange_reply_problem(exchange, PROBLEM_veto_denied, 0, "");
        return;
    case HOLDS_COMMAND_INVALID:
        exchange_reply_problem(exchange, PROBLEM_command_invalid, 0, "");
        return;
    case HOLDS_COMMAND_CLOCK:
        exchange_reply_problem(exchange, PROBLEM_command_clock, 0, "");
        return;
    case HOLDS_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case HOLDS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    }
}

static bool is_account(const struct account_id *one, const struct account_id *other)
{
    return memcmp(one->raw, other->raw, sizeof one->raw) == 0;
}

/* Veto as the caller what target names. */
static void veto(struct api *api, struct exchange *exchange, const struct holds_veto *target)
{
    const struct api_caller *caller = api_caller_or_none(exchange);
    struct holds_veto order = *target;
    struct command_guard guard;
    struct command command;

    if (caller == NULL) {
        if (!commands_parse(exchange_header(exchange, "sealpost-command"), &command)) {
            exchange_reply_problem(exchange, PROBLEM_command_invalid, 0, "");
            return;
        }
        order.command = &command;
        order.payload = exchange_body(exchange);
    } else {
        if (!command_accept(api, exchange, COMMAND_RECOVERY_VETO, &guard)) {
            return;
        }
        if (!is_account(&caller->account_id, &order.account_id)) { /* as if there were none */
            exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
            return;
        }
        order.guard = &guard;
        order.device_id = caller->device_id;
    }
    holds_veto(api->domain, &order, api->now_ms(), on_vetoed, exchange);
}

void holds_api_veto_manifest(void *arg, struct exchange *exchange)
{
    const int64_t epoch_max = (INT64_C(1) << ACCOUNT_PATH_EPOCH_BITS) - 1;
    struct holds_veto order = { .kind = HOLD_MANIFEST };
    struct account_id account_id;
    struct json_reader reader;
    uint64_t path_epoch = 0;
    int64_t epoch = 0;

    if (!account_path_id(exchange, &account_id) || !account_path_epoch(exchange, &path_epoch)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_exact(&reader, "account_id", order.account_id.raw, sizeof order.account_id.raw);
    json_need_int(&reader, "epoch", 0, epoch_max, &epoch);
    json_need_exact(&reader, "hash", order.hash.raw, sizeof order.hash.raw);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    order.epoch = (uint64_t)epoch;
    if (!is_account(&account_id, &order.account_id)) {
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "account_id");
    } else if (order.epoch != path_epoch) {
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "epoch");
    } else {
        veto(arg, exchange, &order);
    }
}

void holds_api_veto_erasure(void *arg, struct exchange *exchange)
{
    struct holds_veto order = { .kind = HOLD_ERASURE };
    struct json_reader reader;
    int64_t device_id = 0;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_exact(&reader, "account_id", order.account_id.raw, sizeof order.account_id.raw);
    json_need_int(&reader, "device_id", 1, LIMIT_DEVICE_ID, &device_id);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    order.signer = (uint32_t)device_id;
    veto(arg, exchange, &order);
}
