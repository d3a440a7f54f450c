/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery contacts: the seed of the recovery key in two shares, each of which is random alone.
 * The relay has A, 32 random bytes, for each of five slots; a person whom the owner trusts has
 *
 *   share = account_id[32] | slot u8 | packet[60]
 *   packet = nonce[12] | AES-256-GCM(A, nonce, seed[32], aad) (+16)
 *   aad    = "sealpost/recovery-packet/1\0" || account_id[32] || slot u8
 *
 * Who recovers makes an X25519 key for the occasion and is sent the share in a sealed box to it
 * (libsodium crypto_box_seal), once both people have compared six digits (common/sas.h) of
 *
 *   eN = SHA-256("sealpost/recovery-entry/1\0" || recovery_id[16] || that key[32])
 *
 * with zeros for account_id and old device_pub: neither side need know the other's.  Pure; any
 * thread, after crypto_start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/link_entry.h"
#include "common/sas.h"

enum {
    RECOVERY_A_BYTES = 32,
    RECOVERY_PACKET_BYTES = 60,
    RECOVERY_SHARE_BYTES = ACCOUNT_ID_BYTES + 1 + RECOVERY_PACKET_BYTES,
    RECOVERY_PUBLIC_BYTES = 32, /* X25519 */
};

/* What a contact keeps. */
struct recovery_share {
    struct account_id account_id;
    uint8_t slot;
    uint8_t packet[RECOVERY_PACKET_BYTES];
};

/* Make the contact's share of seed, whose other share is a; account_id and slot are set. */
void recovery_share_make(struct recovery_share *share, const uint8_t a[RECOVERY_A_BYTES],
                         const uint8_t seed[CRYPTO_SEED_BYTES]);

/* Open a share with a; false when they do not belong together. */
bool recovery_share_open(const struct recovery_share *share, const uint8_t a[RECOVERY_A_BYTES],
                         uint8_t out_seed[CRYPTO_SEED_BYTES]);

/* Append a share's bytes; read them, false when they are none. */
void recovery_share_append(const struct recovery_share *share, struct buf *out);
bool recovery_share_read(struct bytes bytes, struct recovery_share *out);

/* What a requester commits to, and the digits for both sides to compare. */
void recovery_share_entry(const struct recovery_id *recovery_id,
                          const uint8_t public_key[RECOVERY_PUBLIC_BYTES],
                          struct link_entry_hash *out);
void recovery_share_code(const struct link_entry_hash *entry, const struct sas_random *new_random,
                         const struct sas_random *old_random, struct sas_code *out);
