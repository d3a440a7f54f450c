/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of OPAQUE that remembers its key and so needs no password: the key exchange
 * (RFC 9807 section 6.4) from its side.  Real passwords are in tests/e2e.
 */
#pragma once

#include <stdint.h>

#include "common/opaque.h"

struct opaque_client {
    uint8_t secret[32];
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t server_public[32];
    uint8_t share_secret[32];
    uint8_t ke1[OPAQUE_KE1_BYTES];
};

/* Make a key from seed, and a record for what a registration was answered. */
void opaque_client_init(struct opaque_client *client, uint8_t seed,
                        const uint8_t response[OPAQUE_RESPONSE_BYTES]);

/* Begin a login from seed: KE1 is in client. */
void opaque_client_begin(struct opaque_client *client, uint8_t seed);

/* KE3 for KE2. */
void opaque_client_finish(const struct opaque_client *client, const uint8_t ke2[OPAQUE_KE2_BYTES],
                          uint8_t out_ke3[OPAQUE_KE3_BYTES]);
