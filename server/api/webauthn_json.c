/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/webauthn_json.h"

#include <stddef.h>

#include "common/bytes.h"
#include "common/limits.h"
#include "common/webauthn.h"
#include "server/api/api.h"
#include "server/domain/authenticators.h"
#include "server/domain/domain.h"
#include "server/domain/factor_reply.h"
#include "server/domain/txns.h"

enum {
    TIMEOUT_MS = LIMIT_WEBAUTHN_S * 1000
};

static const char *verification_text(const struct domain *domain)
{
    switch (domain->verification) {
    case DOMAIN_VERIFICATION_DISCOURAGED:
        return "discouraged";
    case DOMAIN_VERIFICATION_PREFERRED:
        return "preferred";
    case DOMAIN_VERIFICATION_REQUIRED:
        return "required";
    }
    return "";
}

static json_t *ids_json(const struct authenticators_ids *ids)
{
    json_t *array = json_array();

    for (size_t i = 0; i < ids->count; i++) {
        const struct bytes id = bytes_of(ids->at[i].raw, ids->at[i].size);

        (void)json_array_append_new(
            array, json_pack("{s:s, s:o}", "type", "public-key", "id", json_base64url(id)));
    }
    return array;
}

static json_t *algs_json(void)
{
    static const enum webauthn_alg algs[] = { WEBAUTHN_ES256, WEBAUTHN_EDDSA, WEBAUTHN_RS256 };
    json_t *array = json_array();

    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        (void)json_array_append_new(
            array, json_pack("{s:s, s:i}", "type", "public-key", "alg", (int)algs[i]));
    }
    return array;
}

/* The relay knows no names: clients put their own into user before a person sees them. */
json_t *webauthn_json_creation(const struct api *api,
                               const struct authenticators_creation *creation)
{
    const struct domain *domain = api->domain;
    json_t *rp = json_pack("{s:s, s:s}", "id", domain->party->rp_id, "name", api->name);
    json_t *user = json_pack("{s:o, s:s, s:s}", "id",
                             json_base64url(bytes_of(creation->user, sizeof creation->user)),
                             "name", api->name, "displayName", api->name);
    json_t *selection =
        json_pack("{s:s, s:b, s:s}", "residentKey", "discouraged", "requireResidentKey", 0,
                  "userVerification", verification_text(domain));

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:s}", "rp", rp, "user", user, "challenge",
        json_base64url(bytes_of(creation->challenge, sizeof creation->challenge)),
        "pubKeyCredParams", algs_json(), "timeout", TIMEOUT_MS, "excludeCredentials",
        ids_json(&creation->excluded), "authenticatorSelection", selection, "attestation", "none");
}

json_t *webauthn_json_request(const struct api *api, const struct txns_options *options)
{
    const struct bytes challenge = bytes_of(options->challenge, WEBAUTHN_CHALLENGE_BYTES);

    return json_pack("{s:o, s:i, s:s, s:o, s:s}", "challenge", json_base64url(challenge), "timeout",
                     TIMEOUT_MS, "rpId", api->domain->party->rp_id, "allowCredentials",
                     ids_json(options->allowed), "userVerification",
                     verification_text(api->domain));
}

/* A fault inside is one of the whole, under its own name. */
static void pass_fault(struct json_reader *reader, const struct json_reader *inner)
{
    if (inner->kind != JSON_FINE) {
        json_reader_fail(reader, inner->kind, inner->fault);
    }
}

/* Begin on the member "response" of the member "credential"; false: there is no credential. */
static bool begin_response(struct json_reader *reader, struct webauthn_json *out,
                           struct json_reader *response)
{
    struct json_reader credential;
    json_t *object = NULL;
    json_t *inside = NULL;

    if (!json_may_object(reader, "credential", &object)) {
        return false;
    }
    (void)json_reader_begin_value(&credential, object);
    json_need_bytes(&credential, "id", &out->id);
    json_need_object(&credential, "response", &inside);
    pass_fault(reader, &credential);
    if (credential.kind != JSON_FINE) {
        return false;
    }
    (void)json_reader_begin_value(response, inside);
    return true;
}

bool webauthn_json_read_registration(struct json_reader *reader, struct webauthn_json *out)
{
    struct json_reader response;

    if (!begin_response(reader, out, &response)) {
        return false;
    }
    json_need_bytes(&response, "clientDataJSON", &out->client_data);
    json_need_bytes(&response, "authenticatorData", &out->auth_data);
    pass_fault(reader, &response);
    return true;
}

bool webauthn_json_read_assertion(struct json_reader *reader, struct webauthn_json *out)
{
    struct json_reader response;

    if (!begin_response(reader, out, &response)) {
        return false;
    }
    json_need_bytes(&response, "clientDataJSON", &out->client_data);
    json_need_bytes(&response, "authenticatorData", &out->auth_data);
    json_need_bytes(&response, "signature", &out->signature);
    if (!json_is_null(json_object_get(response.object, "userHandle"))) {
        (void)json_may_bytes(&response, "userHandle", &out->user);
    }
    pass_fault(reader, &response);
    return true;
}

struct factor_reply webauthn_json_reply(const struct webauthn_json *read)
{
    return (struct factor_reply){
        .id = buf_view(&read->id),
        .assertion = { .client_data = buf_view(&read->client_data),
                       .auth_data = buf_view(&read->auth_data),
                       .signature = buf_view(&read->signature) },
        .user = buf_view(&read->user),
    };
}

void webauthn_json_clear(struct webauthn_json *read)
{
    buf_clear(&read->id);
    buf_clear(&read->client_data);
    buf_clear(&read->auth_data);
    buf_clear(&read->signature);
    buf_clear(&read->user);
}
