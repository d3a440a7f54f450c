/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the calling account's second factors: enrolling, confirming, removing. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/opaque.h"
#include "common/recovery_code.h"
#include "common/sigbytes.h"
#include "common/totp.h"
#include "common/webauthn.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/factors_api.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/api/webauthn_json.h"
#include "server/domain/commands.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factors.h"
#include "server/domain/grants.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    MEMBERS_BYTES = 48
};

static void reply_limit(struct exchange *exchange)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"max\":%d", LIMIT_FACTORS);
    exchange_reply_problem(exchange, PROBLEM_factor_limit, 0, members);
}

/* The device that registers it may know why; most often origins are configured wrongly. */
static void reply_wrong(struct exchange *exchange, enum webauthn_result why)
{
    char members[MEMBERS_BYTES] = "";

    if (why != WEBAUTHN_GOOD) {
        (void)snprintf(members, sizeof members, ",\"reason\":\"%s\"", webauthn_result_text(why));
    }
    exchange_reply_problem(exchange, PROBLEM_answer_wrong, 0, members);
}

static void refuse(struct exchange *exchange, const struct factors_outcome *outcome)
{
    switch (outcome->result) {
    case FACTORS_DONE:
        CHECK_UNREACHABLE();
    case FACTORS_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case FACTORS_NOT_ADMIN:
        exchange_reply_problem(exchange, PROBLEM_not_admin, 0, "");
        return;
    case FACTORS_STEPUP:
        exchange_reply_problem(exchange, PROBLEM_stepup_required, 0, "");
        return;
    case FACTORS_TOO_MANY:
        reply_limit(exchange);
        return;
    case FACTORS_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_factor_unknown, 0, "");
        return;
    case FACTORS_MALFORMED: /* of another kind than what confirms it */
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "factor_id");
        return;
    case FACTORS_WRONG:
        reply_wrong(exchange, outcome->why);
        return;
    case FACTORS_KNOWN:
        exchange_reply_problem(exchange, PROBLEM_authenticator_known, 0, "");
        return;
    case FACTORS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case FACTORS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

/* What a command is read into: the order borrows the others. */
struct draft {
    struct factors_order order;
    struct command_guard guard;
    struct grant grant;
    uint8_t request[OPAQUE_REQUEST_BYTES];
};

/* Check the command, and begin to read its body; false when it was refused, and answered. */
static bool draft_begin(struct api *api, struct exchange *exchange, enum command_op op,
                        struct draft *out, struct json_reader *reader)
{
    const struct api_caller *caller = api_caller(exchange);

    *out = (struct draft){ .order = { .account = caller->account,
                                      .account_id = caller->account_id,
                                      .device_id = caller->device_id } };
    if (!command_accept(api, exchange, op, &out->guard)) {
        return false;
    }
    out->order.guard = &out->guard;
    (void)json_reader_begin(reader, exchange_body(exchange));
    return true;
}

static void read_grant(struct json_reader *reader, struct draft *draft)
{
    if (json_may_exact(reader, "grant", draft->grant.raw, sizeof draft->grant.raw)) {
        draft->order.grant = &draft->grant;
    }
}

static void on_enrolled_totp(void *arg, const struct factors_outcome *outcome)
{
    char text[TOTP_SECRET_CHARS + 1];

    if (outcome->result != FACTORS_DONE) {
        refuse(arg, outcome);
        return;
    }
    totp_secret_write(outcome->secret, text);
    reply_json_steal(
        arg, 201,
        json_pack("{s:o, s:s}", "factor_id",
                  json_base64url(bytes_of(outcome->factor_id.raw, sizeof outcome->factor_id.raw)),
                  "secret", text));
    mem_wipe(text, sizeof text);
}

static void on_enrolled_codes(void *arg, const struct factors_outcome *outcome)
{
    json_t *codes = NULL;
    char text[RECOVERY_CODE_TEXT_CHARS + 1];

    if (outcome->result != FACTORS_DONE) {
        refuse(arg, outcome);
        return;
    }
    codes = json_array();
    for (size_t i = 0; i < RECOVERY_CODE_COUNT; i++) {
        recovery_code_write(&outcome->codes[i], text);
        (void)json_array_append_new(codes, json_string(text));
    }
    reply_json_steal(
        arg, 201,
        json_pack("{s:o, s:o}", "factor_id",
                  json_base64url(bytes_of(outcome->factor_id.raw, sizeof outcome->factor_id.raw)),
                  "codes", codes));
    mem_wipe(text, sizeof text);
}

static void on_enrolled_password(void *arg, const struct factors_outcome *outcome)
{
    if (outcome->result != FACTORS_DONE) {
        refuse(arg, outcome);
        return;
    }
    reply_json_steal(
        arg, 201,
        json_pack("{s:o, s:o}", "factor_id",
                  json_base64url(bytes_of(outcome->factor_id.raw, sizeof outcome->factor_id.raw)),
                  "response", json_base64url(bytes_of(outcome->response, OPAQUE_RESPONSE_BYTES))));
}

/* Its answer has the relay's name in it, too. */
struct registering {
    const struct api *api;
    struct exchange *exchange;
};

static void on_enrolled_authenticator(void *arg, const struct factors_outcome *outcome)
{
    const struct registering registering = *(struct registering *)arg;

    free(arg);
    if (outcome->result != FACTORS_DONE) {
        refuse(registering.exchange, outcome);
        return;
    }
    reply_json_steal(
        registering.exchange, 201,
        json_pack("{s:o, s:o}", "factor_id",
                  json_base64url(bytes_of(outcome->factor_id.raw, sizeof outcome->factor_id.raw)),
                  "public_key", webauthn_json_creation(registering.api, outcome->creation)));
}

static void enrol(struct api *api, struct exchange *exchange, const struct factors_order *order)
{
    struct registering *registering = NULL;

    switch (order->kind) {
    case FACTOR_TOTP:
        factors_enrol(api->domain, order, api->now_ms(), on_enrolled_totp, exchange);
        return;
    case FACTOR_RECOVERY_CODE:
        factors_enrol(api->domain, order, api->now_ms(), on_enrolled_codes, exchange);
        return;
    case FACTOR_PASSWORD:
        factors_enrol(api->domain, order, api->now_ms(), on_enrolled_password, exchange);
        return;
    case FACTOR_WEBAUTHN:
        registering = mem_zeroed(1, sizeof *registering);
        registering->api = api;
        registering->exchange = exchange;
        factors_enrol(api->domain, order, api->now_ms(), on_enrolled_authenticator, registering);
        return;
    case FACTOR_CODE:
    case FACTOR_KINDS:
        break;
    }
    CHECK_UNREACHABLE(); /* read_kind refuses these */
}

/* The begin of a registration with a password. */
static void read_request(struct json_reader *reader, struct draft *draft)
{
    json_need_exact(reader, "request", draft->request, sizeof draft->request);
    if (reader->kind == JSON_FINE && !opaque_request_is_valid(draft->request)) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "request");
    }
    draft->order.request = draft->request;
}

/* Only what can be enrolled; a code cannot. */
static void read_kind(struct json_reader *reader, enum factor_kind *out)
{
    struct bytes text = { 0 };

    json_need_text(reader, "kind", &text);
    if (reader->kind == JSON_FINE && (!factor_kind_read(text, out) || *out == FACTOR_CODE)) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "kind");
    }
}

void factors_api_enrol(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct draft draft;
    struct buf label = { 0 };

    if (!draft_begin(api, exchange, COMMAND_FACTOR_ENROL, &draft, &reader)) {
        return;
    }
    read_kind(&reader, &draft.order.kind);
    if (reader.kind == JSON_FINE && draft.order.kind == FACTOR_PASSWORD) {
        read_request(&reader, &draft);
    }
    read_grant(&reader, &draft);
    (void)json_may_bytes(&reader, "label", &label);
    if (label.size > LIMIT_FACTOR_LABEL_BYTES) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "label");
    }
    draft.order.label = buf_view(&label);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else {
        enrol(api, exchange, &draft.order);
    }
    buf_clear(&label);
}

static void on_changed(void *arg, const struct factors_outcome *outcome)
{
    if (outcome->result != FACTORS_DONE) {
        refuse(arg, outcome);
        return;
    }
    exchange_reply_empty(arg, 204);
}

/* A proof as it is read: the views are of what stands beside them. */
struct proof_draft {
    struct factors_proof proof;
    uint8_t record[OPAQUE_RECORD_BYTES];
    struct webauthn_json credential;
};

static void read_code(struct json_reader *reader, struct bytes text, struct factors_proof *proof)
{
    proof->kind = FACTOR_TOTP;
    if (!totp_code_read(text, &proof->code)) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "answer");
    }
}

/* One of three: its kind must be the factor's, which is found later. */
static void read_proof(struct json_reader *reader, struct proof_draft *draft)
{
    struct factors_proof *proof = &draft->proof;
    struct bytes text = { 0 };

    if (json_may_text(reader, "answer", &text)) {
        read_code(reader, text, proof);
    } else if (json_may_exact(reader, "record", draft->record, sizeof draft->record)) {
        proof->kind = FACTOR_PASSWORD;
        proof->record = draft->record;
        if (!opaque_record_is_valid(draft->record)) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "record");
        }
    } else if (webauthn_json_read_registration(reader, &draft->credential)) {
        proof->kind = FACTOR_WEBAUTHN;
        proof->client_data = buf_view(&draft->credential.client_data);
        proof->auth_data = buf_view(&draft->credential.auth_data);
    } else if (reader->kind == JSON_FINE) {
        json_reader_fail(reader, JSON_MALFORMED, "answer");
    }
}

void factors_api_confirm(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct draft draft;
    struct proof_draft proof = { .proof = { .kind = FACTOR_TOTP } };

    if (!draft_begin(api, exchange, COMMAND_FACTOR_ENROL, &draft, &reader)) {
        return;
    }
    json_need_exact(&reader, "factor_id", draft.order.factor_id.raw,
                    sizeof draft.order.factor_id.raw);
    read_proof(&reader, &proof);
    draft.order.proof = &proof.proof;
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else {
        factors_confirm(api->domain, &draft.order, api->now_ms(), on_changed, exchange);
    }
    webauthn_json_clear(&proof.credential);
    mem_wipe(proof.record, sizeof proof.record);
}

void factors_api_remove(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct draft draft;

    if (!draft_begin(api, exchange, COMMAND_FACTOR_REMOVE, &draft, &reader)) {
        return;
    }
    json_need_exact(&reader, "factor_id", draft.order.factor_id.raw,
                    sizeof draft.order.factor_id.raw);
    read_grant(&reader, &draft);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    factors_remove(api->domain, &draft.order, api->now_ms(), on_changed, exchange);
}
