/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's steps with what is drawn at random and identities as they are given: what the
 * vectors of the RFC want to set.  client->blind is in place before the first half.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/opaque_client.h"
#include "common/opaque_private.h"

/* What a login draws at random besides the blind. */
struct opaque_client_chance {
    uint8_t nonce[OPAQUE_NONCE_BYTES];
    uint8_t keyshare_seed[OPAQUE_SEED_BYTES];
};

/* What the second halves depend on. */
struct opaque_client_step {
    const struct opaque_client *client;
    struct opaque_stretch stretch;
    struct opaque_names names;
};

bool opaque_client_register_exactly(struct opaque_client *client, struct bytes password,
                                    uint8_t out_request[OPAQUE_REQUEST_BYTES]);
bool opaque_client_enrol_exactly(const struct opaque_client_step *step,
                                 const uint8_t response[OPAQUE_RESPONSE_BYTES],
                                 const uint8_t nonce[OPAQUE_NONCE_BYTES],
                                 uint8_t out_record[OPAQUE_RECORD_BYTES],
                                 struct opaque_client_keys *out_keys);
bool opaque_client_begin_exactly(struct opaque_client *client, struct bytes password,
                                 const struct opaque_client_chance *chance,
                                 uint8_t out_ke1[OPAQUE_KE1_BYTES]);
bool opaque_client_finish_exactly(const struct opaque_client_step *step,
                                  const uint8_t ke2[OPAQUE_KE2_BYTES],
                                  uint8_t out_ke3[OPAQUE_KE3_BYTES],
                                  struct opaque_client_keys *out_keys);
