/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed commands: what a thief of a session token must not be able to do also
 * needs a signature of the device over the raw body.  Each carries a seq that
 * must rise; it is used up by the transaction that has the effect, so a command
 * works once.  The header is
 *
 *   Sealpost-Command: seq=<decimal>, sig=<base64url of 64 bytes>
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/sigbytes.h"

struct domain;
struct store_batch;

/* The header's two values. */
struct command {
    int64_t seq;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
};

/* Who signs what. */
struct command_claim {
    const struct account_id *account_id;
    const struct device_pub *device_pub;
    uint32_t device_id;
    enum command_op op;
    struct bytes payload; /* the raw body */
};

/* A checked command, for the transaction of its effect. */
struct command_guard {
    int64_t mailbox; /* the signing device's row */
    int64_t seq;
};

enum command_verdict {
    COMMAND_FINE = 0,
    COMMAND_INVALID, /* not signed by that device for this relay: 401 command_invalid */
    COMMAND_CLOCK    /* seq is more than a day ahead: 400 command_clock */
};

/* Parse the header's value strictly; false when it is absent or has another form. */
bool commands_parse(struct bytes header, struct command *out);

/* Check the signature against the claim, and the clock. */
enum command_verdict commands_check(const struct domain *domain, const struct command *command,
                                    const struct command_claim *claim, int64_t now_ms);

/*
 * Use the seq up: append an expected statement that refuses the batch when the
 * device has used this seq or a higher one, or is gone.  Make it the first.
 */
void commands_spend(struct store_batch *batch, const struct command_guard *guard);

/*
 * Hear the last seq of a device, after a batch was refused by commands_spend.
 * -1: the device is gone; ok is false when the store could not say.
 */
typedef void commands_last_fn(void *arg, bool ok, int64_t last_seq);
void commands_last(struct domain *domain, int64_t mailbox, commands_last_fn *done, void *arg);
