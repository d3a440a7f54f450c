/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/rates.h"

#include <stddef.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/limits.h"
#include "server/domain/sessions.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

static struct limits_ask ask_of(enum limits_class class, const void *name, size_t size)
{
    return (struct limits_ask){ .class = class, .name = bytes_of(name, size), .tokens = 1 };
}

static struct limits_ask ask_of_peer(enum limits_class class, const char *peer)
{
    return (struct limits_ask){ .class = class, .name = bytes_text(peer), .tokens = 1 };
}

void rates_refuse(struct exchange *exchange, int wait_s)
{
    exchange_reply_problem(exchange, PROBLEM_rate_limited, wait_s, "");
}

bool rates_admit_stranger(struct api *api, struct exchange *exchange)
{
    const char *peer = exchange_peer(exchange);
    struct limits_ask asks[2] = { ask_of_peer(LIMITS_ADDRESS, peer) };
    size_t count = 1;
    int wait_s = 0;

    switch ((enum api_rate)exchange_route(exchange)->rate) {
    case API_RATE_STREAM:
        return true;
    case API_RATE_REQUEST:
        break;
    case API_RATE_CHALLENGE:
        asks[count] = ask_of_peer(LIMITS_CHALLENGES, peer);
        count++;
        break;
    case API_RATE_REGISTRATION:
        asks[count] = ask_of_peer(LIMITS_REGISTRATIONS, peer);
        count++;
        break;
    }
    wait_s = limits_take(api->domain->limits, asks, count, api->now_ms());
    if (wait_s > 0) {
        rates_refuse(exchange, wait_s);
    }
    return wait_s == 0;
}

static bool is_in_memory(const struct api *api, struct bytes token_text)
{
    struct session_hash hash;

    return sessions_parse(token_text, &hash) &&
           sessions_cached(api->domain, &hash, api->now_ms()) != NULL;
}

bool rates_admit_token(struct api *api, struct exchange *exchange, struct bytes token_text)
{
    struct limits_ask ask = ask_of_peer(LIMITS_FAILURES, exchange_peer(exchange));
    int wait_s = limits_wait_s(api->domain->limits, &ask, api->now_ms());

    if (wait_s == 0 || is_in_memory(api, token_text)) {
        return true;
    }
    limits_count_refusal(LIMITS_FAILURES);
    rates_refuse(exchange, wait_s);
    return false;
}

void rates_count_failure(struct api *api, const struct exchange *exchange)
{
    struct limits_ask ask = ask_of_peer(LIMITS_FAILURES, exchange_peer(exchange));

    limits_charge(api->domain->limits, &ask, api->now_ms());
}

bool rates_admit_peer(struct api *api, struct exchange *exchange, enum limits_class class)
{
    struct limits_ask ask = ask_of_peer(class, exchange_peer(exchange));
    int wait_s = limits_take(api->domain->limits, &ask, 1, api->now_ms());

    if (wait_s > 0) {
        rates_refuse(exchange, wait_s);
    }
    return wait_s == 0;
}

void rates_give_back_peer(struct api *api, const struct exchange *exchange, enum limits_class class)
{
    struct limits_ask ask = ask_of_peer(class, exchange_peer(exchange));

    limits_give_back(api->domain->limits, &ask, api->now_ms());
}

bool rates_admit_guess(struct api *api, struct exchange *exchange)
{
    return rates_admit_peer(api, exchange, LIMITS_FAILURES);
}

void rates_give_back_guess(struct api *api, const struct exchange *exchange)
{
    rates_give_back_peer(api, exchange, LIMITS_FAILURES);
}

int rates_take_caller(struct api *api, const char *peer, const struct api_caller *caller)
{
    const struct limits_ask asks[] = {
        ask_of(LIMITS_DEVICE, caller->device_pub.raw, sizeof caller->device_pub.raw),
        ask_of(LIMITS_ACCOUNT, caller->account_id.raw, sizeof caller->account_id.raw),
        ask_of_peer(LIMITS_ADDRESS, peer),
    };

    return limits_take(api->domain->limits, asks, sizeof asks / sizeof asks[0], api->now_ms());
}

bool rates_admit_caller(struct api *api, struct exchange *exchange, const struct api_caller *caller)
{
    int wait_s = rates_take_caller(api, exchange_peer(exchange), caller);

    if (wait_s > 0) {
        rates_refuse(exchange, wait_s);
    }
    return wait_s == 0;
}

bool rates_admit_address(struct api *api, struct exchange *exchange, enum limits_class class)
{
    const struct limits_ask ask = ask_of_peer(class, exchange_peer(exchange));
    int wait_s = limits_take(api->domain->limits, &ask, 1, api->now_ms());

    if (wait_s > 0) {
        rates_refuse(exchange, wait_s);
    }
    return wait_s == 0;
}

bool rates_admit_account(struct api *api, struct exchange *exchange, enum limits_class class)
{
    const struct account_id *account_id = &api_caller(exchange)->account_id;
    const struct limits_ask ask = ask_of(class, account_id->raw, sizeof account_id->raw);
    int wait_s = limits_take(api->domain->limits, &ask, 1, api->now_ms());

    if (wait_s > 0) {
        rates_refuse(exchange, wait_s);
    }
    return wait_s == 0;
}
