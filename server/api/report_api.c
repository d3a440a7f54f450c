/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/report_api.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/manifest.h"
#include "server/api/api.h"
#include "server/api/factors_json.h"
#include "server/api/holds_json.h"
#include "server/api/people_api.h"
#include "server/api/problem.h"
#include "server/api/recovery_json.h"
#include "server/api/reply.h"
#include "server/domain/report.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    DAY_S = 86400
};

/* The Unix second at which a Unix day begins. */
static json_int_t second_of(int64_t day)
{
    return day * DAY_S;
}

static json_t *sessions_json(const struct report *report, const struct report_device *device)
{
    json_t *sessions = json_array();

    for (size_t i = 0; i < device->session_count; i++) {
        json_int_t expires_at = report->session_expiries[device->session_first + i];

        (void)json_array_append_new(sessions, json_pack("{s:I}", "expires_at", expires_at));
    }
    return sessions;
}

static const char *idle_text(int64_t idle_state)
{
    if (idle_state == 0) {
        return "live";
    }
    return idle_state == 1 ? "told" : "closed";
}

static json_t *keys_json(const struct report_device *device)
{
    json_t *slots = json_object();

    for (size_t i = 0; i < device->pool_count; i++) {
        (void)json_object_set_new(slots, device->pools[i].slot,
                                  json_integer(device->pools[i].count));
    }
    json_t *keys =
        json_pack("{s:o, s:I}", "slots", slots, "spent", (json_int_t)device->spent_count);
    if (device->has_registration) {
        (void)json_object_set_new(keys, "registration_id", json_integer(device->registration_id));
    }
    return keys;
}

static json_t *device_json(const struct report *report, const struct report_device *device)
{
    json_t *mailbox =
        json_pack("{s:I, s:I, s:I, s:b}", "envelopes", (json_int_t)device->envelope_count, "bytes",
                  (json_int_t)device->envelope_bytes, "gaps", (json_int_t)device->gap_count,
                  "closed", device->idle_state == 2);

    return json_pack(
        "{s:I, s:o, s:I, s:b, s:b, s:I, s:I, s:s, s:o, s:o, s:o}", "device_id",
        (json_int_t)device->device_id, "device_pub",
        json_base64url(bytes_of(device->device_pub.raw, sizeof device->device_pub.raw)),
        "added_epoch", (json_int_t)device->added_epoch, "admin",
        (device->flags & MANIFEST_DEVICE_ADMIN) != 0, "dehydrated",
        (device->flags & MANIFEST_DEVICE_DEHYDRATED) != 0, "seen_day", second_of(device->seen_day),
        "last_command_seq", (json_int_t)device->command_seq, "idle", idle_text(device->idle_state),
        "sessions", sessions_json(report, device), "mailbox", mailbox, "keys", keys_json(device));
}

static json_t *handles_json(const struct report *report)
{
    json_t *handles = json_array();

    for (size_t i = 0; i < report->handle_count; i++) {
        const struct report_handle *handle = &report->handles[i];
        const char *text = handle->handle.text[0] == '\0' ? NULL : handle->handle.text;

        (void)json_array_append_new(
            handles, json_pack("{s:s?, s:I}", "handle", text, "seq", (json_int_t)handle->seq));
    }
    return handles;
}

json_t *report_api_json(const struct report *report)
{
    json_t *devices = json_array();
    json_t *object = NULL;

    for (size_t i = 0; i < report->device_count; i++) {
        (void)json_array_append_new(devices, device_json(report, &report->devices[i]));
    }
    object = json_pack(
        "{s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:o}",
        "account_id",
        json_base64url(bytes_of(report->account_id.raw, sizeof report->account_id.raw)), "epoch",
        (json_int_t)report->epoch, "hash",
        json_base64url(bytes_of(report->hash.raw, sizeof report->hash.raw)), "created_day",
        second_of(report->created_day), "seen_day", second_of(report->seen_day), "manifests",
        (json_int_t)report->manifest_count, "left_device_hashes", (json_int_t)report->left_count,
        "handles", handles_json(report), "held", holds_json(report->holds, report->hold_count),
        "factors", factors_json(report->factors, report->factor_count), "txns",
        (json_int_t)report->txn_count, "challenges", (json_int_t)report->challenge_count,
        "wrong_guesses", (json_int_t)report->guess_count, "grants", (json_int_t)report->grant_count,
        "log_entries", (json_int_t)report->log_count, "links", (json_int_t)report->link_count,
        "link_prompts", (json_int_t)report->prompt_count, "devices", devices);
    (void)json_object_set_new(object, "recoveries",
                              recoveries_json(report->recoveries, report->recovery_count));
    (void)json_object_set_new(object, "recovery_contacts",
                              recovery_contacts_json(report->contacts, report->contact_count));
    return object;
}

static void on_made(void *arg, bool ok, const struct report *report)
{
    struct exchange *exchange = arg;

    if (!ok) {
        problem_of_store(exchange, false);
    } else if (report == NULL) { /* the account went while the question was on its way */
        exchange_reply_problem(exchange, PROBLEM_session_invalid, 0, "");
    } else {
        reply_json_steal(exchange, 200, report_api_json(report));
    }
}

void report_api_get(void *arg, struct exchange *exchange)
{
    struct api *api = arg;

    report_make(api->domain, &api_caller(exchange)->account_id, on_made, exchange);
}
