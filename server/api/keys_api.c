/* SPDX-License-Identifier: Apache-2.0 */
/* A device's own keys: putting, looking, removing. */
#include "server/api/keys_api.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/sigbytes.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/keys_json.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/domain/slots.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

struct checking {
    struct exchange *exchange;
    uint8_t digest[CRYPTO_SHA256_BYTES];
};

static json_t *stock_json(const struct keys_stock *stock)
{
    json_t *object = json_pack("{s:o}", "slots", keys_json_stock(stock));

    if (stock->has_registration) {
        (void)json_object_set_new(object, "registration_id", json_integer(stock->registration_id));
    }
    return object;
}

static void reply_problem(struct exchange *exchange, enum problem code, struct buf *members)
{
    buf_append_u8(members, '\0');
    exchange_reply_problem(exchange, code, 0, (const char *)members->at);
    buf_clear(members);
}

static void reply_invalid(struct exchange *exchange, const struct keys_outcome *outcome)
{
    struct buf members = { 0 };

    buf_append_format(&members, ",\"slot\":\"%s\",\"index\":%zu,\"reason\":\"%s\",\"explanation\":",
                      outcome->slot->name, outcome->index, slots_fault_word(outcome->fault));
    json_append_quoted(&members, bytes_text(outcome->detail));
    reply_problem(exchange, PROBLEM_key_invalid, &members);
}

static void reply_conflict(struct exchange *exchange, const struct keys_outcome *outcome)
{
    struct buf members = { 0 };
    json_t *ids = json_array();

    for (size_t i = 0; i < outcome->id_count; i++) {
        (void)json_array_append_new(ids, keys_json_id(outcome->slot, outcome->ids[i]));
    }
    buf_append_format(&members, ",\"slot\":\"%s\",\"ids\":", outcome->slot->name);
    json_append_steal(&members, ids);
    reply_problem(exchange, PROBLEM_key_conflict, &members);
}

static void reply_full(struct exchange *exchange, const struct keys_outcome *outcome)
{
    struct buf members = { 0 };

    buf_append_format(&members, ",\"slot\":\"%s\",\"held\":%" PRId64 ",\"max\":%d",
                      outcome->slot->name, outcome->held, LIMIT_KEYS_STORED);
    reply_problem(exchange, PROBLEM_keys_full, &members);
}

static void on_done(void *arg, const struct keys_outcome *outcome)
{
    struct exchange *exchange = arg;

    switch (outcome->result) {
    case KEYS_DONE:
        reply_json_steal(exchange, 200, stock_json(outcome->stock));
        return;
    case KEYS_INVALID:
        reply_invalid(exchange, outcome);
        return;
    case KEYS_CONFLICT:
        reply_conflict(exchange, outcome);
        return;
    case KEYS_FULL:
        reply_full(exchange, outcome);
        return;
    case KEYS_REPLAYED:
        command_reply_replayed(exchange, outcome->last_seq);
        return;
    case KEYS_GONE: /* the device left, and its session with it */
        exchange_reply_problem(exchange, PROBLEM_session_invalid, 0, "");
        return;
    case KEYS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case KEYS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
    CHECK_UNREACHABLE();
}

/* Check the command, and say who gave it.  False when it was refused, and answered. */
static bool accept_owner(struct api *api, struct exchange *exchange, enum command_op op,
                         struct keys_owner *out)
{
    const struct api_caller *caller = api_caller(exchange);

    out->account_id = caller->account_id;
    out->device_id = caller->device_id;
    return command_accept(api, exchange, op, &out->guard);
}

void keys_api_put(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct keys_owner owner;
    struct keys_parcel *parcel = NULL;

    if (!accept_owner(api, exchange, COMMAND_KEYS_PUT, &owner)) {
        return;
    }
    parcel = keys_json_read_put(exchange, api->domain->slots);
    if (parcel != NULL) {
        keys_put(api->domain, &owner, &parcel, api->now_ms(), on_done, exchange);
    }
}

void keys_api_remove(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct keys_owner owner;
    struct keys_parcel *parcel = NULL;

    if (!accept_owner(api, exchange, COMMAND_KEYS_DELETE, &owner)) {
        return;
    }
    parcel = keys_json_read_removal(exchange, api->domain->slots);
    if (parcel != NULL) {
        keys_remove(api->domain, &owner, &parcel, api->now_ms(), on_done, exchange);
    }
}

static void on_counted(void *arg, const struct keys_stock *stock)
{
    if (stock == NULL) {
        problem_of_store(arg, false);
    } else {
        reply_json_steal(arg, 200, stock_json(stock));
    }
}

void keys_api_get(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    keys_count(api->domain, api_caller(exchange)->mailbox, api->now_ms(), on_counted, exchange);
}

static void on_digest(void *arg, const uint8_t *digest)
{
    struct checking *checking = arg;

    if (digest == NULL) {
        problem_of_store(checking->exchange, false);
    } else if (memcmp(digest, checking->digest, sizeof checking->digest) != 0) {
        exchange_reply_problem(checking->exchange, PROBLEM_keys_differ, 0, "");
    } else {
        exchange_reply_empty(checking->exchange, 204);
    }
    free(checking);
}

void keys_api_check(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct checking *checking = mem_zeroed(1, sizeof *checking);
    struct json_reader reader;

    checking->exchange = exchange;
    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_exact(&reader, "digest", checking->digest, sizeof checking->digest);
    if (json_reader_end(&reader)) {
        keys_digest(api->domain, api_caller(exchange)->mailbox, api->now_ms(), on_digest, checking);
    } else {
        problem_of_reader(exchange, &reader);
        free(checking);
    }
}
