/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/reply.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/http/exchange.h"

void reply_json_steal(struct exchange *exchange, int status, json_t *value)
{
    struct buf body = { 0 };

    json_append_steal(&body, value);
    exchange_reply(exchange, status, "application/json", buf_view(&body));
    mem_wipe(body.at, body.size); /* tokens, secrets and codes are answered once */
    buf_clear(&body);
}
