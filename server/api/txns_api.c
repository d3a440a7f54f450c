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
#include "common/opaque.h"
#include "server/api/api.h"
#include "server/api/factors_api.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/reply.h"
#include "server/api/webauthn_json.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_reply.h"
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
    case TXNS_MALFORMED: /* "credential" where a text is wanted, too */
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

/* Exactly one of account_id and handle. */
static void read_whom(struct json_reader *reader, struct txns_order *order, struct handle *handle)
{
    struct bytes text = { 0 };
    bool has_account =
        json_may_exact(reader, "account_id", order->account_id.raw, sizeof order->account_id.raw);

    if (json_may_text(reader, "handle", &text)) {
        if (has_account || !handle_read(text, handle)) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "handle");
            return;
        }
        order->handle = handle;
    } else if (!has_account && reader->kind == JSON_FINE) {
        json_reader_fail(reader, JSON_MALFORMED, "account_id");
    }
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
    read_whom(&reader, &order, &handle);
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

/* A guess under way.  It is counted as a failure of its address until it is none. */
struct guessing {
    struct api *api;
    struct exchange *exchange;
};

static struct guessing *guessing_create(struct api *api, struct exchange *exchange)
{
    struct guessing *guessing = mem_zeroed(1, sizeof *guessing);

    guessing->api = api;
    guessing->exchange = exchange;
    return guessing;
}

static bool is_guessed_by(enum factor_kind kind, enum factor_guesses guesses)
{
    return factor_rules_of(kind)->guesses == guesses;
}

static json_t *challenge_json(const struct api *api, const struct txns_outcome *outcome)
{
    json_t *object = json_pack("{s:o, s:I, s:I}", "challenge_id",
                               json_base64url(bytes_of(outcome->txn_challenge_id.raw,
                                                       sizeof outcome->txn_challenge_id.raw)),
                               "attempts_left", (json_int_t)outcome->attempts_left, "expires_at",
                               (json_int_t)outcome->expires_at);

    if (outcome->ke2 != NULL) {
        (void)json_object_set_new(object, "ke2",
                                  json_base64url(bytes_of(outcome->ke2, OPAQUE_KE2_BYTES)));
    }
    if (outcome->options != NULL) {
        (void)json_object_set_new(object, "public_key",
                                  webauthn_json_request(api, outcome->options));
    }
    return object;
}

static void on_challenged(void *arg, const struct txns_outcome *outcome)
{
    const struct guessing guessing = *(struct guessing *)arg;

    free(arg);
    if (outcome->result != TXNS_DONE) {
        if (is_guessed_by(outcome->kind, FACTOR_GUESSED_BY_CHALLENGE)) {
            rates_give_back_guess(guessing.api, guessing.exchange);
        }
        refuse(guessing.exchange, outcome);
        return;
    }
    reply_json_steal(guessing.exchange, 201, challenge_json(guessing.api, outcome));
}

static void read_ke1(struct json_reader *reader, uint8_t ke1[OPAQUE_KE1_BYTES])
{
    json_need_exact(reader, "ke1", ke1, OPAQUE_KE1_BYTES);
    if (reader->kind == JSON_FINE && !opaque_ke1_is_valid(ke1)) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "ke1");
    }
}

void txns_api_challenge(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct txns_challenge_order order = { .kind = FACTOR_CODE };
    uint8_t ke1[OPAQUE_KE1_BYTES];
    struct bytes text = { 0 };

    if (!read_path(exchange, "txn_id", order.txn_id.raw)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_text(&reader, "kind", &text);
    if (reader.kind == JSON_FINE && !factor_kind_read(text, &order.kind)) {
        json_reader_fail(&reader, JSON_OUT_OF_RANGE, "kind");
    }
    if (reader.kind == JSON_FINE && order.kind == FACTOR_PASSWORD) {
        read_ke1(&reader, ke1);
        order.ke1 = ke1;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    if (!is_guessed_by(order.kind, FACTOR_GUESSED_BY_CHALLENGE) ||
        rates_admit_guess(api, exchange)) {
        txns_challenge(api->domain, &order, api->now_ms(), on_challenged,
                       guessing_create(api, exchange));
    }
}

static void on_answered(void *arg, const struct txns_outcome *outcome)
{
    const struct guessing guessing = *(struct guessing *)arg;

    free(arg);
    if (outcome->result != TXNS_WRONG) {
        rates_give_back_guess(guessing.api, guessing.exchange);
    }
    if (outcome->result == TXNS_DONE && is_guessed_by(outcome->kind, FACTOR_GUESSED_BY_CHALLENGE)) {
        rates_give_back_guess(guessing.api, guessing.exchange); /* that of its challenge, too */
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

/* A reply as it is read: a text, or what a browser says. */
struct reply_draft {
    uint8_t text[LIMIT_GUESS_BYTES];
    size_t text_size;
    struct webauthn_json credential;
};

static void read_reply(struct json_reader *reader, struct reply_draft *draft)
{
    struct bytes text = { 0 };

    if (webauthn_json_read_assertion(reader, &draft->credential)) {
        return;
    }
    json_need_text(reader, "answer", &text);
    if (reader->kind != JSON_FINE) {
        return;
    }
    if (text.size == 0 || text.size > sizeof draft->text) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "answer");
    } else {
        memcpy(draft->text, text.at, text.size);
        draft->text_size = text.size;
    }
}

static void submit_answer(struct api *api, struct exchange *exchange, struct txns_guess *guess,
                          const struct reply_draft *draft)
{
    guess->reply = webauthn_json_reply(&draft->credential);
    guess->reply.text = bytes_of(draft->text, draft->text_size);
    if (rates_admit_guess(api, exchange)) {
        txns_answer(api->domain, guess, api->now_ms(), on_answered, guessing_create(api, exchange));
    }
}

void txns_api_answer(void *arg, struct exchange *exchange)
{
    struct json_reader reader;
    struct txns_guess guess = { .reply = { .text = { 0 } } };
    struct reply_draft draft = { .text_size = 0 };

    if (!read_path(exchange, "txn_id", guess.txn_id.raw) ||
        !read_path(exchange, "challenge_id", guess.challenge_id.raw)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    read_reply(&reader, &draft);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
    } else {
        submit_answer(arg, exchange, &guess, &draft);
    }
    webauthn_json_clear(&draft.credential);
    mem_wipe(draft.text, sizeof draft.text);
}
