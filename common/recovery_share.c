/* SPDX-License-Identifier: Apache-2.0 */
#include "common/recovery_share.h"

#include <assert.h>
#include <string.h>

#include "common/crypto_gcm.h"
#include "common/link_entry.h"
#include "common/random.h"
#include "common/wire.h"

/* The NULs are part of the labels. */
static const char packet_label[] = "sealpost/recovery-packet/1";
static const char entry_label[] = "sealpost/recovery-entry/1";

static_assert(RECOVERY_PACKET_BYTES ==
                  CRYPTO_GCM_NONCE_BYTES + CRYPTO_SEED_BYTES + CRYPTO_GCM_TAG_BYTES,
              "see the format");

static void append_aad(const struct recovery_share *share, struct buf *out)
{
    buf_append(out, bytes_of(packet_label, sizeof packet_label));
    buf_append(out, bytes_of(share->account_id.raw, sizeof share->account_id.raw));
    buf_append_u8(out, share->slot);
}

void recovery_share_make(struct recovery_share *share, const uint8_t a[RECOVERY_A_BYTES],
                         const uint8_t seed[CRYPTO_SEED_BYTES])
{
    struct buf aad = { 0 };

    append_aad(share, &aad);
    random_fill(share->packet, CRYPTO_GCM_NONCE_BYTES);
    crypto_gcm_seal(a, share->packet, buf_view(&aad), bytes_of(seed, CRYPTO_SEED_BYTES),
                    share->packet + CRYPTO_GCM_NONCE_BYTES);
    buf_clear(&aad);
}

bool recovery_share_open(const struct recovery_share *share, const uint8_t a[RECOVERY_A_BYTES],
                         uint8_t out_seed[CRYPTO_SEED_BYTES])
{
    struct buf aad = { 0 };
    bool good = false;

    append_aad(share, &aad);
    good = crypto_gcm_open(a, share->packet, buf_view(&aad),
                           bytes_of(share->packet + CRYPTO_GCM_NONCE_BYTES,
                                    sizeof share->packet - CRYPTO_GCM_NONCE_BYTES),
                           out_seed);
    buf_clear(&aad);
    return good;
}

void recovery_share_append(const struct recovery_share *share, struct buf *out)
{
    buf_append(out, bytes_of(share->account_id.raw, sizeof share->account_id.raw));
    buf_append_u8(out, share->slot);
    buf_append(out, bytes_of(share->packet, sizeof share->packet));
}

bool recovery_share_read(struct bytes bytes, struct recovery_share *out)
{
    struct wire wire = wire_of(bytes);
    struct bytes account = wire_bytes(&wire, sizeof out->account_id.raw);
    uint8_t slot = wire_u8(&wire);
    struct bytes packet = wire_bytes(&wire, sizeof out->packet);

    if (!wire_is_done(&wire)) {
        return false;
    }
    memcpy(out->account_id.raw, account.at, sizeof out->account_id.raw);
    out->slot = slot;
    memcpy(out->packet, packet.at, sizeof out->packet);
    return true;
}

void recovery_share_entry(const struct recovery_id *recovery_id,
                          const uint8_t public_key[RECOVERY_PUBLIC_BYTES],
                          struct link_entry_hash *out)
{
    const struct bytes parts[] = {
        bytes_of(entry_label, sizeof entry_label),
        bytes_of(recovery_id->raw, sizeof recovery_id->raw),
        bytes_of(public_key, RECOVERY_PUBLIC_BYTES),
    };

    crypto_sha256(parts, sizeof parts / sizeof parts[0], out->raw);
}

void recovery_share_code(const struct link_entry_hash *entry, const struct sas_random *new_random,
                         const struct sas_random *old_random, struct sas_code *out)
{
    const struct sas_transcript transcript = { .entry_hash = *entry,
                                               .new_random = *new_random,
                                               .old_random = *old_random };

    sas_code_of(&transcript, out);
}
