/* SPDX-License-Identifier: Apache-2.0 */
/* The seq is compared and raised by one statement, so two copies of a command cannot both pass. */
#include "server/domain/commands.h"

#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/decimal.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/domain/commands_sql.h"
#include "server/domain/domain.h"
#include "server/store/store.h"

/* Take the text that must come next off the front. */
static bool take(struct bytes *text, const char *expected)
{
    size_t size = strlen(expected);

    if (text->size < size || memcmp(text->at, expected, size) != 0) {
        return false;
    }
    *text = bytes_of(text->at + size, text->size - size);
    return true;
}

bool commands_parse(struct bytes header, struct command *out)
{
    struct command command;
    const uint8_t *comma = NULL;
    size_t digits = 0;

    if (!take(&header, "seq=") || header.size == 0) {
        return false;
    }
    comma = memchr(header.at, ',', header.size);
    if (comma == NULL) {
        return false;
    }
    digits = (size_t)(comma - header.at);
    if (!decimal_parse(bytes_of(header.at, digits), INT64_MAX, &command.seq)) {
        return false;
    }
    header = bytes_of(header.at + digits, header.size - digits);
    if (!take(&header, ", sig=") ||
        !base64url_decode_exact(header, command.signature, sizeof command.signature)) {
        return false;
    }
    *out = command;
    return true;
}

enum command_verdict commands_check(const struct domain *domain, const struct command *command,
                                    const struct command_claim *claim, int64_t now_ms)
{
    const struct sigbytes_command fields = {
        .audience = bytes_text(domain->base_url),
        .account = claim->account_id,
        .device_id = claim->device_id,
        .seq = (uint64_t)command->seq,
        .op = claim->op,
        .payload = claim->payload,
    };
    struct buf message = { 0 };
    bool verified = false;

    sigbytes_command(&message, &fields);
    verified = crypto_verify(claim->device_pub->raw, buf_view(&message), command->signature);
    buf_clear(&message);
    if (!verified) {
        return COMMAND_INVALID;
    }
    return command->seq > now_ms + LIMIT_COMMAND_AHEAD_MS ? COMMAND_CLOCK : COMMAND_FINE;
}

void commands_spend(struct store_batch *batch, const struct command_guard *guard)
{
    commands_sql_spend(batch, guard->mailbox, guard->seq);
}

struct last {
    commands_last_fn *done;
    void *arg;
};

static void on_last(void *arg, enum store_status status, struct store_rows *rows)
{
    struct last *last = arg;

    if (status != STORE_OK) {
        last->done(last->arg, false, -1);
    } else {
        last->done(last->arg, true, commands_sql_last_of(rows));
    }
    free(last);
}

void commands_last(struct domain *domain, int64_t mailbox, commands_last_fn *done, void *arg)
{
    struct last *last = mem_zeroed(1, sizeof *last);
    struct store_batch *batch = commands_sql_last(mailbox);

    last->done = done;
    last->arg = arg;
    store_read(domain->store, &batch, on_last, last);
}
