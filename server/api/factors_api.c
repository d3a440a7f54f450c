/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors of the calling account: enrolling, confirming, removing; codes to show; the log. */
#include "server/api/factors_api.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/recovery_code.h"
#include "common/sigbytes.h"
#include "common/totp.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/factors_json.h"
#include "server/api/problem.h"
#include "server/api/query.h"
#include "server/api/reply.h"
#include "server/domain/account_log.h"
#include "server/domain/codes.h"
#include "server/domain/commands.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factors.h"
#include "server/domain/grants.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum {
    MEMBERS_BYTES = 48
};

static void reply_limit(struct exchange *exchange)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"max\":%d", LIMIT_FACTORS);
    exchange_reply_problem(exchange, PROBLEM_factor_limit, 0, members);
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
    case FACTORS_WRONG:
        exchange_reply_problem(exchange, PROBLEM_answer_wrong, 0, "");
        return;
    case FACTORS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case FACTORS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

/* What a command is read into: the order borrows the other two. */
struct draft {
    struct factors_order order;
    struct command_guard guard;
    struct grant grant;
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
    read_grant(&reader, &draft);
    (void)json_may_bytes(&reader, "label", &label);
    if (label.size > LIMIT_FACTOR_LABEL_BYTES) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "label");
    }
    draft.order.label = buf_view(&label);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else {
        factors_enrol(api->domain, &draft.order, api->now_ms(),
                      draft.order.kind == FACTOR_TOTP ? on_enrolled_totp : on_enrolled_codes,
                      exchange);
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

void factors_api_confirm(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct draft draft;
    struct bytes code = { 0 };

    if (!draft_begin(api, exchange, COMMAND_FACTOR_ENROL, &draft, &reader)) {
        return;
    }
    json_need_exact(&reader, "factor_id", draft.order.factor_id.raw,
                    sizeof draft.order.factor_id.raw);
    json_need_text(&reader, "answer", &code);
    if (reader.kind == JSON_FINE && !totp_code_read(code, &draft.order.code)) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "answer");
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    factors_confirm(api->domain, &draft.order, api->now_ms(), on_changed, exchange);
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
        json_pack("{s:I, s:I, s:s}", "entry", (json_int_t)entry->entry, "at", (json_int_t)entry->at,
                  "change", account_log_event_text(entry->event));

    if (account_log_is_of_factor(entry->event)) {
        (void)json_object_set_new(object, "factor_kind",
                                  json_string(factor_kind_text(entry->kind)));
    }
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
