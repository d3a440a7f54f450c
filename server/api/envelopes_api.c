/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/envelopes. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/mail_api.h"
#include "server/api/outcome.h"
#include "server/api/problem.h"
#include "server/domain/envelopes.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

static void on_sent(void *arg, const struct envelope_outcome *outcome)
{
    struct exchange *exchange = arg;
    struct buf body = { 0 };
    enum problem problem = PROBLEM_internal;

    if (outcome_is_success(outcome, &problem)) {
        int status = outcome_append_success(outcome, &body);
        exchange_reply(exchange, status, "application/json", buf_view(&body));
    } else {
        outcome_append_members(outcome, &body);
        buf_append_u8(&body, '\0');
        exchange_reply_problem(exchange, problem, outcome_retry_s(outcome, problem),
                               (const char *)body.at);
    }
    buf_clear(&body);
}

/* The views into bodies hold because its room was made before the first byte went in. */
static struct bytes read_part(struct json_reader *reader, const char *member, struct buf *bodies,
                              bool needed)
{
    size_t before = bodies->size;

    if (needed) {
        json_need_bytes(reader, member, bodies);
    } else {
        (void)json_may_bytes(reader, member, bodies);
    }
    return bytes_of(bodies->at + before, bodies->size - before);
}

static void read_recipient(struct json_reader *outer, json_t *value, bool shared,
                           struct buf *bodies, struct envelope_recipient *out)
{
    struct json_reader reader;

    if (!json_reader_begin_value(&reader, value)) {
        json_reader_fail(outer, JSON_MALFORMED, "recipients");
        return;
    }
    json_need_exact(&reader, "device_pub", out->pub.raw, sizeof out->pub.raw);
    out->part = shared ? read_part(&reader, "prefix", bodies, false)
                       : read_part(&reader, "body", bodies, true);
    if (!json_reader_end(&reader)) {
        json_reader_fail(outer, reader.kind, reader.fault);
    }
}

static void read_list_check(struct json_reader *reader, struct envelope_send *send)
{
    int64_t epoch = 0;

    send->list_check = json_has(reader, "account_id") || json_has(reader, "epoch");
    if (send->list_check) {
        json_need_exact(reader, "account_id", send->account.raw, sizeof send->account.raw);
        json_need_int(reader, "epoch", 0, INT64_MAX, &epoch);
        send->epoch = (uint64_t)epoch;
    }
}

/* Fill send from the body; false when it was refused.  *out_recipients is the caller's to free. */
static bool read_send(struct exchange *exchange, struct buf *bodies, struct envelope_send *send,
                      struct envelope_recipient **out_recipients)
{
    struct json_reader reader;
    json_t *list = NULL;

    if (!json_reader_begin(&reader, exchange_body(exchange))) {
        problem_of_reader(exchange, &reader);
        return false;
    }
    buf_reserve(bodies, exchange_body(exchange).size + 1);
    json_need_exact(&reader, "id", send->id.raw, sizeof send->id.raw);
    send->ttl_s = LIMIT_TTL_MAX_S;
    (void)json_may_int(&reader, "ttl", INT64_MIN, INT64_MAX, &send->ttl_s);
    (void)json_may_bool(&reader, "urgent", &send->urgent);
    (void)json_may_bool(&reader, "online_only", &send->online_only);
    read_list_check(&reader, send);
    send->shared_given = json_has(&reader, "shared_body");
    send->shared = read_part(&reader, "shared_body", bodies, false);
    json_need_array(&reader, "recipients", &list);
    send->count = json_array_size(list);
    if (send->count > LIMIT_SEND_RECIPIENTS) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "recipients");
    }
    *out_recipients = mem_zeroed(LIMIT_SEND_RECIPIENTS, sizeof **out_recipients);
    for (size_t i = 0; i < send->count && reader.kind == JSON_FINE; i++) {
        read_recipient(&reader, json_array_get(list, i), send->shared_given, bodies,
                       &(*out_recipients)[i]);
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return false;
    }
    send->recipients = *out_recipients;
    return true;
}

void envelopes_api_send(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    const struct api_caller *caller = api_caller(exchange);
    struct envelope_send send = { 0 };
    struct envelope_recipient *recipients = NULL;
    struct buf bodies = { 0 };

    if (read_send(exchange, &bodies, &send, &recipients)) {
        send.sender_account = caller->account_id;
        send.sender = caller->device_pub;
        envelopes_send(api->domain, &send, api->now_ms(), on_sent, exchange);
    }
    free(recipients);
    buf_clear(&bodies);
}
