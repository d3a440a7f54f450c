/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers are distinct types, so the compiler refuses one in place of another. */
#pragma once

#include <stdint.h>

enum {
    ACCOUNT_ID_BYTES = 32,
    DEVICE_PUB_BYTES = 32,
    ENVELOPE_ID_BYTES = 16,
    MANIFEST_HASH_BYTES = 32,
    INVITE_BYTES = 16,
    SESSION_TOKEN_BYTES = 32,
    TXN_ID_BYTES = 16,
    GRANT_BYTES = 32,
    FACTOR_ID_BYTES = 16,
    LINK_ID_BYTES = 16,
};

/* SHA-256 over the first manifest's body, see common/manifest.h. */
struct account_id {
    uint8_t raw[ACCOUNT_ID_BYTES];
};

/* An Ed25519 public key: the address of a mailbox. */
struct device_pub {
    uint8_t raw[DEVICE_PUB_BYTES];
};

/* The sender's own name for an envelope. */
struct envelope_id {
    uint8_t raw[ENVELOPE_ID_BYTES];
};

/* SHA-256 over a manifest's body, see common/manifest.h. */
struct manifest_hash {
    uint8_t raw[MANIFEST_HASH_BYTES];
};

/* A transaction, and a challenge of one: both random, see server/domain/txns.h. */
struct txn_id {
    uint8_t raw[TXN_ID_BYTES];
};
struct txn_challenge_id {
    uint8_t raw[TXN_ID_BYTES];
};

/* A second factor of an account. */
struct factor_id {
    uint8_t raw[FACTOR_ID_BYTES];
};

/* A link: somebody wants to add a device, see server/domain/links.h. */
struct link_id {
    uint8_t raw[LINK_ID_BYTES];
};
