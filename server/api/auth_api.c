/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges and sessions. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/people_api.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/reply.h"
#include "server/domain/challenges.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/limits.h"
#include "server/domain/sessions.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

void auth_api_challenge(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct challenge challenge;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    challenges_make(api->domain, api->now_ms(), &challenge);
    reply_json_steal(exchange, 200,
                     json_pack("{s:o, s:I}", "challenge",
                               json_base64url(bytes_of(challenge.raw, sizeof challenge.raw)),
                               "expires_at", (json_int_t)challenges_expiry(&challenge)));
}

static void refuse(struct exchange *exchange, enum sessions_result result, int64_t last_seq)
{
    switch (result) {
    case SESSIONS_OK:
        CHECK_UNREACHABLE();
    case SESSIONS_AUTH_FAILED:
        exchange_reply_problem(exchange, PROBLEM_auth_failed, 0, "");
        return;
    case SESSIONS_REPLAYED:
        command_reply_replayed(exchange, last_seq);
        return;
    case SESSIONS_GONE:
        exchange_reply_problem(exchange, PROBLEM_session_invalid, 0, "");
        return;
    case SESSIONS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case SESSIONS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
}

/* A sign-in under way.  It is counted as a failure until it is none. */
struct sign_in {
    struct api *api;
    struct exchange *exchange;
    struct account_id account_id;
};

/* Whoever does not know a key can claim any account, from anywhere: both are counted. */
static void failures_of(const struct sign_in *sign_in, struct limits_ask out[2])
{
    out[0] = (struct limits_ask){
        .class = LIMITS_FAILURES,
        .name = bytes_text(exchange_peer(sign_in->exchange)),
        .tokens = 1,
    };
    out[1] = (struct limits_ask){
        .class = LIMITS_FAILURES,
        .name = bytes_of(sign_in->account_id.raw, sizeof sign_in->account_id.raw),
        .tokens = 1,
    };
}

/* Say whether a signature may be checked for it; false when it was refused, and answered. */
static bool sign_in_admit(struct sign_in *sign_in)
{
    struct limits_ask asks[2];
    int wait_s = 0;

    failures_of(sign_in, asks);
    wait_s = limits_take(sign_in->api->domain->limits, asks, 2, sign_in->api->now_ms());
    if (wait_s > 0) {
        rates_refuse(sign_in->exchange, wait_s);
    }
    return wait_s == 0;
}

static void sign_in_end(struct sign_in *sign_in, enum sessions_result result)
{
    struct limits_ask asks[2];

    failures_of(sign_in, asks);
    for (size_t i = 0; i < 2 && result != SESSIONS_AUTH_FAILED; i++) {
        limits_give_back(sign_in->api->domain->limits, &asks[i], sign_in->api->now_ms());
    }
    free(sign_in);
}

static void on_begun(void *arg, enum sessions_result result, const struct sessions_begun *begun)
{
    struct exchange *exchange = ((struct sign_in *)arg)->exchange;

    sign_in_end(arg, result);
    if (result != SESSIONS_OK) {
        refuse(exchange, result, 0);
        return;
    }
    reply_json_steal(exchange, 201,
                     json_pack("{s:s, s:I, s:I}", "token", begun->token, "expires_at",
                               (json_int_t)begun->expires_at, "epoch", (json_int_t)begun->epoch));
}

void auth_api_begin(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    struct sessions_proof proof = { 0 };
    struct sign_in *sign_in = NULL;
    int64_t device_id = 0;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_exact(&reader, "account_id", proof.account_id.raw, sizeof proof.account_id.raw);
    json_need_int(&reader, "device_id", 1, LIMIT_DEVICE_ID, &device_id);
    json_need_exact(&reader, "challenge", proof.challenge.raw, sizeof proof.challenge.raw);
    json_need_exact(&reader, "signature", proof.signature, sizeof proof.signature);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    proof.device_id = (uint32_t)device_id;
    sign_in = mem_zeroed(1, sizeof *sign_in);
    sign_in->api = api;
    sign_in->exchange = exchange;
    sign_in->account_id = proof.account_id;
    if (!sign_in_admit(sign_in)) {
        free(sign_in);
        return;
    }
    sessions_begin(api->domain, &proof, api->now_ms(), on_begun, sign_in);
}

static void on_ended(void *arg, enum sessions_result result, size_t count, int64_t last_seq)
{
    struct exchange *exchange = arg;

    (void)count;
    if (result != SESSIONS_OK) {
        refuse(exchange, result, last_seq);
        return;
    }
    exchange_reply_empty(exchange, 204);
}

void auth_api_end(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct session_hash hash;

    memcpy(hash.raw, api_caller(exchange)->token_hash, sizeof hash.raw);
    sessions_end(api->domain, &hash, api->now_ms(), on_ended, exchange);
}

static void on_revoked(void *arg, enum sessions_result result, size_t count, int64_t last_seq)
{
    struct exchange *exchange = arg;

    if (result != SESSIONS_OK) {
        refuse(exchange, result, last_seq);
        return;
    }
    reply_json_steal(exchange, 200, json_pack("{s:I}", "revoked", (json_int_t)count));
}

/* Read device_ids, none twice; false when there are none to read. */
static bool read_device_ids(struct json_reader *reader, uint32_t out[LIMIT_DEVICE_ID],
                            size_t *out_count)
{
    bool taken[LIMIT_DEVICE_ID + 1] = { false };
    json_t *array = NULL;
    json_t *item = NULL;
    size_t index = 0;
    size_t count = 0;

    if (!json_may_array(reader, "device_ids", &array)) {
        return false;
    }
    json_array_foreach (array, index, item) {
        json_int_t value = json_integer_value(item);

        if (!json_is_integer(item)) {
            json_reader_fail(reader, JSON_MALFORMED, "device_ids");
            return false;
        }
        if (value < 1 || value > LIMIT_DEVICE_ID || taken[value]) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "device_ids");
            return false;
        }
        taken[value] = true;
        out[count] = (uint32_t)value;
        count++;
    }
    *out_count = count;
    return true;
}

void auth_api_revoke(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct sessions_revocation revocation = { .account = api_caller(exchange)->account };
    uint32_t device_ids[LIMIT_DEVICE_ID];
    struct command_guard guard;
    struct json_reader reader;

    if (!command_accept(api, exchange, COMMAND_SESSIONS_REVOKE, &guard)) {
        return;
    }
    (void)json_reader_begin(&reader, exchange_body(exchange));
    if (read_device_ids(&reader, device_ids, &revocation.device_count)) {
        revocation.device_ids = device_ids;
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    memcpy(revocation.caller.raw, api_caller(exchange)->token_hash, sizeof revocation.caller.raw);
    sessions_revoke(api->domain, &guard, &revocation, api->now_ms(), on_revoked, exchange);
}
