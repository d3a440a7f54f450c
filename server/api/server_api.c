/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/server: what a client may rely on before it has an account. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "common/json.h"
#include "common/limits.h"
#include "server/api/api.h"
#include "server/api/people_api.h"
#include "server/domain/domain.h"
#include "server/domain/limits.h"
#include "server/domain/slots.h"
#include "server/http/exchange.h"
#include "server/http/route.h"

enum {
    DAY_S = 86400
};

struct limit {
    const char *name; /* with its unit */
    int64_t value;
};

static const struct limit limits[] = {
    { "head_bytes", LIMIT_HEAD_BYTES },
    { "head_fields", LIMIT_HEAD_FIELDS },
    { "target_bytes", LIMIT_TARGET_BYTES },
    { "body_bytes", LIMIT_BODY_SMALL_BYTES },
    { "manifest_body_bytes", LIMIT_BODY_MANIFEST_BYTES },
    { "send_body_bytes", LIMIT_BODY_SEND_BYTES },
    { "json_depth", LIMIT_JSON_DEPTH },
    { "manifest_bytes", LIMIT_MANIFEST_BYTES },
    { "manifest_devices", LIMIT_MANIFEST_DEVICES },
    { "device_keys", LIMIT_DEVICE_KEYS },
    { "private_key_bytes", LIMIT_PRIVATE_KEY_BYTES },
    { "device_id", LIMIT_DEVICE_ID },
    { "manifests_page", LIMIT_MANIFESTS_PAGE },
    { "envelope_bytes", LIMIT_ENVELOPE_BYTES },
    { "recipients", LIMIT_SEND_RECIPIENTS },
    { "send_wire_bytes", LIMIT_SEND_WIRE_BYTES },
    { "send_stored_bytes", LIMIT_SEND_STORED_BYTES },
    { "ttl_min", LIMIT_TTL_MIN_S },
    { "ttl_max", LIMIT_TTL_MAX_S },
    { "guard_min_bytes", LIMIT_GUARD_MIN_BYTES },
    { "dedup_ms", LIMIT_DEDUP_MS },
    { "pull_items", LIMIT_PULL_ITEMS },
    { "pull_items_default", LIMIT_PULL_ITEMS_DEFAULT },
    { "pull_bytes", LIMIT_PULL_BYTES },
    { "ack_seqs", LIMIT_ACK_SEQS },
    { "message_bytes", LIMIT_STREAM_MESSAGE_BYTES },
    { "window_envelopes", LIMIT_STREAM_WINDOW_ITEMS },
    { "window_bytes", LIMIT_STREAM_WINDOW_BYTES },
    { "requests", LIMIT_STREAM_REQUESTS },
    { "ping_s", LIMIT_STREAM_PING_S },
    { "challenge_s", LIMIT_CHALLENGE_S },
    { "session_s", LIMIT_SESSION_S },
    { "session_warn_s", LIMIT_SESSION_WARN_S },
    { "command_ahead_ms", LIMIT_COMMAND_AHEAD_MS },
    { "keys_body_bytes", LIMIT_BODY_KEYS_BYTES },
    { "keys_per_call", LIMIT_KEYS_PER_CALL },
    { "keys_stored", LIMIT_KEYS_STORED },
    { "keys_low", LIMIT_KEYS_LOW },
    { "key_bytes", LIMIT_KEY_OBJECT_BYTES },
    { "handle_bytes_min", HANDLE_MIN_BYTES },
    { "handle_bytes", HANDLE_MAX_BYTES },
    { "group_id_bytes", LIMIT_GROUP_ID_BYTES },
    { "welcome_members", LIMIT_WELCOME_MEMBERS },
    { "txn_s", LIMIT_TXN_S },
    { "txn_challenges", LIMIT_TXN_CHALLENGES },
    { "challenge_guesses", LIMIT_CHALLENGE_GUESSES },
    { "guesses_day", LIMIT_GUESSES_DAY },
    { "guesses_month", LIMIT_GUESSES_MONTH },
    { "codes_hour", LIMIT_CODES_HOUR },
    { "grant_s", LIMIT_GRANT_S },
    { "passwords", LIMIT_PASSWORDS },
    { "passwords_s", LIMIT_PASSWORDS_S },
    { "password_s", LIMIT_PASSWORD_S },
    { "webauthn_hour", LIMIT_WEBAUTHN_HOUR },
    { "webauthn_s", LIMIT_WEBAUTHN_S },
    { "factors", LIMIT_FACTORS },
    { "factor_label_bytes", LIMIT_FACTOR_LABEL_BYTES },
};

/* In the order of enum limits_class. */
static const char *const rate_names[LIMITS_CLASSES] = {
    "rate_device",     "rate_account",      "rate_address",    "rate_pair",
    "rate_inbound",    "rate_failures",     "rate_challenges", "rate_registrations",
    "rate_claim_pair", "rate_claim_target", "rate_lookups",    "rate_handles",
    "rate_groups",
};

static const char *const features[] = {
    "accounts",    "manifests",        "sessions",         "commands",
    "envelopes",   "mailbox",          "stream",           "report",
    "keys",        "handles",          "mls.groups",       "mls.welcomes",
    "txns",        "factors.code",     "factors.totp",     "factors.recovery_code",
    "account.log", "factors.password", "factors.webauthn",
};

static const char *registration_text(enum domain_registration registration)
{
    switch (registration) {
    case DOMAIN_CLOSED:
        return "closed";
    case DOMAIN_INVITE:
        return "invite";
    case DOMAIN_OPEN:
        return "open";
    }
    return "";
}

static const char *buckets_text(enum domain_buckets buckets)
{
    switch (buckets) {
    case DOMAIN_BUCKETS_OFF:
        return "off";
    case DOMAIN_BUCKETS_ADVISE:
        return "advise";
    case DOMAIN_BUCKETS_ENFORCE:
        return "enforce";
    }
    return "";
}

static json_t *limits_json(const struct domain *domain)
{
    const struct domain_settings *settings = &domain->settings;
    json_t *object = json_object();

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        (void)json_object_set_new(object, limits[i].name, json_integer(limits[i].value));
    }
    (void)json_object_set_new(object, "mailbox_envelopes",
                              json_integer(settings->mailbox_max_envelopes));
    (void)json_object_set_new(object, "mailbox_bytes", json_integer(settings->mailbox_max_bytes));
    (void)json_object_set_new(
        object, "mailbox_overflow",
        json_string(settings->overflow == DOMAIN_REJECT ? "reject" : "drop_oldest"));
    (void)json_object_set_new(object, "size_buckets",
                              json_string(buckets_text(settings->size_buckets)));
    (void)json_object_set_new(object, "handles_per_account",
                              json_integer(settings->handles_per_account));
    (void)json_object_set_new(object, "hold_s", json_integer(settings->hold_s));
    for (int i = 0; i < LIMITS_CLASSES; i++) {
        (void)json_object_set_new(object, rate_names[i],
                                  json_integer(limits_count(domain->limits, (enum limits_class)i)));
    }
    (void)json_object_set_new(object, "plaintext_guard", json_boolean(settings->plaintext_guard));
    return object;
}

/* How long each kind of thing is kept; 0: for as long as nobody ends it. */
static json_t *retention_json(const struct domain_settings *settings)
{
    return json_pack(
        "{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:I, "
        "s:I}",
        "envelope_s", (json_int_t)LIMIT_TTL_MAX_S, "acknowledged", "deleted before the answer",
        "session_s", (json_int_t)LIMIT_SESSION_S, "challenge_s", (json_int_t)LIMIT_CHALLENGE_S,
        "idle_device_warn_days", (json_int_t)settings->idle_device_warn_days,
        "idle_device_close_days", (json_int_t)settings->idle_device_close_days, "idle_account_days",
        (json_int_t)settings->idle_account_days, "erased_accounts", "keyed hash, kept",
        "removed_devices", "keyed hash, kept", "claimed_keys", "deleted before the answer",
        "claimed_key_hashes_days", (json_int_t)LIMIT_SPENT_KEYS_DAYS, "keypackage_days",
        (json_int_t)LIMIT_KEYPACKAGE_DAYS, "handle_kept_days",
        (json_int_t)settings->handle_kept_days, "released_handles", "keyed hash, kept",
        "mls_group_days", (json_int_t)settings->mls_group_days, "mls_reference_days",
        (json_int_t)LIMIT_REFERENCE_DAYS, "guess_days", (json_int_t)(LIMIT_GUESS_MONTH_S / DAY_S),
        "account_log_days", (json_int_t)LIMIT_ACCOUNT_LOG_DAYS);
}

static json_t *features_json(const struct domain *domain)
{
    json_t *array = json_array();

    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        (void)json_array_append_new(array, json_string(features[i]));
    }
    if (domain->settings.hold_s > 0) {
        (void)json_array_append_new(array, json_string("holds"));
    }
    return array;
}

static json_t *key_slots_json(const struct slots *slots)
{
    json_t *array = json_array();

    for (size_t i = 0; i < slots_count(slots); i++) {
        (void)json_array_append_new(array, json_string(slots_at(slots, i)->name));
    }
    return array;
}

static json_t *server_json(const struct api *api)
{
    const struct domain *domain = api->domain;

    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:o, s:o, s:o}", "name", api->name, "version",
                     SEALPOST_VERSION, "base_url", domain->base_url, "generation",
                     (json_int_t)domain->generation, "registration",
                     registration_text(domain->settings.registration), "features",
                     features_json(domain), "key_slots", key_slots_json(domain->slots), "limits",
                     limits_json(domain), "retention", retention_json(&domain->settings));
}

/* The ETag of a body, quoted and NUL-terminated. */
static void append_etag(struct bytes body, struct buf *out)
{
    uint8_t tag[CRYPTO_TAG_BYTES];

    crypto_tag(&body, 1, tag);
    buf_append_u8(out, '"');
    base64url_encode(bytes_of(tag, sizeof tag), out);
    buf_append_text(out, "\"");
    buf_append_u8(out, '\0');
}

/* Say whether If-None-Match names the ETag (RFC 9110 section 13.1.2: weak comparison). */
static bool is_known(const struct exchange *exchange, const struct buf *etag)
{
    struct bytes known = exchange_header(exchange, "if-none-match");

    if (known.size == 1 && known.at[0] == '*') {
        return true;
    }
    /* The quotes around the tag make it whole wherever it is found. */
    return known.size > 0 && memmem(known.at, known.size, etag->at, etag->size - 1) != NULL;
}

void server_api_get(void *arg, struct exchange *exchange)
{
    struct buf body = { 0 };
    struct buf etag = { 0 };

    json_append_steal(&body, server_json(arg));
    append_etag(buf_view(&body), &etag);
    exchange_add_header(exchange, "ETag", (const char *)etag.at);
    exchange_add_header(exchange, "Cache-Control", "no-cache");
    if (is_known(exchange, &etag)) {
        exchange_reply_empty(exchange, 304);
    } else {
        exchange_reply(exchange, 200, "application/json", buf_view(&body));
    }
    buf_clear(&body);
    buf_clear(&etag);
}
