/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact bytes that a device or the recovery key signs, other than manifests.  One place for the
 * daemon and the reference device.  Pure; any thread.  Integers are big-endian.
 *
 *   auth     "sealpost/auth/1\0" || u8 len || audience || account_id[32] ||
 *            device_id u32 || challenge[48]
 *   command  "sealpost/cmd/1\0" || u8 len || audience || account_id[32] ||
 *            device_id u32 || seq u64 || op u16 || SHA-256(payload)
 *   recovery "sealpost/recovery-auth/1\0" || u8 len || audience || challenge[48] ||
 *            'a' || account_id[32], or 'h' || handle;       by the recovery key
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

enum {
    CHALLENGE_BYTES = 48
};

/* What a signed command asks for; the number is part of the signature. */
enum command_op {
    COMMAND_ACCOUNT_DELETE = 1,
    COMMAND_SESSIONS_REVOKE = 2,
    COMMAND_KEYS_PUT = 3,
    COMMAND_KEYS_DELETE = 4,
    COMMAND_PUSH_PUT = 5,
    COMMAND_PUSH_DELETE = 6,
    COMMAND_DELIVERY_KEY_PUT = 7,
    COMMAND_FACTOR_ENROL = 8,
    COMMAND_FACTOR_REMOVE = 9,
    COMMAND_SHARE_PUT = 10,
    COMMAND_HANDLE_RELEASE = 11,
    COMMAND_VAULT_HEAD = 12,
    COMMAND_RECOVERY_VETO = 13,
    COMMAND_MLS_RESET = 14,
};

struct sigbytes_command {
    struct bytes audience; /* at most 255 bytes */
    const struct account_id *account;
    uint32_t device_id;
    enum command_op op;
    uint64_t seq;
    struct bytes payload;
};

/* Append the bytes signed to begin a session.  audience is at most 255 bytes. */
void sigbytes_auth(struct buf *out, struct bytes audience, const struct account_id *account,
                   uint32_t device_id, const uint8_t challenge[CHALLENGE_BYTES]);

/* What the recovery key signs to read its account's chain: for an account id or a handle. */
struct sigbytes_recovery {
    struct bytes audience; /* at most 255 bytes */
    const uint8_t *challenge;
    bool is_handle;
    struct bytes name;
};
void sigbytes_recovery(struct buf *out, const struct sigbytes_recovery *recovery);

/* Append the bytes signed by a command. */
void sigbytes_command(struct buf *out, const struct sigbytes_command *command);
