/* SPDX-License-Identifier: Apache-2.0 */
/* Registering an account, and erasing it. */
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/people_api.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/accounts.h"
#include "server/domain/commands.h"
#include "server/domain/grants.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

static void refuse(struct exchange *exchange, const struct accounts_outcome *outcome)
{
    switch (outcome->result) {
    case ACCOUNTS_DONE:
    case ACCOUNTS_PRESENT:
    case ACCOUNTS_HELD:
        CHECK_UNREACHABLE();
    case ACCOUNTS_MANIFEST_INVALID:
        problem_of_manifest(exchange, outcome->verdict);
        return;
    case ACCOUNTS_REGISTRATION_CLOSED:
        exchange_reply_problem(exchange, PROBLEM_registration_closed, 0, "");
        return;
    case ACCOUNTS_INVITE_INVALID:
        exchange_reply_problem(exchange, PROBLEM_invite_invalid, 0, "");
        return;
    case ACCOUNTS_KEY_USED:
        exchange_reply_problem(exchange, PROBLEM_device_key_used, 0, "");
        return;
    case ACCOUNTS_ERASED:
        exchange_reply_problem(exchange, PROBLEM_account_erased, 0, "");
        return;
    case ACCOUNTS_UNKNOWN: /* the caller's own account is gone, and its session with it */
        exchange_reply_problem(exchange, PROBLEM_session_invalid, 0, "");
        return;
    case ACCOUNTS_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case ACCOUNTS_NOT_ADMIN:
        exchange_reply_problem(exchange, PROBLEM_not_admin, 0, "");
        return;
    case ACCOUNTS_STEPUP:
        exchange_reply_problem(exchange, PROBLEM_stepup_required, 0, "");
        return;
    case ACCOUNTS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case ACCOUNTS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static void on_registered(void *arg, const struct accounts_outcome *outcome)
{
    struct exchange *exchange = arg;
    int status = outcome->result == ACCOUNTS_DONE ? 201 : 200;

    if (outcome->result != ACCOUNTS_DONE && outcome->result != ACCOUNTS_PRESENT) {
        refuse(exchange, outcome);
        return;
    }
    reply_json_steal(
        exchange, status,
        json_pack("{s:o, s:I, s:o}", "account_id",
                  json_base64url(bytes_of(outcome->account_id.raw, sizeof outcome->account_id.raw)),
                  "epoch", (json_int_t)outcome->epoch, "hash",
                  json_base64url(bytes_of(outcome->hash.raw, sizeof outcome->hash.raw))));
}

void accounts_api_register(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct buf manifest = { 0 };
    struct buf invite = { 0 };
    struct bytes text = { 0 };

    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_bytes(&reader, "manifest", &manifest);
    if (json_may_text(&reader, "invite", &text)) {
        buf_append(&invite, text);
    }
    if (json_reader_end(&reader)) {
        accounts_register(api->domain, buf_view(&manifest), buf_view(&invite), api->now_ms(),
                          on_registered, exchange);
    } else {
        problem_of_reader(exchange, &reader);
    }
    buf_clear(&manifest);
    buf_clear(&invite);
}

static void on_erased(void *arg, const struct accounts_outcome *outcome)
{
    struct exchange *exchange = arg;

    if (outcome->result == ACCOUNTS_HELD) {
        reply_json_steal(exchange, 202,
                         json_pack("{s:I}", "held_until", (json_int_t)outcome->held_until));
    } else if (outcome->result == ACCOUNTS_DONE) {
        exchange_reply_empty(exchange, 204);
    } else {
        refuse(exchange, outcome);
    }
}

void accounts_api_erase(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct accounts_erasure erasure = { 0 };
    struct command_guard guard;
    struct json_reader reader;
    struct grant grant;

    if (!command_accept(api, exchange, COMMAND_ACCOUNT_DELETE, &guard)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_exact(&reader, "account_id", erasure.account_id.raw, sizeof erasure.account_id.raw);
    if (json_may_exact(&reader, "grant", grant.raw, sizeof grant.raw)) {
        erasure.grant = &grant;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    if (memcmp(erasure.account_id.raw, api_caller(exchange)->account_id.raw,
               sizeof erasure.account_id.raw) != 0) {
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "account_id");
        return;
    }
    erasure.guard = &guard;
    accounts_erase(api->domain, &erasure, api->now_ms(), on_erased, exchange);
}
