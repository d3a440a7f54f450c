/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries.  Who asks has no session: the token that it was given stands in the body.  A contact's
 * device, and one of the account that cancels, call with theirs.
 */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/recovery_share.h"
#include "common/sas.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/recovery_api.h"
#include "server/api/recovery_json.h"
#include "server/api/reply.h"
#include "server/api/whom.h"
#include "server/domain/commands.h"
#include "server/domain/grants.h"
#include "server/domain/limits.h"
#include "server/domain/recoveries.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    MEMBERS_BYTES = 64,
    TURNS_MAX =
        1000 /* numbers of exchanges that can be read; the domain knows how many there are */
};

static void reply_with(struct exchange *exchange, enum problem problem, const char *member,
                       int64_t value)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"%s\":%" PRId64, member, value);
    exchange_reply_problem(exchange, problem, 0, members);
}

static void reply_ended(struct exchange *exchange, enum recoveries_state state)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"state\":\"%s\"", recoveries_state_text(state));
    exchange_reply_problem(exchange, PROBLEM_recovery_ended, 0, members);
}

static void refuse(struct exchange *exchange, const struct recoveries_outcome *outcome)
{
    switch (outcome->result) {
    case RECOVERIES_DONE:
        CHECK_UNREACHABLE();
    case RECOVERIES_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_recovery_unknown, 0, "");
        return;
    case RECOVERIES_OPEN:
        reply_with(exchange, PROBLEM_recovery_open, "expires_at", outcome->until);
        return;
    case RECOVERIES_STEPUP:
        exchange_reply_problem(exchange, PROBLEM_grant_required, 0, "");
        return;
    case RECOVERIES_RATE_LIMITED:
        rates_refuse(exchange, outcome->until > INT_MAX ? INT_MAX : (int)outcome->until);
        return;
    case RECOVERIES_ENDED:
        reply_ended(exchange, outcome->view.state);
        return;
    case RECOVERIES_OUT_OF_TURN:
        exchange_reply_problem(exchange, PROBLEM_recovery_turn, 0, "");
        return;
    case RECOVERIES_EXHAUSTED:
        exchange_reply_problem(exchange, PROBLEM_recovery_exchanges, 0, "");
        return;
    case RECOVERIES_EARLY:
        reply_with(exchange, PROBLEM_recovery_waiting, "wait_until", outcome->until);
        return;
    case RECOVERIES_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case RECOVERIES_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case RECOVERIES_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static void on_begun(void *arg, const struct recoveries_outcome *outcome)
{
    const struct recoveries_view *view = &outcome->view;

    if (outcome->result != RECOVERIES_DONE) {
        refuse(arg, outcome);
        return;
    }
    reply_json_steal(
        arg, 201,
        json_pack(
            "{s:o, s:o, s:I, s:I}", "recovery_id",
            json_base64url(bytes_of(view->recovery_id.raw, sizeof view->recovery_id.raw)), "token",
            json_base64url(bytes_of(outcome->token->raw, sizeof outcome->token->raw)), "wait_until",
            (json_int_t)view->wait_until, "expires_at", (json_int_t)view->expires_at));
}

void recoveries_api_begin(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct recoveries_order order = { .handle = NULL };
    struct json_reader reader;
    struct handle handle = { .text = "" };
    struct grant grant;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    if (whom_read(&reader, &order.account_id, &handle)) {
        order.handle = &handle;
    }
    json_need_exact(&reader, "public_key", order.public_key, sizeof order.public_key);
    if (json_may_exact(&reader, "grant", grant.raw, sizeof grant.raw)) {
        order.grant = &grant;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else if (rates_admit_peer(api, exchange, LIMITS_RECOVERIES)) {
        recoveries_begin(api->domain, &order, api->now_ms(), on_begun, exchange);
    }
    mem_wipe(&grant, sizeof grant);
}

static void on_listed(void *arg, bool ok, const struct recoveries_view *views, size_t count)
{
    if (!ok) {
        problem_of_store(arg, false);
        return;
    }
    reply_json_steal(arg, 200, json_pack("{s:o}", "recoveries", recoveries_json(views, count)));
}

void recoveries_api_list(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    recoveries_list(api->domain, &api_caller(exchange)->account_id, api->now_ms(), on_listed,
                    exchange);
}

static void on_seen(void *arg, const struct recoveries_outcome *outcome)
{
    if (outcome->result != RECOVERIES_DONE) {
        refuse(arg, outcome);
        return;
    }
    reply_json_steal(arg, 200, recovery_json(&outcome->view));
}

static void on_stepped(void *arg, const struct recoveries_outcome *outcome)
{
    if (outcome->result != RECOVERIES_DONE) {
        refuse(arg, outcome);
        return;
    }
    exchange_reply_empty(arg, 204);
}

static void on_released(void *arg, const struct recoveries_outcome *outcome)
{
    if (outcome->result != RECOVERIES_DONE) {
        refuse(arg, outcome);
        return;
    }
    reply_json_steal(arg, 200,
                     json_pack("{s:o, s:I, s:o}", "share",
                               json_base64url(bytes_of(outcome->a, RECOVERY_A_BYTES)), "slot",
                               (json_int_t)outcome->slot, "packet",
                               json_base64url(outcome->packet)));
}

static bool read_path(struct exchange *exchange, struct recovery_id *out)
{
    if (base64url_decode_exact(exchange_path_param(exchange, "recovery_id"), out->raw,
                               sizeof out->raw)) {
        return true;
    }
    problem_of_member(exchange, JSON_MALFORMED, "recovery_id");
    return false;
}

/* What a step is read into: it borrows the others. */
struct draft {
    struct recoveries_step step;
    struct recovery_token token;
    struct buf packet;
    struct json_reader reader;
};

/* Begin on a step of who asks, or of the calling device; false when it was refused, and answered. */
static bool draft_begin(struct exchange *exchange, enum recoveries_act act, bool by_token,
                        struct draft *out)
{
    *out = (struct draft){ .step = { .act = act } };
    if (!read_path(exchange, &out->step.recovery_id)) {
        return false;
    }
    if (!by_token) {
        out->step.account = api_caller(exchange)->account;
        out->step.mailbox = api_caller(exchange)->mailbox;
        out->step.device_id = api_caller(exchange)->device_id;
    }
    (void)json_reader_begin(&out->reader, exchange_body(exchange));
    if (by_token) {
        json_need_exact(&out->reader, "token", out->token.raw, sizeof out->token.raw);
        out->step.token = &out->token;
    }
    return true;
}

static void draft_run(struct api *api, struct exchange *exchange, struct draft *draft,
                      recoveries_done_fn *done)
{
    if (json_reader_end(&draft->reader)) {
        recoveries_do(api->domain, &draft->step, api->now_ms(), done, exchange);
    } else {
        problem_of_reader(exchange, &draft->reader);
    }
    buf_clear(&draft->packet);
    mem_wipe(&draft->token, sizeof draft->token);
}

static void read_turn(struct draft *draft)
{
    json_need_int(&draft->reader, "exchange", 1, TURNS_MAX, &draft->step.exchange);
}

static void read_random(struct draft *draft)
{
    json_need_exact(&draft->reader, "random", draft->step.random.raw,
                    sizeof draft->step.random.raw);
}

void recoveries_api_look(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct recoveries_step step = { .act = RECOVERIES_READ };

    if (read_path(exchange, &step.recovery_id)) {
        recoveries_do(api->domain, &step, api->now_ms(), on_seen, exchange);
    }
}

void recoveries_api_poll(void *arg, struct exchange *exchange)
{
    struct draft draft;

    if (draft_begin(exchange, RECOVERIES_READ, true, &draft)) {
        draft_run(arg, exchange, &draft, on_seen);
    }
}

void recoveries_api_exchange(void *arg, struct exchange *exchange)
{
    struct draft draft;

    if (draft_begin(exchange, RECOVERIES_EXCHANGE, true, &draft)) {
        read_turn(&draft);
        json_need_exact(&draft.reader, "commit", draft.step.commit.raw,
                        sizeof draft.step.commit.raw);
        draft_run(arg, exchange, &draft, on_stepped);
    }
}

void recoveries_api_reveal(void *arg, struct exchange *exchange)
{
    struct draft draft;

    if (draft_begin(exchange, RECOVERIES_REVEAL, true, &draft)) {
        read_turn(&draft);
        read_random(&draft);
        draft_run(arg, exchange, &draft, on_stepped);
    }
}

void recoveries_api_answer(void *arg, struct exchange *exchange)
{
    struct draft draft;

    if (draft_begin(exchange, RECOVERIES_ANSWER, false, &draft)) {
        read_turn(&draft);
        read_random(&draft);
        draft_run(arg, exchange, &draft, on_stepped);
    }
}

void recoveries_api_packet(void *arg, struct exchange *exchange)
{
    struct draft draft;

    if (!draft_begin(exchange, RECOVERIES_PACKET, false, &draft)) {
        return;
    }
    read_turn(&draft);
    json_need_int(&draft.reader, "slot", 1, LIMIT_RECOVERY_SLOTS, &draft.step.slot);
    json_need_bytes(&draft.reader, "packet", &draft.packet);
    draft.step.packet = buf_view(&draft.packet);
    if (draft.reader.kind == JSON_FINE &&
        (draft.packet.size == 0 || draft.packet.size > LIMIT_RECOVERY_PACKET_BYTES)) {
        json_reader_fail(&draft.reader, JSON_OUT_OF_RANGE, "packet");
    }
    draft_run(arg, exchange, &draft, on_stepped);
}

void recoveries_api_release(void *arg, struct exchange *exchange)
{
    struct draft draft;

    if (draft_begin(exchange, RECOVERIES_RELEASE, true, &draft)) {
        draft_run(arg, exchange, &draft, on_released);
    }
}

/* By a device's command, which is checked before its body is read; or by the token. */
void recoveries_api_cancel(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    const struct api_caller *caller = api_caller_or_none(exchange);
    struct draft draft = { .step = { .act = RECOVERIES_CANCEL } };
    struct command_guard guard;

    if (caller != NULL) {
        if (!command_accept(api, exchange, COMMAND_RECOVERY_VETO, &guard)) {
            return;
        }
        draft.step.guard = &guard;
        draft.step.account = caller->account;
        draft.step.mailbox = caller->mailbox;
        draft.step.device_id = caller->device_id;
    }
    (void)json_reader_begin(&draft.reader, exchange_body(exchange));
    json_need_exact(&draft.reader, "recovery_id", draft.step.recovery_id.raw,
                    sizeof draft.step.recovery_id.raw);
    if (caller == NULL) {
        json_need_exact(&draft.reader, "token", draft.token.raw, sizeof draft.token.raw);
        draft.step.token = &draft.token;
    }
    draft_run(api, exchange, &draft, on_stepped);
}
