/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to and comes from a browser, in the JSON of WebAuthn, Level 3 (section 5.1): so
 * that PublicKeyCredential.parseCreationOptionsFromJSON, parseRequestOptionsFromJSON and
 * toJSON need nothing between.  Loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/buf.h"
#include "common/json.h"

struct api;
struct authenticators_creation;
struct txns_options;

/* PublicKeyCredentialCreationOptionsJSON and PublicKeyCredentialRequestOptionsJSON. */
json_t *webauthn_json_creation(const struct api *api,
                               const struct authenticators_creation *creation);
json_t *webauthn_json_request(const struct api *api, const struct txns_options *options);

/* What is read of a credential; zero it first, and clear it. */
struct webauthn_json {
    struct buf id;
    struct buf client_data;
    struct buf auth_data;
    struct buf signature; /* assertion alone */
    struct buf user;      /* assertion alone; empty: it did not say */
};

/*
 * Read the member "credential", if it is there: a RegistrationResponseJSON or an
 * AuthenticationResponseJSON.  Members that are not asked for are passed, for browsers add to
 * them.  False: it is not there.
 */
bool webauthn_json_read_registration(struct json_reader *reader, struct webauthn_json *out);
bool webauthn_json_read_assertion(struct json_reader *reader, struct webauthn_json *out);

/* View what was read as a reply to a challenge. */
struct factor_reply webauthn_json_reply(const struct webauthn_json *read);

void webauthn_json_clear(struct webauthn_json *read);
