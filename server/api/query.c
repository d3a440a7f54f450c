/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/query.h"

#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/json.h"
#include "server/api/problem.h"
#include "server/http/exchange.h"

enum {
    NAME_BYTES = 64
};

bool query_knows_only(struct exchange *exchange, const char *const *names)
{
    struct bytes name;
    char text[NAME_BYTES] = { 0 };

    if (!exchange_query_unknown(exchange, names, &name)) {
        return true;
    }
    memcpy(text, name.at, name.size < sizeof text - 1 ? name.size : sizeof text - 1);
    problem_of_member(exchange, JSON_MALFORMED, text);
    return false;
}

/* A number that does not fit is as good as the largest. */
static bool parse_decimal(struct bytes text, int64_t *out)
{
    int64_t value = 0;

    if (text.size == 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        value = value > INT64_MAX / 10 - 1 ? INT64_MAX : value * 10 + (text.at[i] - '0');
    }
    *out = value;
    return true;
}

bool query_int(struct exchange *exchange, const char *name, int64_t min, int64_t max, int64_t *out)
{
    struct bytes text;
    int64_t value = 0;

    if (!exchange_query(exchange, name, &text)) {
        return true;
    }
    if (!parse_decimal(text, &value)) {
        problem_of_member(exchange, JSON_MALFORMED, name);
        return false;
    }
    if (value < min || value > max) {
        problem_of_member(exchange, JSON_OUT_OF_RANGE, name);
        return false;
    }
    *out = value;
    return true;
}
