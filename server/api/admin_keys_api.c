/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/ids.h"
#include "server/api/account_path.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/keys_json.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/keys_account.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

static json_t *device_json(const struct keys_account_device *device)
{
    return json_pack("{s:I, s:o}", "device_id", (json_int_t)device->device_id, "slots",
                     keys_json_stock(&device->stock));
}

static void on_counted(void *arg, bool ok, const struct keys_account_device *devices, size_t count)
{
    json_t *list = NULL;

    if (!ok) {
        problem_of_store(arg, false);
    } else if (devices == NULL) {
        exchange_reply_problem(arg, PROBLEM_not_found, 0, "");
    } else {
        list = json_array();
        for (size_t i = 0; i < count; i++) {
            (void)json_array_append_new(list, device_json(&devices[i]));
        }
        reply_json_steal(arg, 200, json_pack("{s:o}", "devices", list));
    }
}

void admin_keys_stats(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct account_id account_id;

    if (account_path_id(exchange, &account_id)) {
        keys_count_account(api->domain, &account_id, api->now_ms(), on_counted, exchange);
    }
}
