/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/command.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "server/api/api.h"
#include "server/domain/commands.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum {
    MEMBERS_BYTES = 48
};

bool command_accept(struct api *api, struct exchange *exchange, enum command_op op,
                    struct command_guard *out)
{
    const struct api_caller *caller = api_caller(exchange);
    const struct command_claim claim = {
        .account_id = &caller->account_id,
        .device_pub = &caller->device_pub,
        .device_id = caller->device_id,
        .op = op,
        .payload = exchange_body(exchange),
    };
    enum command_verdict verdict = COMMAND_INVALID;
    struct command command;

    if (commands_parse(exchange_header(exchange, "sealpost-command"), &command)) {
        verdict = commands_check(api->domain, &command, &claim, api->now_ms());
    }
    switch (verdict) {
    case COMMAND_FINE:
        *out = (struct command_guard){ .mailbox = caller->mailbox, .seq = command.seq };
        return true;
    case COMMAND_INVALID:
        exchange_reply_problem(exchange, PROBLEM_command_invalid, 0, "");
        return false;
    case COMMAND_CLOCK:
        exchange_reply_problem(exchange, PROBLEM_command_clock, 0, "");
        return false;
    }
    CHECK_UNREACHABLE();
}

void command_reply_replayed(struct exchange *exchange, int64_t last_seq)
{
    char members[MEMBERS_BYTES];

    (void)snprintf(members, sizeof members, ",\"last_seq\":%" PRId64, last_seq);
    exchange_reply_problem(exchange, PROBLEM_command_replayed, 0, members);
}
