/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/mail_json.h"

#include <inttypes.h>
#include <stdbool.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/domain/account_log.h"
#include "server/domain/codes.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/gaps.h"

enum {
    DAY_S = 86400
};

static void append_gap_members(struct buf *out, const struct gap *gap)
{
    buf_append_format(
        out, "\"from\":%" PRId64 ",\"to\":%" PRId64 ",\"count\":%" PRId64 ",\"reason\":\"%s\"",
        gap->from, gap->to, gap->count, gaps_reason_text(gap->reason));
}

void mail_json_item(struct buf *out, const struct mail_item *item)
{
    buf_append_format(out, "{\"seq\":%" PRId64, item->seq);
    if (item->is_gap) {
        buf_append_text(out, ",\"gap\":{");
        append_gap_members(out, &item->gap);
        buf_append_text(out, "}}");
        return;
    }
    buf_append_text(out, ",\"id\":\"");
    base64url_encode(bytes_of(item->id.raw, sizeof item->id.raw), out);
    buf_append_format(out, "\",\"minute\":%" PRId64 ",\"urgent\":%s,\"redelivered\":%s,\"body\":\"",
                      item->minute, item->urgent ? "true" : "false",
                      item->redelivered ? "true" : "false");
    base64url_encode(item->body, out);
    buf_append_text(out, "\"}");
}

void mail_json_gap_event(struct buf *out, const struct mail_item *item)
{
    buf_append_format(out, "{\"event\":\"gap\",\"seq\":%" PRId64 ",", item->seq);
    append_gap_members(out, &item->gap);
    buf_append_u8(out, '}');
}

static void append_manifest(struct buf *out, const char *name, const struct hub_event *event)
{
    buf_append_format(out, "{\"event\":\"%s\",\"epoch\":%" PRIu64 ",\"hash\":\"", name,
                      event->epoch);
    base64url_encode(bytes_of(event->hash.raw, sizeof event->hash.raw), out);
    buf_append_text(out, "\"");
}

static void append_hold(struct buf *out, const struct hub_event *event, bool begun)
{
    buf_append_format(out, ",\"device_id\":%" PRIu32, event->device_id);
    if (begun) {
        buf_append_format(out, ",\"held_until\":%" PRId64, event->held_until);
    }
    buf_append_text(out, "}");
}

static void append_code_event(struct buf *out, const struct shown_code *code)
{
    buf_append_text(out, "{\"event\":\"challenge.code\",\"challenge_id\":\"");
    base64url_encode(bytes_of(code->challenge_id.raw, sizeof code->challenge_id.raw), out);
    buf_append_format(out, "\",\"purpose\":\"%s\",\"code\":\"%s\",\"expires_at\":%" PRId64 "}",
                      txn_purpose_text(code->purpose), code->code.digits, code->expires_at);
}

static void append_factor_event(struct buf *out, const struct hub_event *event)
{
    buf_append_format(out, "{\"event\":\"factor.changed\",\"change\":\"%s\",\"factor_kind\":\"%s\"",
                      account_log_event_text(event->factor_event),
                      factor_kind_text(event->factor_kind));
    if (event->device_id != 0) {
        buf_append_format(out, ",\"device_id\":%" PRIu32, event->device_id);
    }
    if (account_log_is_operators(event->factor_event, event->device_id)) {
        buf_append_text(out, ",\"by\":\"operator\"");
    }
    if (event->purpose != 0) {
        buf_append_format(out, ",\"purpose\":\"%s\"", txn_purpose_text(event->purpose));
    }
    buf_append_u8(out, '}');
}

static void append_recovery_id(struct buf *out, const char *name, const struct hub_event *event)
{
    buf_append_format(out, "{\"event\":\"%s\",\"recovery_id\":\"", name);
    base64url_encode(bytes_of(event->recovery_id.raw, sizeof event->recovery_id.raw), out);
    buf_append_u8(out, '"');
}

static void append_contact(struct buf *out, const char *change, const struct hub_event *event)
{
    buf_append_format(
        out, "{\"event\":\"recovery.contact\",\"change\":\"%s\",\"device_id\":%" PRIu32 "}", change,
        event->device_id);
}

static void append_recovery_event(struct buf *out, const struct hub_event *event)
{
    switch (event->recovery_event) {
    case ACCOUNT_LOG_RECOVERY_REQUESTED:
        append_recovery_id(out, "recovery.requested", event);
        buf_append_format(out, ",\"wait_until\":%" PRId64 ",\"expires_at\":%" PRId64 "}",
                          event->held_until, event->expires_at);
        return;
    case ACCOUNT_LOG_RECOVERY_CANCELLED:
        append_recovery_id(out, "recovery.cancelled", event);
        if (event->device_id != 0) {
            buf_append_format(out, ",\"device_id\":%" PRIu32, event->device_id);
        }
        buf_append_u8(out, '}');
        return;
    case ACCOUNT_LOG_RECOVERY_RELEASED:
        append_recovery_id(out, "recovery.released", event);
        buf_append_u8(out, '}');
        return;
    case ACCOUNT_LOG_RECOVERY_DONE:
        buf_append_text(out, "{\"event\":\"recovery.done\"}");
        return;
    case ACCOUNT_LOG_CONTACT_PUT:
        append_contact(out, "put", event);
        return;
    case ACCOUNT_LOG_CONTACT_REMOVED:
        append_contact(out, "removed", event);
        return;
    default: /* of a factor, or of a link */
        break;
    }
    CHECK_UNREACHABLE();
}

/* The events are named as the entries of the log are: link.requested, link_requested. */
static void append_link_event(struct buf *out, const struct hub_link *link)
{
    const char *name = "link.requested";

    switch (link->event) {
    case ACCOUNT_LOG_LINK_APPROVED:
        name = "link.approved";
        break;
    case ACCOUNT_LOG_LINK_DENIED:
        name = "link.denied";
        break;
    case ACCOUNT_LOG_LINK_EXPIRED:
        name = "link.expired";
        break;
    default: /* it is requested */
        break;
    }
    buf_append_format(out, "{\"event\":\"%s\",\"link_id\":\"", name);
    base64url_encode(bytes_of(link->link_id.raw, sizeof link->link_id.raw), out);
    buf_append_text(out, "\"");
    if (link->device_id != 0) {
        buf_append_format(out, ",\"device_id\":%" PRIu32, link->device_id);
    }
    if (link->name.size > 0) {
        buf_append_text(out, ",\"name\":");
        json_append_quoted(out, link->name);
    }
    if (link->expires_at != 0) {
        buf_append_format(out, ",\"expires_at\":%" PRId64, link->expires_at);
    }
    buf_append_u8(out, '}');
}

void mail_json_event(struct buf *out, const struct hub_event *event)
{
    switch (event->kind) {
    case HUB_EVENT_MANIFEST_CHANGED:
        append_manifest(out, "manifest.changed", event);
        buf_append_text(out, "}");
        return;
    case HUB_EVENT_MANIFEST_HELD:
        append_manifest(out, "manifest.held", event);
        append_hold(out, event, true);
        return;
    case HUB_EVENT_MANIFEST_DROPPED:
        append_manifest(out, "manifest.dropped", event);
        append_hold(out, event, false);
        return;
    case HUB_EVENT_ERASURE_HELD:
        buf_append_text(out, "{\"event\":\"erasure.held\"");
        append_hold(out, event, true);
        return;
    case HUB_EVENT_ERASURE_DROPPED:
        buf_append_text(out, "{\"event\":\"erasure.dropped\"");
        append_hold(out, event, false);
        return;
    case HUB_EVENT_DEVICE_IDLE:
        buf_append_format(
            out, "{\"event\":\"device.idle\",\"device_id\":%" PRIu32 ",\"days\":%" PRId64 "}",
            event->device_id, event->days);
        return;
    case HUB_EVENT_KEYS_LOW:
        buf_append_format(out, "{\"event\":\"keys.low\",\"slot\":\"%s\",\"count\":%" PRId64 "}",
                          event->slot, event->count);
        return;
    case HUB_EVENT_LAST_RESORT_USED:
        buf_append_format(
            out,
            "{\"event\":\"keys.last_resort_used\",\"slot\":\"%s\",\"first_use\":%" PRId64
            ",\"count\":%" PRId64 "}",
            event->slot, event->first_use_day * DAY_S, event->count);
        return;
    case HUB_EVENT_CODE:
        append_code_event(out, event->code);
        return;
    case HUB_EVENT_FACTOR:
        append_factor_event(out, event);
        return;
    case HUB_EVENT_RECOVERY:
        append_recovery_event(out, event);
        return;
    case HUB_EVENT_LINK:
        append_link_event(out, event->link);
        return;
    }
}
