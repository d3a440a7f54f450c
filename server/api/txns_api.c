/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: beginning, challenges, answers.  Nobody needs a session for them. */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/factors_api.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/reply.h"
#include "server/api/whom.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/grants.h"
#include "server/domain/txns.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    MEMBERS_BYTES = 48
};

static void reply_wrong(struct exchange *exchange, int64_t attempts_left)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"attempts_left\":%" PRId64, attempts_left);
    exchange_reply_problem(exchange, PROBLEM_answer_wrong, 0, members);
}

static void refuse(struct exchange *exchange, const struct txns_outcome *outcome)
{
    switch (outcome->result) {
    case TXNS_DONE:
        CHECK_UNREACHABLE();
    case TXNS_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_txn_unknown, 0, "");
        return;
    case TXNS_CHALLENGE_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_challenge_unknown, 0, "");
        return;
    case TXNS_INAPPLICABLE:
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "kind");
        return;
    case TXNS_MALFORMED:
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "answer");
        return;
    case TXNS_WRONG:
        reply_wrong(exchange, outcome->attempts_left);
        return;
    case TXNS_RATE_LIMITED:
        rates_refuse(exchange, outcome->retry_s > INT_MAX ? INT_MAX : (int)outcome->retry_s);
        return;
    case TXNS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case TXNS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

static json_t *kinds_json(uint32_t kinds)
{
    json_t *array = json_array();

    for (int kind = 0; kind < FACTOR_KINDS; kind++) {
        if ((kinds & UINT32_C(1) << kind) != 0) {
            (void)json_array_append_new(array,
                                        json_string(factor_kind_text((enum factor_kind)kind)));
        }
    }
    return array;
}

static void on_begun(void *arg, const struct txns_outcome *outcome)
{
    if (outcome->result != TXNS_DONE) {
        refuse(arg, outcome);
        return;
    }
    reply_json_steal(
        arg, 201,
        json_pack("{s:o, s:s, s:o, s:I}", "txn_id",
                  json_base64url(bytes_of(outcome->txn_id.raw, sizeof outcome->txn_id.raw)),
                  "purpose", txn_purpose_text(outcome->purpose), "kinds",
                  kinds_json(outcome->kinds), "expires_at", (json_int_t)outcome->expires_at));
}

void txns_api_begin(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct txns_order order = { .handle = NULL };
    struct json_reader reader;
    struct handle handle = { .text = "" };
    struct bytes purpose = { 0 };

    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_text(&reader, "purpose", &purpose);
    if (reader.kind == JSON_FINE && !txn_purpose_read(purpose, &order.purpose)) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "purpose");
    }
    if (whom_read(&reader, &order.account_id, &handle)) {
        order.handle = &handle;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    txns_begin(api->domain, &order, api->now_ms(), on_begun, exchange);
}

static bool read_path(struct exchange *exchange, const char *name, uint8_t out[TXN_ID_BYTES])
{
    if (base64url_decode_exact(exchange_path_param(exchange, name), out, TXN_ID_BYTES)) {
        return true;
    }
    problem_of_member(exchange, JSON_MALFORMED, name);
    return false;
}

static void on_challenged(void *arg, const struct txns_outcome *outcome)
{
    if (outcome->result != TXNS_DONE) {
        refuse(arg, outcome);
        return;
    }
    reply_json_steal(arg, 201,
                     json_pack("{s:o, s:I, s:I}", "challenge_id",
                               json_base64url(bytes_of(outcome->txn_challenge_id.raw,
                                                       sizeof outcome->txn_challenge_id.raw)),
                               "attempts_left", (json_int_t)outcome->attempts_left, "expires_at",
                               (json_int_t)outcome->expires_at));
}

void txns_api_challenge(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct txn_id txn_id;
    struct bytes text = { 0 };
    enum factor_kind kind = FACTOR_CODE;

    if (!read_path(exchange, "txn_id", txn_id.raw)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_text(&reader, "kind", &text);
    if (reader.kind == JSON_FINE && !factor_kind_read(text, &kind)) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "kind");
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    txns_challenge(api->domain, &txn_id, kind, api->now_ms(), on_challenged, exchange);
}

/* A guess under way.  It is counted as a failure until it is none. */
struct guessing {
    struct api *api;
    struct exchange *exchange;
};

static void on_answered(void *arg, const struct txns_outcome *outcome)
{
    const struct guessing guessing = *(struct guessing *)arg;

    free(arg);
    if (outcome->result != TXNS_WRONG) {
        rates_give_back_guess(guessing.api, guessing.exchange);
    }
    if (outcome->result != TXNS_DONE) {
        refuse(guessing.exchange, outcome);
        return;
    }
    reply_json_steal(
        guessing.exchange, 200,
        json_pack("{s:o, s:s, s:I}", "grant",
                  json_base64url(bytes_of(outcome->grant.raw, sizeof outcome->grant.raw)),
                  "purpose", txn_purpose_text(outcome->purpose), "expires_at",
                  (json_int_t)outcome->expires_at));
}

void txns_api_answer(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct txns_guess guess = { .text = { 0 } };
    struct guessing *guessing = NULL;
    uint8_t text[LIMIT_GUESS_BYTES];

    if (!read_path(exchange, "txn_id", guess.txn_id.raw) ||
        !read_path(exchange, "challenge_id", guess.challenge_id.raw)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_text(&reader, "answer", &guess.text);
    if (reader.kind == JSON_FINE) {
        if (guess.text.size == 0 || guess.text.size > sizeof text) {
            json_reader_fail(&reader, JSON_OUT_OF_RANGE, "answer");
        } else {
            memcpy(text, guess.text.at, guess.text.size);
        }
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    if (rates_admit_guess(api, exchange)) {
        guessing = mem_zeroed(1, sizeof *guessing);
        guessing->api = api;
        guessing->exchange = exchange;
        guess.text = bytes_of(text, guess.text.size);
        txns_answer(api->domain, &guess, api->now_ms(), on_answered, guessing);
    }
    mem_wipe(text, sizeof text);
}
