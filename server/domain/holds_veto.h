/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vetoes: a hold is dropped by a signed command of a device that no held epoch
 * removes, or of the recovery key.  The key has no row that could count its seqs:
 * its seq must be above the millisecond at which the hold began, so that an old
 * veto does not drop what is held anew.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/holds.h"

enum holds_result {
    HOLDS_VETOED = 0,      /* or dropped, or renewed, as was asked */
    HOLDS_UNKNOWN,         /* no such hold, or no such account */
    HOLDS_DENIED,          /* a held epoch removes the device */
    HOLDS_COMMAND_INVALID, /* the recovery key did not sign it; or there is none */
    HOLDS_COMMAND_CLOCK,   /* the recovery key's seq is more than a day ahead */
    HOLDS_REPLAYED,        /* the seq is not above last_seq */
    HOLDS_UNAVAILABLE,     /* the store did not do it, or cannot say */
};

struct holds_outcome {
    enum holds_result result;
    int64_t last_seq; /* when HOLDS_REPLAYED */
};

typedef void holds_done_fn(void *arg, const struct holds_outcome *outcome);

struct holds_veto {
    struct account_id account_id;
    enum hold_kind kind;
    uint64_t epoch; /* this and the next: of a manifest */
    struct manifest_hash hash;
    uint32_t signer;                   /* of an erasure */
    const struct command_guard *guard; /* the device's, copied; NULL: the recovery key's */
    uint32_t device_id;                /* the device that vetoes */
    const struct command *command;     /* the recovery key's, copied, */
    struct bytes payload;              /* and what it is over; read before holds_veto returns */
};

/* Veto, and tell the account's devices.  done is called later, exactly once. */
void holds_veto(struct domain *domain, const struct holds_veto *order, int64_t now_ms,
                holds_done_fn *done, void *arg);

/* Let a hold begin anew at now_ms, and tell so.  hold is copied.  done is called later, once. */
void holds_renew(struct domain *domain, const struct hold *hold, int64_t now_ms,
                 holds_done_fn *done, void *arg);

/* Drop a hold that cannot be done any more.  hold is copied.  done is called later, once. */
void holds_drop(struct domain *domain, const struct hold *hold, holds_done_fn *done, void *arg);
