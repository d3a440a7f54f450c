/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery contacts of the calling account, and its chain for who has the recovery key alone. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/decimal.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/sigbytes.h"
#include "server/api/account_path.h"
#include "server/api/api.h"
#include "server/api/command.h"
#include "server/api/manifests_json.h"
#include "server/api/problem.h"
#include "server/api/rates.h"
#include "server/api/recovery_api.h"
#include "server/api/recovery_json.h"
#include "server/api/reply.h"
#include "server/api/whom.h"
#include "server/domain/challenges.h"
#include "server/domain/commands.h"
#include "server/domain/grants.h"
#include "server/domain/limits.h"
#include "server/domain/manifests.h"
#include "server/domain/recovery_chain.h"
#include "server/domain/recovery_contacts.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

static void on_contacts(void *arg, bool ok, const struct recovery_contacts_view *views,
                        size_t count)
{
    if (!ok) {
        problem_of_store(arg, false);
        return;
    }
    reply_json_steal(arg, 200,
                     json_pack("{s:o}", "contacts", recovery_contacts_json(views, count)));
}

void recovery_api_contacts(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    recovery_contacts_list(api->domain, &api_caller(exchange)->account_id, on_contacts, exchange);
}

static void on_changed(void *arg, enum recovery_contacts_result result, int64_t last_seq)
{
    struct exchange *exchange = arg;

    switch (result) {
    case RECOVERY_CONTACTS_DONE:
        exchange_reply_empty(exchange, 204);
        return;
    case RECOVERY_CONTACTS_REPLAYED:
        command_reply_replayed(exchange, last_seq);
        return;
    case RECOVERY_CONTACTS_NOT_ADMIN:
        exchange_reply_problem(exchange, PROBLEM_not_admin, 0, "");
        return;
    case RECOVERY_CONTACTS_STEPUP:
        exchange_reply_problem(exchange, PROBLEM_stepup_required, 0, "");
        return;
    case RECOVERY_CONTACTS_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_contact_unknown, 0, "");
        return;
    case RECOVERY_CONTACTS_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case RECOVERY_CONTACTS_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
    CHECK_UNREACHABLE();
}

/* What a command is read into: the order borrows the others. */
struct draft {
    struct recovery_contacts_order order;
    struct command_guard guard;
    struct grant grant;
    struct buf label;
    struct json_reader reader;
};

/* Check the command, and read what both have; false when it was refused, and answered. */
static bool draft_begin(struct api *api, struct exchange *exchange, struct draft *out)
{
    const struct api_caller *caller = api_caller(exchange);
    int64_t slot = 0;

    *out = (struct draft){ .order = { .account = caller->account,
                                      .account_id = caller->account_id,
                                      .device_id = caller->device_id } };
    if (!command_accept(api, exchange, COMMAND_SHARE_PUT, &out->guard)) {
        return false;
    }
    out->order.guard = &out->guard;
    if (!decimal_parse(exchange_path_param(exchange, "slot"), INT64_MAX, &slot)) {
        problem_of_member(exchange, JSON_MALFORMED, "slot");
        return false;
    }
    (void)json_reader_begin(&out->reader, exchange_body(exchange));
    json_need_int(&out->reader, "slot", 1, LIMIT_RECOVERY_SLOTS, &out->order.slot);
    if (out->reader.kind == JSON_FINE && slot != out->order.slot) {
        json_reader_fail(&out->reader, JSON_OUT_OF_RANGE, "slot");
    }
    if (json_may_exact(&out->reader, "grant", out->grant.raw, sizeof out->grant.raw)) {
        out->order.grant = &out->grant;
    }
    return true;
}

static void draft_clear(struct draft *draft)
{
    buf_clear(&draft->label);
    mem_wipe(draft, sizeof *draft);
}

void recovery_api_put_contact(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct draft draft;

    if (!draft_begin(api, exchange, &draft)) {
        return;
    }
    json_need_exact(&draft.reader, "share", draft.order.a, sizeof draft.order.a);
    (void)json_may_bytes(&draft.reader, "label", &draft.label);
    if (draft.label.size > LIMIT_RECOVERY_LABEL_BYTES) {
        json_reader_fail(&draft.reader, JSON_OUT_OF_RANGE, "label");
    }
    draft.order.label = buf_view(&draft.label);
    if (!json_reader_end(&draft.reader)) {
        problem_of_reader(exchange, &draft.reader);
    } else {
        recovery_contacts_put(api->domain, &draft.order, api->now_ms(), on_changed, exchange);
    }
    draft_clear(&draft);
}

void recovery_api_remove_contact(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct draft draft;

    if (!draft_begin(api, exchange, &draft)) {
        return;
    }
    if (!json_reader_end(&draft.reader)) {
        problem_of_reader(exchange, &draft.reader);
    } else {
        recovery_contacts_remove(api->domain, &draft.order, api->now_ms(), on_changed, exchange);
    }
    draft_clear(&draft);
}

/* A reading under way.  It is counted as a wrong key until it is none. */
struct reading {
    struct api *api;
    struct exchange *exchange;
};

static void on_chain(void *arg, enum recovery_chain_result result,
                     const struct account_id *account_id, const struct manifests_page *page)
{
    const struct reading reading = *(struct reading *)arg;

    free(arg);
    if (result != RECOVERY_CHAIN_DENIED) {
        rates_give_back_peer(reading.api, reading.exchange, LIMITS_RECOVERIES);
    }
    switch (result) {
    case RECOVERY_CHAIN_DONE:
        reply_json_steal(reading.exchange, 200, manifests_json(account_id, page));
        return;
    case RECOVERY_CHAIN_DENIED:
        exchange_reply_problem(reading.exchange, PROBLEM_auth_failed, 0, "");
        return;
    case RECOVERY_CHAIN_UNAVAILABLE:
        problem_of_store(reading.exchange, false);
        return;
    }
}

void recovery_api_chain(void *arg, struct exchange *exchange)
{
    const int64_t epoch_max = (INT64_C(1) << ACCOUNT_PATH_EPOCH_BITS) - 1;
    struct api *api = arg;
    struct recovery_chain_order order = { .since = -1 };
    struct handle handle = { .text = "" };
    struct json_reader reader;
    struct reading *reading = NULL;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    if (whom_read(&reader, &order.account_id, &handle)) {
        order.handle = &handle;
    }
    json_need_exact(&reader, "challenge", order.challenge.raw, sizeof order.challenge.raw);
    json_need_exact(&reader, "signature", order.signature, sizeof order.signature);
    (void)json_may_int(&reader, "since", 0, epoch_max, &order.since);
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    if (!rates_admit_peer(api, exchange, LIMITS_RECOVERIES)) {
        return;
    }
    reading = mem_zeroed(1, sizeof *reading);
    reading->api = api;
    reading->exchange = exchange;
    recovery_chain_read(api->domain, &order, api->now_ms(), on_chain, reading);
}
