/* SPDX-License-Identifier: Apache-2.0 */
/* Claiming, giving up and looking up handles. */
#include "server/api/handles_api.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/reply.h"
#include "server/domain/commands.h"
#include "server/domain/grants.h"
#include "server/domain/handles.h"
#include "server/domain/limits.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    MEMBERS_BYTES = 48
};

static void reply_number(struct exchange *exchange, enum problem problem, const char *member,
                         int64_t value)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"%s\":%" PRId64, member, value);
    exchange_reply_problem(exchange, problem, 0, members);
}

static void refuse(struct exchange *exchange, const struct handles_outcome *outcome)
{
    switch (outcome->result) {
    case HANDLES_DONE:
    case HANDLES_PRESENT:
        CHECK_UNREACHABLE();
    case HANDLES_INVALID:
        exchange_reply_problem(exchange, PROBLEM_binding_invalid, 0, "");
        return;
    case HANDLES_NOT_ADMIN:
        exchange_reply_problem(exchange, PROBLEM_not_admin, 0, "");
        return;
    case HANDLES_TAKEN:
        exchange_reply_problem(exchange, PROBLEM_handle_taken, 0, "");
        return;
    case HANDLES_SEQ:
        reply_number(exchange, PROBLEM_handle_seq, "seq", outcome->next_seq);
        return;
    case HANDLES_TOO_MANY:
        reply_number(exchange, PROBLEM_handle_limit, "max", outcome->max);
        return;
    case HANDLES_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_handle_unknown, 0, "");
        return;
    case HANDLES_STEPUP:
        exchange_reply_problem(exchange, PROBLEM_stepup_required, 0, "");
        return;
    case HANDLES_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case HANDLES_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case HANDLES_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static void on_claimed(void *arg, const struct handles_outcome *outcome)
{
    struct exchange *exchange = arg;

    if (outcome->result != HANDLES_DONE && outcome->result != HANDLES_PRESENT) {
        refuse(exchange, outcome);
        return;
    }
    exchange_reply_empty(exchange, outcome->result == HANDLES_DONE ? 201 : 200);
}

static void read_handle(struct json_reader *reader, struct handle *out)
{
    struct bytes text = { 0 };

    json_need_text(reader, "handle", &text);
    if (reader->kind == JSON_FINE && !handle_read(text, out)) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "handle");
    }
}

/* Say whether the binding is of this form, of that handle, and of the caller's account. */
static bool binding_is_apt(const struct exchange *exchange, const struct handle *handle,
                           struct bytes input, struct handle_binding *out)
{
    return handle_binding_read(input, out) && strcmp(out->handle.text, handle->text) == 0 &&
           memcmp(out->account_id.raw, api_caller(exchange)->account_id.raw,
                  sizeof out->account_id.raw) == 0;
}

void handles_api_claim(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct handle handle = { .text = "" };
    struct handle_binding binding;
    struct buf input = { 0 };

    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_handle(&reader, &handle);
    json_need_bytes(&reader, "binding", &input);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else if (!binding_is_apt(exchange, &handle, buf_view(&input), &binding)) {
        exchange_reply_problem(exchange, PROBLEM_binding_invalid, 0, "");
    } else if (rates_admit_account(api, exchange, LIMITS_HANDLES)) {
        handles_claim(api->domain, &binding, buf_view(&input), api->now_ms(), on_claimed, exchange);
    }
    buf_clear(&input);
}

static void on_released(void *arg, const struct handles_outcome *outcome)
{
    struct exchange *exchange = arg;

    if (outcome->result != HANDLES_DONE) {
        refuse(exchange, outcome);
        return;
    }
    exchange_reply_empty(exchange, 204);
}

void handles_api_release(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct handles_release order = { .account = api_caller(exchange)->account };
    struct command_guard guard;
    struct json_reader reader;
    struct grant grant;

    if (!command_accept(api, exchange, COMMAND_HANDLE_RELEASE, &guard)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_handle(&reader, &order.handle);
    if (json_may_exact(&reader, "grant", grant.raw, sizeof grant.raw)) {
        order.grant = &grant;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    order.account_id = api_caller(exchange)->account_id;
    order.guard = &guard;
    handles_release(api->domain, &order, api->now_ms(), on_released, exchange);
}

static void on_found(void *arg, bool ok, const struct handles_found *found)
{
    struct exchange *exchange = arg;

    if (!ok) {
        problem_of_store(exchange, false);
    } else if (found == NULL) {
        exchange_reply_problem(exchange, PROBLEM_handle_unknown, 0, "");
    } else {
        reply_json_steal(
            exchange, 200,
            json_pack("{s:o, s:o}", "account_id",
                      json_base64url(bytes_of(found->account_id.raw, sizeof found->account_id.raw)),
                      "binding", json_base64url(found->binding)));
    }
}

void handles_api_lookup(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct handle handle = { .text = "" };

    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_handle(&reader, &handle);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else if (rates_admit_account(api, exchange, LIMITS_LOOKUPS)) {
        handles_lookup(api->domain, &handle, on_found, exchange);
    }
}
