/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before every handler: whoever calls too often is told when to come again, and
 * whoever needs a session has one, or hears one kind of no. */
#include <stdbool.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/auth.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/domain/health.h"
#include "server/domain/links.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

/* Reading has stopped long before, but what was read by then may still come to its turn. */
static bool has_room(const struct api *api, struct exchange *exchange)
{
    if (exchange_route(exchange)->body_max == 0 || health_has_room(api->domain)) {
        return true;
    }
    problem_of_store(exchange, false);
    return false;
}

struct arrival {
    struct api *api;
    struct exchange *exchange;
};

static void on_authenticated(void *arg, const struct api_caller *caller, bool unavailable)
{
    struct arrival arrival = *(struct arrival *)arg;
    struct api_caller *kept = NULL;

    free(arg);
    if (caller == NULL && unavailable) {
        problem_of_store(arrival.exchange, false);
        return;
    }
    if (caller == NULL) {
        rates_count_failure(arrival.api, arrival.exchange);
        exchange_reply_problem(arrival.exchange, PROBLEM_session_invalid, 0, "");
        return;
    }
    if (!has_room(arrival.api, arrival.exchange) ||
        !rates_admit_caller(arrival.api, arrival.exchange, caller)) {
        return;
    }
    kept = mem_zeroed(1, sizeof *kept);
    *kept = *caller;
    exchange_set_caller(arrival.exchange, kept);
    exchange_route(arrival.exchange)->handler(arrival.api, arrival.exchange);
}

/* Say whether the handler alone has to know who it is. */
static bool is_stranger(const struct exchange *exchange)
{
    switch ((enum api_auth)exchange_route(exchange)->auth) {
    case API_AUTH_NONE:
        return true;
    case API_AUTH_SESSION:
        return false;
    case API_AUTH_EITHER:
        return exchange_header(exchange, "authorization").size == 0;
    case API_AUTH_LINK:
        return links_is_token(api_bearer(exchange));
    }
    CHECK_UNREACHABLE();
}

void api_before(void *arg, struct exchange *exchange)
{
    const struct http_route *route = exchange_route(exchange);
    struct arrival *arrival = NULL;

    if (is_stranger(exchange)) {
        if (has_room(arg, exchange) && rates_admit_stranger(arg, exchange)) {
            route->handler(arg, exchange);
        }
        return;
    }
    if (!rates_admit_token(arg, exchange, api_bearer(exchange))) {
        return;
    }
    arrival = mem_zeroed(1, sizeof *arrival);
    arrival->api = arg;
    arrival->exchange = exchange;
    api_authenticate(arrival->api, api_bearer(exchange), on_authenticated, arrival);
}

const struct api_caller *api_caller_or_none(const struct exchange *exchange)
{
    return exchange_caller(exchange);
}

const struct api_caller *api_caller(const struct exchange *exchange)
{
    const struct api_caller *caller = exchange_caller(exchange);

    CHECK(caller != NULL); /* its route says API_AUTH_SESSION */
    return caller;
}
