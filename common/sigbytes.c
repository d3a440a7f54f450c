/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sigbytes.h"

#include "common/check.h"
#include "common/crypto.h"
#include "common/limits.h"

/* A label ends with its NUL, so that none is a prefix of another. */
static const char auth_label[] = "sealpost/auth/1";
static const char command_label[] = "sealpost/cmd/1";
static const char recovery_label[] = "sealpost/recovery-auth/1";

static void append_audience(struct buf *out, struct bytes audience)
{
    CHECK(audience.size <= LIMIT_AUDIENCE_BYTES);
    buf_append_u8(out, (uint8_t)audience.size);
    buf_append(out, audience);
}

static void append_actor(struct buf *out, struct bytes audience, const struct account_id *account,
                         uint32_t device_id)
{
    append_audience(out, audience);
    buf_append(out, bytes_of(account->raw, sizeof account->raw));
    buf_append_u32(out, device_id);
}

void sigbytes_auth(struct buf *out, struct bytes audience, const struct account_id *account,
                   uint32_t device_id, const uint8_t challenge[CHALLENGE_BYTES])
{
    buf_append(out, bytes_of(auth_label, sizeof auth_label));
    append_actor(out, audience, account, device_id);
    buf_append(out, bytes_of(challenge, CHALLENGE_BYTES));
}

void sigbytes_command(struct buf *out, const struct sigbytes_command *command)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];

    crypto_sha256(&command->payload, 1, digest);
    buf_append(out, bytes_of(command_label, sizeof command_label));
    append_actor(out, command->audience, command->account, command->device_id);
    buf_append_u64(out, command->seq);
    buf_append_u16(out, (uint16_t)command->op);
    buf_append(out, bytes_of(digest, sizeof digest));
}

void sigbytes_recovery(struct buf *out, const struct sigbytes_recovery *recovery)
{
    buf_append(out, bytes_of(recovery_label, sizeof recovery_label));
    append_audience(out, recovery->audience);
    buf_append(out, bytes_of(recovery->challenge, CHALLENGE_BYTES));
    buf_append_u8(out, recovery->is_handle ? 'h' : 'a');
    buf_append(out, recovery->name);
}
