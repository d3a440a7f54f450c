/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/deliver.h"

#include <stdbool.h>
#include <string.h>

#include "common/limits.h"
#include "server/ctl/chain.h"
#include "server/ctl/device.h"
#include "server/ctl/http_client.h"
#include "server/ctl/outgoing.h"
#include "server/ctl/people.h"

enum {
    ATTEMPTS = 4
};

static enum exit_code deliver_once(struct device *device, const struct account_id *to,
                                   struct outgoing *outgoing, struct bytes content,
                                   struct http_reply *out)
{
    struct http_call call = { .method = "POST", .path = "/v1/envelopes" };
    struct chain chain;
    enum exit_code code = people_fetch(device, to, &chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    bool is_sealed = outgoing_seal(outgoing, &device->state, &chain, content);
    chain_clear(&chain);
    if (!is_sealed) {
        return EXIT_CODE_USAGE;
    }
    call.body = outgoing_json(outgoing);
    return device_call(device, &call, out);
}

enum exit_code deliver(struct device *device, const struct account_id *to, struct bytes content)
{
    struct http_reply reply = { .status = 0 };
    struct outgoing outgoing;
    enum exit_code code = EXIT_CODE_OK;

    outgoing_init(&outgoing, LIMIT_TTL_MAX_S);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        http_reply_clear(&reply);
        code = deliver_once(device, to, &outgoing, content, &reply);
        if (code != EXIT_CODE_OK ||
            strcmp(http_reply_problem(&reply), "device_list_mismatch") != 0) {
            break;
        }
    }
    if (code == EXIT_CODE_OK && !http_reply_is_success(&reply)) {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    outgoing_clear(&outgoing);
    return code;
}
