/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery contacts: the relay's shares of an account's recovery seed, up to
 * LIMIT_RECOVERY_SLOTS, each for a person of whom it knows nothing.  A share is sealed
 * (common/seal.h): table "recovery_contacts", column "share", row account_id || slot u8.  All
 * changes are signed commands of an ADMIN device (any, where none is), with a step-up where a
 * factor is enrolled: who puts another share in a slot makes that contact's worthless.  A new
 * recovery key ends them all.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/recovery_share.h"
#include "server/domain/domain.h"

enum recovery_contacts_result {
    RECOVERY_CONTACTS_DONE = 0,
    RECOVERY_CONTACTS_REPLAYED,     /* the command's seq is not above last_seq */
    RECOVERY_CONTACTS_NOT_ADMIN,    /* only an ADMIN device may */
    RECOVERY_CONTACTS_STEPUP,       /* a factor is enrolled, and the grant is none or not good */
    RECOVERY_CONTACTS_UNKNOWN,      /* remove: the slot is empty */
    RECOVERY_CONTACTS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    RECOVERY_CONTACTS_STORAGE_FULL, /* the disk is full */
};

typedef void recovery_contacts_done_fn(void *arg, enum recovery_contacts_result result,
                                       int64_t last_seq);

/* What is wanted by whom, by which command; all of it is copied. */
struct recovery_contacts_order {
    int64_t account;
    struct account_id account_id;
    uint32_t device_id;
    const struct command_guard *guard;
    const struct grant *grant;   /* NULL: none was given */
    int64_t slot;                /* 1 to LIMIT_RECOVERY_SLOTS */
    uint8_t a[RECOVERY_A_BYTES]; /* put */
    struct bytes label;          /* put; at most LIMIT_RECOVERY_LABEL_BYTES */
};

/* Put a share into a slot, in place of what is there; or empty the slot. */
void recovery_contacts_put(struct domain *domain, const struct recovery_contacts_order *order,
                           int64_t now_ms, recovery_contacts_done_fn *done, void *arg);
void recovery_contacts_remove(struct domain *domain, const struct recovery_contacts_order *order,
                              int64_t now_ms, recovery_contacts_done_fn *done, void *arg);

struct recovery_contacts_view {
    int64_t slot;
    struct bytes label; /* borrowed */
    int64_t created_at; /* Unix seconds of the hour */
};

/* Hear the slots of an account that are taken, ascending; borrowed.  ok: the store could say. */
typedef void recovery_contacts_listed_fn(void *arg, bool ok,
                                         const struct recovery_contacts_view *views, size_t count);
void recovery_contacts_list(struct domain *domain, const struct account_id *account_id,
                            recovery_contacts_listed_fn *done, void *arg);

/* Open a sealed share; false, with a line in the log, when it cannot be read. */
bool recovery_contacts_open(const struct domain *domain, const struct account_id *account_id,
                            int64_t slot, struct bytes sealed, uint8_t out[RECOVERY_A_BYTES]);

/* Do as much work for nothing. */
void recovery_contacts_open_decoy(const struct domain *domain);
