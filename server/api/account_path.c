/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/account_path.h"

#include "common/base64url.h"
#include "common/decimal.h"
#include "common/json.h"
#include "server/api/problem.h"
#include "server/http/exchange.h"

bool account_path_id(struct exchange *exchange, struct account_id *out)
{
    if (base64url_decode_exact(exchange_path_param(exchange, "account_id"), out->raw,
                               sizeof out->raw)) {
        return true;
    }
    problem_of_member(exchange, JSON_MALFORMED, "account_id");
    return false;
}

bool account_path_epoch(struct exchange *exchange, uint64_t *out)
{
    const int64_t max = (INT64_C(1) << ACCOUNT_PATH_EPOCH_BITS) - 1;
    int64_t value = 0;

    if (decimal_parse(exchange_path_param(exchange, "epoch"), max, &value)) {
        *out = (uint64_t)value;
        return true;
    }
    problem_of_member(exchange, JSON_MALFORMED, "epoch");
    return false;
}
