/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/keys/claim. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/api/account_path.h"
#include "server/api/api.h"
#include "server/api/keys_api.h"
#include "server/api/keys_json.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/domain.h"
#include "server/domain/keys_claim.h"
#include "server/domain/slots.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

struct claiming {
    struct exchange *exchange;
    struct account_id account_id;
};

static json_t *key_json(const struct keys_claimed_key *key)
{
    json_t *object =
        json_pack("{s:o, s:o, s:b}", "id", keys_json_id(key->slot, key->id), "key",
                  json_base64url(key->key), "last_resort", key->is_last_resort ? 1 : 0);

    if (key->signature.size > 0) {
        (void)json_object_set_new(object, "signature", json_base64url(key->signature));
    }
    if (key->is_unverified) {
        (void)json_object_set_new(object, "unverified", json_true());
    }
    return object;
}

static json_t *device_json(const struct keys_claimed_device *device)
{
    json_t *keys = json_object();
    json_t *object = NULL;

    for (size_t i = 0; i < device->key_count; i++) {
        (void)json_object_set_new(keys, device->keys[i].slot->name, key_json(&device->keys[i]));
    }
    object =
        json_pack("{s:I, s:o, s:o}", "device_id", (json_int_t)device->device_id, "device_pub",
                  json_base64url(bytes_of(device->device_pub.raw, DEVICE_PUB_BYTES)), "keys", keys);
    if (device->has_registration) {
        (void)json_object_set_new(object, "registration_id", json_integer(device->registration_id));
    }
    return object;
}

static json_t *outcome_json(const struct account_id *account_id,
                            const struct keys_claim_outcome *outcome)
{
    json_t *manifests = json_array();
    json_t *devices = json_array();

    for (size_t i = 0; i < outcome->manifest_count; i++) {
        (void)json_array_append_new(manifests, json_base64url(outcome->manifests[i]));
    }
    for (size_t i = 0; i < outcome->device_count; i++) {
        (void)json_array_append_new(devices, device_json(&outcome->devices[i]));
    }
    return json_pack("{s:o, s:I, s:o, s:o, s:b, s:o}", "account_id",
                     json_base64url(bytes_of(account_id->raw, sizeof account_id->raw)), "epoch",
                     (json_int_t)outcome->epoch, "hash",
                     json_base64url(bytes_of(outcome->hash.raw, sizeof outcome->hash.raw)),
                     "manifests", manifests, "more", outcome->more ? 1 : 0, "devices", devices);
}

static void on_claimed(void *arg, const struct keys_claim_outcome *outcome)
{
    struct claiming *claiming = arg;
    struct exchange *exchange = claiming->exchange;
    struct account_id account_id = claiming->account_id;

    free(claiming);
    switch (outcome->result) {
    case KEYS_CLAIM_DONE:
        reply_json_steal(exchange, 200, outcome_json(&account_id, outcome));
        return;
    case KEYS_CLAIM_UNKNOWN:
        exchange_reply_problem(exchange, PROBLEM_not_found, 0, "");
        return;
    case KEYS_CLAIM_UNAVAILABLE:
        problem_of_store(exchange, false);
        return;
    case KEYS_CLAIM_STORAGE_FULL:
        problem_of_store(exchange, true);
        return;
    }
    CHECK_UNREACHABLE();
}

static void read_devices(struct json_reader *reader, const json_t *list,
                         struct keys_claim_order *order)
{
    size_t count = json_array_size(list);

    if (count == 0 || count > LIMIT_MANIFEST_DEVICES) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "devices");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        json_int_t id = json_integer_value(value);

        if (!json_is_integer(value)) {
            json_reader_fail(reader, JSON_MALFORMED, "devices");
            return;
        }
        if (id < 1 || id > LIMIT_DEVICE_ID) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "devices");
            return;
        }
        order->devices[i] = (uint32_t)id;
    }
    order->device_count = count;
}

static bool has_slot(const struct keys_claim_order *order, const struct slot *slot)
{
    for (size_t i = 0; i < order->slot_count; i++) {
        if (order->slots[i] == slot) {
            return true;
        }
    }
    return false;
}

/* False when it was refused, and answered. */
static bool read_slots(struct exchange *exchange, const struct slots *slots, const json_t *list,
                       struct keys_claim_order *order)
{
    if (json_array_size(list) == 0) {
        problem_of_member(exchange, JSON_OUT_OF_RANGE, "slots");
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const struct slot *slot = keys_json_slot(exchange, slots, json_array_get(list, i), "slots");

        if (slot == NULL) {
            return false;
        }
        if (has_slot(order, slot)) {
            problem_of_member(exchange, JSON_OUT_OF_RANGE, "slots");
            return false;
        }
        order->slots[order->slot_count] = slot;
        order->slot_count++;
    }
    return true;
}

/* False when it was refused, and answered. */
static bool read_order(struct exchange *exchange, const struct slots *slots,
                       struct keys_claim_order *order)
{
    struct json_reader reader;
    json_t *devices = NULL;
    json_t *names = NULL;
    bool good = true;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    json_need_exact(&reader, "account_id", order->account_id.raw, sizeof order->account_id.raw);
    if (json_may_array(&reader, "devices", &devices)) {
        read_devices(&reader, devices, order);
    }
    json_need_array(&reader, "slots", &names);
    order->since = -1;
    (void)json_may_int(&reader, "since", 0, (INT64_C(1) << ACCOUNT_PATH_EPOCH_BITS) - 1,
                       &order->since);
    if (reader.kind == JSON_FINE) {
        good = read_slots(exchange, slots, names, order);
    }
    if (!json_reader_end(&reader) && good) {
        problem_of_reader(exchange, &reader);
        return false;
    }
    return good;
}

void keys_api_claim(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    const struct api_caller *caller = api_caller(exchange);
    struct keys_claim_order order = { .claimant = caller->account_id,
                                      .claimant_pub = caller->device_pub };
    struct claiming *claiming = NULL;

    if (!read_order(exchange, api->domain->slots, &order)) {
        return;
    }
    claiming = mem_zeroed(1, sizeof *claiming);
    claiming->exchange = exchange;
    claiming->account_id = order.account_id;
    keys_claim(api->domain, &order, api->now_ms(), on_claimed, claiming);
}
