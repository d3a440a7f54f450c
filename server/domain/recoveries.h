/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries: somebody who has lost every device asks, without a session, for the relay's share
 * of the account's recovery seed, and meanwhile gets the other share from a contact of the owner
 * (common/recovery_share.h).  All devices are told at once, and any of them may cancel.
 *
 *   OPEN -> RELEASED    once, by who asks, when wait_until has come and the contact's packet is there
 *        -> CANCELLED   by a device, or by who asks
 *        -> DONE        the recovery key signed a device list
 *        -> gone        LIMIT_RECOVERY_S after it began, whatever became of it
 *
 * While it is open the two people compare six digits (common/sas.h), for a relay could show the
 * contact another key than that of who asks:
 *
 *   who asks              the contact's device
 *   exchange (commit)
 *                         answer (rE)
 *   reveal (rN)
 *                         packet, once the digits are alike
 *
 * A wrong try begins a new exchange; a request has LIMIT_RECOVERY_EXCHANGES.
 *
 * An account that there is not has requests too, decoys, and so has a slot that is empty: what is
 * released of them is HMAC-SHA256(keys.index, "sealpost/recovery-decoy/1\0" || recovery_id || slot).
 *
 *   recoveries.c  beginning, lists, purge      recoveries_step.c, recoveries_judge.c  all else
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/recovery_share.h"
#include "common/sas.h"
#include "server/domain/domain.h"
#include "server/domain/recoveries_view.h" /* IWYU pragma: export */

enum recoveries_result {
    RECOVERIES_DONE = 0,
    RECOVERIES_UNKNOWN,      /* no such request, or not of that token or account */
    RECOVERIES_OPEN,         /* begin: one is open, until `until` at the latest */
    RECOVERIES_STEPUP,       /* begin: a factor is enrolled, and the grant is none or not good */
    RECOVERIES_RATE_LIMITED, /* begin: too many in a day: wait `until` */
    RECOVERIES_ENDED,        /* it is not open any more: see view.state */
    RECOVERIES_OUT_OF_TURN,  /* the step is not the next one of the exchange, or another's */
    RECOVERIES_EXHAUSTED,    /* exchange: it has had them all */
    RECOVERIES_EARLY,        /* release: not before `until` */
    RECOVERIES_REPLAYED,     /* cancel: the command's seq is not above last_seq */
    RECOVERIES_UNAVAILABLE,  /* the store did not do it, or cannot say */
    RECOVERIES_STORAGE_FULL, /* the disk is full */
};

struct recovery_token {
    uint8_t raw[RECOVERY_TOKEN_BYTES];
};

struct recoveries_outcome {
    enum recoveries_result result;
    struct recoveries_view view;
    const struct recovery_token *token; /* begin */
    const uint8_t *a;                   /* release: RECOVERY_A_BYTES, */
    int64_t slot;                       /* of that slot, */
    struct bytes packet;                /* and what the contact sent */
    int64_t until;                      /* Unix seconds; of RATE_LIMITED: seconds */
    int64_t last_seq;
};

/* outcome is borrowed until return, and wiped then. */
typedef void recoveries_done_fn(void *arg, const struct recoveries_outcome *outcome);

/* Whom it is for: a handle, or where that is NULL an account.  All of it is copied. */
struct recoveries_order {
    const struct handle *handle;
    struct account_id account_id;
    uint8_t public_key[RECOVERY_PUBLIC_BYTES];
    const struct grant *grant; /* of purpose recover; NULL: none was given */
};
void recoveries_begin(struct domain *domain, const struct recoveries_order *order, int64_t now_ms,
                      recoveries_done_fn *done, void *arg);

enum recoveries_act {
    RECOVERIES_READ = 0, /* by who asks, or by anybody who knows the id */
    RECOVERIES_EXCHANGE, /* by who asks: exchange is the next number; commit */
    RECOVERIES_REVEAL,   /* by who asks: random is rN */
    RECOVERIES_RELEASE,  /* by who asks */
    RECOVERIES_CANCEL,   /* by who asks, or a device of the account */
    RECOVERIES_ANSWER,   /* by any device: random is rE */
    RECOVERIES_PACKET    /* by the same device: slot and packet */
};

/*
 * One step of a request.  Who asks gives the token; a device does not.  Repeated with the same
 * bytes, EXCHANGE, REVEAL, ANSWER and PACKET are done again, and nothing changes.  All is copied.
 */
struct recoveries_step {
    enum recoveries_act act;
    struct recovery_id recovery_id;
    const struct recovery_token *token; /* NULL: a device's */
    const struct command_guard *guard;  /* of a device that cancels */
    int64_t account;                    /* of the device, and the next two */
    int64_t mailbox;
    uint32_t device_id;
    int64_t exchange;
    struct sas_commit commit;
    struct sas_random random;
    int64_t slot;        /* 1 to LIMIT_RECOVERY_SLOTS */
    struct bytes packet; /* 1 to LIMIT_RECOVERY_PACKET_BYTES */
};
void recoveries_do(struct domain *domain, const struct recoveries_step *step, int64_t now_ms,
                   recoveries_done_fn *done, void *arg);

enum {
    /* Requests of an account that can be there at once. */
    RECOVERIES_LIST_MAX = LIMIT_RECOVERIES_DAY * (LIMIT_RECOVERY_S / LIMIT_RECOVERY_DAY_S + 1)
};

/* Hear an account's requests, newest first; borrowed.  ok: the store could say. */
typedef void recoveries_listed_fn(void *arg, bool ok, const struct recoveries_view *views,
                                  size_t count);
void recoveries_list(struct domain *domain, const struct account_id *account_id, int64_t now_ms,
                     recoveries_listed_fn *done, void *arg);

/* Forget requests that are over. */
void recoveries_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
