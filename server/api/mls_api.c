/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits, Welcomes and resets of MLS groups.  A call under way owns what it
 * read: a Welcome that goes by its references waits for the store before the
 * rest goes on.
 */
#include "server/api/mls_api.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/outcome.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/domain/commands.h"
#include "server/domain/envelopes.h"
#include "server/domain/mls_groups.h"
#include "server/domain/welcomes.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

struct call {
    struct api *api;
    struct exchange *exchange;
    struct envelope_id id;
    int64_t ttl_s;
    bool urgent;
    struct buf message;
    struct buf welcome;
    bool by_reference; /* the Welcome finds its way */
    struct device_pub *recipients;
    size_t recipient_count;
    struct device_pub *welcome_recipients;
    size_t welcome_recipient_count;
};

static struct call *call_create(struct api *api, struct exchange *exchange)
{
    struct call *call = mem_zeroed(1, sizeof *call);

    call->api = api;
    call->exchange = exchange;
    call->ttl_s = LIMIT_TTL_MAX_S;
    call->recipients = mem_zeroed(LIMIT_SEND_RECIPIENTS, sizeof *call->recipients);
    call->welcome_recipients = mem_zeroed(LIMIT_SEND_RECIPIENTS, sizeof *call->welcome_recipients);
    return call;
}

static void call_destroy(struct call *call)
{
    buf_clear(&call->message);
    buf_clear(&call->welcome);
    free(call->recipients);
    free(call->welcome_recipients);
    free(call);
}

/* The reader of the outer object tells what is wrong, so that member is named as it is called. */
static void read_pubs(struct json_reader *reader, const json_t *list, const char *member,
                      struct device_pub *out, size_t *out_count)
{
    size_t count = json_array_size(list);

    if (count > LIMIT_SEND_RECIPIENTS) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, member);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);

        if (!json_is_string(value) ||
            !base64url_decode_exact(bytes_of(json_string_value(value), json_string_length(value)),
                                    out[i].raw, sizeof out[i].raw)) {
            json_reader_fail(reader, JSON_MALFORMED, member);
            return;
        }
    }
    *out_count = count;
}

static void read_message(struct json_reader *reader, const char *member, struct buf *out)
{
    json_need_bytes(reader, member, out);
    if (reader->kind == JSON_FINE && out->size == 0) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, member);
    }
}

static void read_envelope(struct json_reader *reader, struct call *call)
{
    json_need_exact(reader, "id", call->id.raw, sizeof call->id.raw);
    (void)json_may_int(reader, "ttl", INT64_MIN, INT64_MAX, &call->ttl_s);
    (void)json_may_bool(reader, "urgent", &call->urgent);
}

static void read_welcome(struct json_reader *outer, json_t *value, struct call *call)
{
    struct json_reader reader;
    json_t *list = NULL;

    (void)json_reader_begin_value(&reader, value);
    read_message(&reader, "body", &call->welcome);
    call->by_reference = !json_may_array(&reader, "recipients", &list);
    if (!call->by_reference) {
        read_pubs(&reader, list, "recipients", call->welcome_recipients,
                  &call->welcome_recipient_count);
    }
    if (!json_reader_end(&reader)) {
        json_reader_fail(outer, reader.kind, reader.fault);
    }
}

static bool read_commit(struct call *call)
{
    struct json_reader reader;
    json_t *list = NULL;
    json_t *welcome = NULL;

    (void)json_reader_begin(&reader, exchange_body(call->exchange));
    read_envelope(&reader, call);
    read_message(&reader, "commit", &call->message);
    json_need_array(&reader, "recipients", &list);
    read_pubs(&reader, list, "recipients", call->recipients, &call->recipient_count);
    if (json_may_object(&reader, "welcome", &welcome)) {
        read_welcome(&reader, welcome, call);
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(call->exchange, &reader);
        return false;
    }
    return true;
}

/* 422 with the member and a sentence on what is wrong with it. */
static void reply_invalid(struct exchange *exchange, const char *member, const char *why)
{
    struct buf members = { 0 };

    buf_append_format(&members, ",\"member\":\"%s\",\"explanation\":", member);
    json_append_quoted(&members, bytes_text(why));
    buf_append_u8(&members, '\0');
    exchange_reply_problem(exchange, PROBLEM_mls_message_invalid, 0, (const char *)members.at);
    buf_clear(&members);
}

static void reply_unknown(struct exchange *exchange, const struct welcomes_found *found)
{
    struct buf members = { 0 };

    buf_append_text(&members, ",\"unknown\":[");
    for (size_t i = 0; i < found->unknown_count; i++) {
        buf_append_text(&members, i == 0 ? "\"" : ",\"");
        base64url_encode(found->unknown[i], &members);
        buf_append_u8(&members, '"');
    }
    buf_append_u8(&members, ']');
    buf_append_u8(&members, '\0');
    exchange_reply_problem(exchange, PROBLEM_mls_reference_unknown, 0, (const char *)members.at);
    buf_clear(&members);
}

/* Answer as POST /v1/envelopes does, with the group's epoch (-1: none) before the rest. */
static void reply_sent(struct exchange *exchange, const struct envelope_outcome *sent,
                       int64_t epoch)
{
    struct buf body = { 0 };
    struct buf answer = { 0 };
    enum problem problem = PROBLEM_internal;

    if (outcome_is_success(sent, &problem)) {
        int status = outcome_append_success(sent, &body);

        buf_append_u8(&answer, '{');
        if (epoch >= 0) {
            buf_append_format(&answer, "\"epoch\":%" PRId64 ",", epoch);
        }
        buf_append(&answer, bytes_of(body.at + 1, body.size - 1));
        exchange_reply(exchange, status, "application/json", buf_view(&answer));
    } else {
        outcome_append_members(sent, &body);
        buf_append_u8(&body, '\0');
        exchange_reply_problem(exchange, problem, outcome_retry_s(sent, problem),
                               (const char *)body.at);
    }
    buf_clear(&body);
    buf_clear(&answer);
}

static void reply_conflict(struct exchange *exchange, int64_t epoch)
{
    struct buf members = { 0 };

    buf_append_format(&members, ",\"epoch\":%" PRId64, epoch);
    buf_append_u8(&members, '\0');
    exchange_reply_problem(exchange, PROBLEM_mls_epoch_conflict, 0, (const char *)members.at);
    buf_clear(&members);
}

static void refuse(struct exchange *exchange, const struct mls_outcome *outcome)
{
    switch (outcome->result) {
    case MLS_SENT:
        CHECK_UNREACHABLE();
    case MLS_CONFLICT:
        reply_conflict(exchange, outcome->epoch);
        return;
    case MLS_INVALID:
        reply_invalid(exchange, outcome->member, outcome->why);
        return;
    case MLS_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_mls_group_unknown, 0, "");
        return;
    case MLS_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case MLS_RATE_LIMITED:
        rates_refuse(exchange, outcome->retry_s);
        return;
    case MLS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case MLS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static void on_committed(void *arg, const struct mls_outcome *outcome)
{
    struct call *call = arg;

    if (outcome->result == MLS_SENT) {
        reply_sent(call->exchange, outcome->sent, outcome->epoch);
    } else {
        refuse(call->exchange, outcome);
    }
    call_destroy(call);
}

static void commit(struct call *call)
{
    const struct api_caller *caller = api_caller(call->exchange);
    const struct mls_commit order = {
        .id = call->id,
        .ttl_s = call->ttl_s,
        .urgent = call->urgent,
        .message = buf_view(&call->message),
        .recipients = call->recipients,
        .recipient_count = call->recipient_count,
        .welcome = buf_view(&call->welcome),
        .welcome_recipients = call->welcome_recipients,
        .welcome_recipient_count = call->welcome_recipient_count,
        .sender_account = caller->account_id,
        .sender = caller->device_pub,
    };

    mls_groups_commit(call->api->domain, &order, call->api->now_ms(), on_committed, call);
}

/* Take the devices that a Welcome is for; false when the call was answered, and is gone. */
static bool take_found(struct call *call, const struct welcomes_found *found)
{
    switch (found->result) {
    case WELCOMES_FOUND:
        for (size_t i = 0; i < found->count; i++) {
            call->welcome_recipients[i] = found->pubs[i];
        }
        call->welcome_recipient_count = found->count;
        return true;
    case WELCOMES_INVALID:
        reply_invalid(call->exchange, "welcome", found->why);
        break;
    case WELCOMES_UNKNOWN:
        reply_unknown(call->exchange, found);
        break;
    case WELCOMES_UNAVAILABLE:
        problem_of_store(call->exchange, false);
        break;
    }
    call_destroy(call);
    return false;
}

static void on_found_for_commit(void *arg, const struct welcomes_found *found)
{
    if (take_found(arg, found)) {
        commit(arg);
    }
}

void mls_api_commit(void *arg, struct exchange *exchange)
{
    struct call *call = call_create(arg, exchange);

    if (!read_commit(call)) {
        call_destroy(call);
    } else if (call->by_reference) {
        welcomes_find(call->api->domain, buf_view(&call->welcome), on_found_for_commit, call);
    } else {
        commit(call);
    }
}

static void on_welcome_sent(void *arg, const struct envelope_outcome *sent)
{
    struct call *call = arg;

    if (sent->result == ENVELOPE_STORED) {
        metrics_add(METRIC_mls_welcomes, 1);
    }
    reply_sent(call->exchange, sent, -1);
    call_destroy(call);
}

static void on_found_for_welcome(void *arg, const struct welcomes_found *found)
{
    struct call *call = arg;
    struct envelope_recipient *recipients = NULL;
    struct envelope_send send = { .ttl_s = call->ttl_s, .urgent = call->urgent };

    if (!take_found(call, found)) {
        return;
    }
    recipients = mem_zeroed(call->welcome_recipient_count, sizeof *recipients);
    for (size_t i = 0; i < call->welcome_recipient_count; i++) {
        recipients[i].pub = call->welcome_recipients[i];
        recipients[i].part = buf_view(&call->welcome);
    }
    send.id = call->id;
    send.recipients = recipients;
    send.count = call->welcome_recipient_count;
    send.sender_account = api_caller(call->exchange)->account_id;
    send.sender = api_caller(call->exchange)->device_pub;
    (void)envelopes_send(call->api->domain, &send, call->api->now_ms(), on_welcome_sent, call);
    free(recipients);
}

void mls_api_welcome(void *arg, struct exchange *exchange)
{
    struct call *call = call_create(arg, exchange);
    struct json_reader reader;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_envelope(&reader, call);
    read_message(&reader, "welcome", &call->welcome);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        call_destroy(call);
        return;
    }
    welcomes_find(call->api->domain, buf_view(&call->welcome), on_found_for_welcome, call);
}

static void on_reset(void *arg, const struct mls_outcome *outcome)
{
    struct exchange *exchange = arg;
    struct buf answer = { 0 };

    if (outcome->result != MLS_SENT) {
        refuse(exchange, outcome);
        return;
    }
    buf_append_format(&answer, "{\"epoch\":%" PRId64 "}", outcome->epoch);
    exchange_reply(exchange, 200, "application/json", buf_view(&answer));
    buf_clear(&answer);
}

void mls_api_reset(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    struct mls_reset order = { .epoch = 0 };
    struct command_guard guard;
    struct json_reader reader;
    struct buf group_id = { 0 };

    if (!command_accept(api, exchange, COMMAND_MLS_RESET, &guard)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_message(&reader, "group_id", &group_id);
    json_need_int(&reader, "epoch", 0, MLS_EPOCH_MAX, &order.epoch);
    if (json_may_exact(&reader, "commit", digest, sizeof digest)) {
        order.commit = digest;
    }
    if (json_reader_end(&reader)) {
        order.group_id = buf_view(&group_id);
        order.device_pub = api_caller(exchange)->device_pub;
        order.guard = &guard;
        mls_groups_reset(api->domain, &order, api->now_ms(), on_reset, exchange);
    } else {
        problem_of_reader(exchange, &reader);
    }
    buf_clear(&group_id);
}
