/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authenticator with a key of Ed25519 and the browser before it, for relay.example.
 * Others, and other keys, are in tests/e2e.
 */
#pragma once

#include <stdint.h>

#include "common/buf.h"
#include "common/crypto.h"
#include "common/webauthn.h"

enum {
    AUTHENTICATOR_ID_BYTES = 20
};

struct authenticator {
    uint8_t seed[CRYPTO_SEED_BYTES];
    uint8_t id[AUTHENTICATOR_ID_BYTES];
    uint32_t counter;
    struct buf client_data, auth_data; /* of what was made last */
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
};

/* Number makes its key and its id. */
void authenticator_init(struct authenticator *authenticator, uint8_t number);
void authenticator_clear(struct authenticator *authenticator);

/* Make a registration, or an assertion, for a challenge. */
void authenticator_create(struct authenticator *authenticator,
                          const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES]);
void authenticator_get(struct authenticator *authenticator,
                       const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES]);
