/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: registered by their first manifest, erased whole.  What guards a
 * registration (the invite, the erased, the keys in use) stands in its one
 * transaction; when that is refused, the store is asked why, and once more tried
 * if the reason has gone.  Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "server/domain/domain.h"

enum accounts_result {
    ACCOUNTS_DONE = 0,
    ACCOUNTS_PRESENT,             /* registered before with these bytes; no invite was used */
    ACCOUNTS_MANIFEST_INVALID,    /* verdict says which rule */
    ACCOUNTS_REGISTRATION_CLOSED, /* the relay takes no new accounts */
    ACCOUNTS_INVITE_INVALID,      /* missing, wrong, used up or expired */
    ACCOUNTS_KEY_USED,            /* a device key stands in another account or left one */
    ACCOUNTS_ERASED,              /* this account was erased before */
    ACCOUNTS_UNKNOWN,             /* erasure: no such account */
    ACCOUNTS_REPLAYED,            /* erasure: the command's seq is not above last_seq */
    ACCOUNTS_HELD,                /* erasure: another device is ADMIN, so it waits: see holds.h */
    ACCOUNTS_NOT_ADMIN,           /* erasure: the device may not do that */
    ACCOUNTS_STEPUP,       /* erasure: a factor is enrolled, and the grant is none or not good */
    ACCOUNTS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    ACCOUNTS_STORAGE_FULL, /* the disk is full */
};

struct accounts_outcome {
    enum accounts_result result;
    enum manifest_verdict verdict; /* when ACCOUNTS_MANIFEST_INVALID */
    struct account_id account_id;  /* the rest: when ACCOUNTS_DONE or ACCOUNTS_PRESENT */
    uint64_t epoch;
    struct manifest_hash hash;
    int64_t last_seq;   /* when ACCOUNTS_REPLAYED */
    int64_t held_until; /* when ACCOUNTS_HELD: Unix seconds */
};

/* outcome is borrowed until return. */
typedef void accounts_done_fn(void *arg, const struct accounts_outcome *outcome);

/*
 * Register the account of a first manifest.  manifest and invite (its text;
 * size 0: none) are read before this returns.  done is called exactly once:
 * before this returns when the manifest is invalid, later otherwise.
 */
void accounts_register(struct domain *domain, struct bytes manifest, struct bytes invite,
                       int64_t now_ms, accounts_done_fn *done, void *arg);

struct accounts_erasure {
    struct account_id account_id;
    const struct command_guard *guard; /* copied; NULL: by the operator, who need not be ADMIN */
    const struct hold *hold;   /* copied; erase only if it is held still; NULL: in any case */
    const struct grant *grant; /* copied; of a step-up, where a factor is enrolled; or NULL */
    int64_t seen_before_day;   /* erase only if not seen since; 0: in any case */
};

/*
 * Erase everything of an account in one transaction, end its streams, and keep
 * the keyed hashes of its id and of its device keys.  By a command (guard) only
 * when its device is ADMIN, or when no device is, and with a step-up where a factor
 * is enrolled (factors.h); where another one is ADMIN, too, it is held first
 * (settings.hold_s).  done is called later, once.
 */
void accounts_erase(struct domain *domain, const struct accounts_erasure *order, int64_t now_ms,
                    accounts_done_fn *done, void *arg);

/*
 * Erase up to a few accounts that were not seen for settings.idle_account_days,
 * and tell how many; 0 when the setting is off.
 */
void accounts_erase_idle(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);

/* One line of the operator's list. */
struct accounts_entry {
    int64_t account; /* the next page begins after it */
    struct account_id account_id;
    uint64_t epoch;
    int64_t created_day;
    int64_t seen_day;
    int64_t device_count;
};

enum {
    ACCOUNTS_LIST_MAX = 1000
};

/* entries is borrowed until return; NULL when the store could not say. */
typedef void accounts_listed_fn(void *arg, const struct accounts_entry *entries, size_t count);

/* List up to limit (1..ACCOUNTS_LIST_MAX) accounts after the short integer `after`. */
void accounts_list(struct domain *domain, int64_t after, int64_t limit, accounts_listed_fn *done,
                   void *arg);
