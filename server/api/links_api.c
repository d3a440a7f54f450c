/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of links.  A new device calls with the token of its link, a device of the account with
 * its session.
 */
#include "server/api/links_api.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "server/api/api.h"
#include "server/api/auth.h"
#include "server/api/links_json.h"
#include "server/api/people_api.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/reply.h"
#include "server/domain/grants.h"
#include "server/domain/limits.h"
#include "server/domain/links.h"
#include "server/domain/links_steps.h"
#include "server/domain/manifests.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum {
    MEMBERS_BYTES = 64,
    RETRY_S = 60,
    FIRST_PRINTABLE = 0x20,
    DELETE_CHARACTER = 0x7f
};

static void reply_conflict(struct exchange *exchange, const struct links_outcome *outcome)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"state\":\"%s\",\"version\":%" PRId64,
                   links_state_text(outcome->state), outcome->version);
    exchange_reply_problem(exchange, PROBLEM_link_conflict, 0, members);
}

void links_api_refuse(struct exchange *exchange, const struct links_outcome *outcome)
{
    switch (outcome->result) {
    case LINKS_DONE:
        CHECK_UNREACHABLE();
    case LINKS_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_link_unknown, 0, "");
        return;
    case LINKS_CONFLICT:
        reply_conflict(exchange, outcome);
        return;
    case LINKS_NOT_ADMIN:
        exchange_reply_problem(exchange, PROBLEM_not_admin, 0, "");
        return;
    case LINKS_GRANT:
        exchange_reply_problem(exchange, PROBLEM_grant_required, 0, "");
        return;
    case LINKS_RATE_LIMITED:
        rates_refuse(exchange, outcome->retry_s > INT_MAX ? INT_MAX : (int)outcome->retry_s);
        return;
    case LINKS_TOO_MANY:
        exchange_reply_problem(exchange, PROBLEM_link_limit, 0, "");
        return;
    case LINKS_CROWDED:
        exchange_reply_problem(exchange, PROBLEM_unavailable, RETRY_S, "");
        return;
    case LINKS_FOREIGN:
        exchange_reply_problem(exchange, PROBLEM_candidate_invalid, 0, "");
        return;
    case LINKS_MANIFEST:
        manifests_api_reply(exchange, outcome->manifest);
        return;
    case LINKS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case LINKS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

bool links_api_read(struct exchange *exchange, struct link_id *out_id,
                    struct links_actor *out_actor)
{
    const struct api_caller *caller = api_caller_or_none(exchange);

    if (!base64url_decode_exact(exchange_path_param(exchange, "link_id"), out_id->raw,
                                sizeof out_id->raw)) {
        problem_of_member(exchange, JSON_MALFORMED, "link_id");
        return false;
    }
    *out_actor = (struct links_actor){ .is_new = caller == NULL };
    if (caller != NULL) {
        out_actor->account_id = caller->account_id;
        out_actor->account = caller->account;
        out_actor->mailbox = caller->mailbox;
        out_actor->device_id = caller->device_id;
        out_actor->device_pub = caller->device_pub;
    } else if (!links_token_parse(api_bearer(exchange), &out_actor->token_hash)) {
        exchange_reply_problem(exchange, PROBLEM_link_unknown, 0, "");
        return false;
    }
    return true;
}

/* A name that can be shown in one line. */
static bool name_is_fine(struct bytes name)
{
    bool fine = name.size > 0 && name.size <= LIMIT_LINK_NAME_BYTES && utf8_is_valid(name);

    for (size_t i = 0; i < name.size && fine; i++) {
        fine = name.at[i] >= FIRST_PRINTABLE && name.at[i] != DELETE_CHARACTER;
    }
    return fine;
}

/* What a beginning is read into: the order borrows the others. */
struct draft {
    struct links_order order;
    struct buf entry;
    uint8_t name[LIMIT_LINK_NAME_BYTES];
    struct handle handle;
    struct grant grant;
};

static void read_entry(struct json_reader *reader, struct draft *draft)
{
    struct manifest_device device;
    struct bytes name = { 0 };

    json_need_bytes(reader, "entry", &draft->entry);
    draft->order.entry = buf_view(&draft->entry);
    if (reader->kind == JSON_FINE && (draft->entry.size > LIMIT_LINK_ENTRY_BYTES ||
                                      !link_entry_parse(draft->order.entry, &device))) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "entry");
    }
    if (json_may_text(reader, "name", &name)) {
        if (!name_is_fine(name)) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "name");
            return;
        }
        memcpy(draft->name, name.at, name.size);
        draft->order.name = bytes_of(draft->name, name.size);
    }
}

/* At most one of account_id and handle, and a grant beside either. */
static void read_whom(struct json_reader *reader, struct draft *draft)
{
    struct links_order *order = &draft->order;
    struct bytes text = { 0 };

    order->asks =
        json_may_exact(reader, "account_id", order->account_id.raw, sizeof order->account_id.raw);
    if (json_may_text(reader, "handle", &text)) {
        if (order->asks || !handle_read(text, &draft->handle)) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "handle");
            return;
        }
        order->asks = true;
        order->handle = &draft->handle;
    }
    if (json_may_exact(reader, "grant", draft->grant.raw, sizeof draft->grant.raw)) {
        if (!order->asks) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "grant");
        }
        order->grant = &draft->grant;
    }
}

static void on_begun(void *arg, const struct links_outcome *outcome)
{
    if (outcome->result != LINKS_DONE) {
        links_api_refuse(arg, outcome);
        return;
    }
    reply_json_steal(
        arg, 201,
        json_pack("{s:o, s:s, s:s, s:I, s:I}", "link_id",
                  json_base64url(bytes_of(outcome->link_id.raw, sizeof outcome->link_id.raw)),
                  "token", outcome->token, "state", links_state_text(outcome->state), "version",
                  (json_int_t)outcome->version, "expires_at", (json_int_t)outcome->expires_at));
}

void links_api_begin(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct draft draft = { .entry = { 0 } };
    struct json_reader reader;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_entry(&reader, &draft);
    read_whom(&reader, &draft);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else if (rates_admit_address(api, exchange, LIMITS_LINKS)) {
        links_begin(api->domain, &draft.order, api->now_ms(), on_begun, exchange);
    }
    buf_clear(&draft.entry);
    mem_wipe(&draft.grant, sizeof draft.grant);
}

static void on_stepped(void *arg, const struct links_outcome *outcome)
{
    if (outcome->result != LINKS_DONE) {
        links_api_refuse(arg, outcome);
        return;
    }
    reply_json_steal(arg, 200,
                     json_pack("{s:s, s:I}", "state", links_state_text(outcome->state), "version",
                               (json_int_t)outcome->version));
}

/* Begin to read a step: path, caller and the version that was seen. */
static bool step_begin(struct exchange *exchange, struct links_step *step,
                       struct json_reader *reader)
{
    if (!links_api_read(exchange, &step->link_id, &step->actor)) {
        return false;
    }
    (void)json_reader_begin(reader, exchange_body(exchange));
    json_need_int(reader, "version", 1, INT64_MAX, &step->version);
    return true;
}

void links_api_say(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct links_step step = { .version = 0 };
    struct buf body = { 0 };

    if (!step_begin(exchange, &step, &reader)) {
        return;
    }
    json_need_bytes(&reader, "body", &body);
    if (reader.kind == JSON_FINE && (body.size == 0 || body.size > LIMIT_LINK_MESSAGE_BYTES)) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "body");
    }
    if (json_reader_end(&reader)) {
        links_say(api->domain, &step, buf_view(&body), api->now_ms(), on_stepped, exchange);
    } else {
        problem_of_reader(exchange, &reader);
    }
    buf_clear(&body);
}

void links_api_claim(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct links_step step = { .version = 0 };

    if (!step_begin(exchange, &step, &reader)) {
        return;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    links_claim(api->domain, &step, api->now_ms(), on_stepped, exchange);
}

void links_api_candidate(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct links_step step = { .version = 0 };
    struct buf manifest = { 0 };

    if (!step_begin(exchange, &step, &reader)) {
        return;
    }
    json_need_bytes(&reader, "manifest", &manifest);
    if (json_reader_end(&reader)) {
        links_candidate(api->domain, &step, buf_view(&manifest), api->now_ms(), on_stepped,
                        exchange);
    } else {
        problem_of_reader(exchange, &reader);
    }
    buf_clear(&manifest);
}

static void on_signed(void *arg, const struct links_outcome *outcome)
{
    const struct manifests_outcome *manifest = outcome->manifest;

    if (outcome->result != LINKS_DONE) {
        links_api_refuse(arg, outcome);
        return;
    }
    reply_json_steal(
        arg, 200,
        json_pack("{s:s, s:I, s:I, s:o}", "state", links_state_text(outcome->state), "version",
                  (json_int_t)outcome->version, "epoch", (json_int_t)manifest->epoch, "hash",
                  json_base64url(bytes_of(manifest->hash.raw, sizeof manifest->hash.raw))));
}

void links_api_sign(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct links_step step = { .version = 0 };
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    if (!step_begin(exchange, &step, &reader)) {
        return;
    }
    json_need_exact(&reader, "signature", signature, sizeof signature);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else if (!step.actor.is_new) { /* a session is no new device's */
        exchange_reply_problem(exchange, PROBLEM_link_unknown, 0, "");
    } else {
        links_sign(api->domain, &step, signature, api->now_ms(), on_signed, exchange);
    }
}

void links_api_deny(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct links_step step = { .version = 0 };

    if (!links_api_read(exchange, &step.link_id, &step.actor)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    links_deny(api->domain, &step, api->now_ms(), on_stepped, exchange);
}

static void on_listed(void *arg, bool ok, const struct links_view *views, size_t count)
{
    json_t *array = NULL;

    if (!ok) {
        problem_of_store(arg, false);
        return;
    }
    array = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, links_json_short(&views[i]));
    }
    reply_json_steal(arg, 200, json_pack("{s:o}", "links", array));
}

void links_api_list(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    const struct links_actor actor = { .account = api_caller(exchange)->account };

    links_list(api->domain, &actor, api->now_ms(), on_listed, exchange);
}
