/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report: everything the relay holds on an account, for its owner and for
 * the operator who is asked for it.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/handle.h"
#include "common/ids.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "server/domain/domain.h"
#include "server/domain/factors.h"
#include "server/domain/holds.h"
#include "server/domain/recoveries.h"
#include "server/domain/recovery_contacts.h"
#include "server/domain/slots.h"

enum {
    REPORT_POOLS_MAX = 2 * SLOTS_MAX /* with those of slots that were switched off */
};

/* Public keys of one slot. */
struct report_pool {
    char slot[KEY_SLOTS_NAME_BYTES + 1];
    int64_t count;
};

struct report_device {
    struct device_pub device_pub;
    uint32_t device_id;
    uint8_t flags;
    uint64_t added_epoch;
    int64_t seen_day;
    int64_t command_seq; /* 0: none was used */
    int64_t idle_state;  /* 0 live, 1 others were told, 2 mailbox closed */
    int64_t envelope_count;
    int64_t envelope_bytes; /* of bodies */
    int64_t gap_count;
    size_t session_first; /* its sessions: session_count from here in report.session_expiries */
    size_t session_count;
    bool has_registration;
    uint32_t registration_id;
    size_t pool_count;
    struct report_pool pools[REPORT_POOLS_MAX]; /* ascending by slot */
    int64_t spent_count;                        /* hashes of keys that were handed out */
};

enum {
    REPORT_HANDLES_MAX = 32 /* as handles_per_account may be */
};

struct report_handle {
    struct handle handle; /* "" when it could not be read */
    int64_t seq;
};

struct report {
    struct account_id account_id;
    uint64_t epoch;
    struct manifest_hash hash;
    int64_t created_day;
    int64_t seen_day;
    int64_t manifest_count;
    int64_t left_count; /* keyed hashes of device keys that left */
    size_t device_count;
    struct report_device devices[LIMIT_MANIFEST_DEVICES];
    const int64_t *session_expiries; /* Unix seconds */
    size_t handle_count;
    struct report_handle handles[REPORT_HANDLES_MAX];
    size_t hold_count;
    struct hold holds[HOLDS_MAX];
    size_t factor_count;
    struct factors_view factors[FACTORS_LIST_MAX];
    int64_t txn_count;       /* transactions under way, or over a short time ago */
    int64_t challenge_count; /* challenges of the last hour */
    int64_t guess_count;     /* wrong guesses of the last 30 days */
    int64_t grant_count;     /* not used, or over a short time ago */
    int64_t log_count;       /* entries of the log */
    size_t recovery_count;   /* requests to recover, open and of late */
    struct recoveries_view recoveries[RECOVERIES_LIST_MAX];
    size_t contact_count;
    struct recovery_contacts_view contacts[LIMIT_RECOVERY_SLOTS]; /* their labels are borrowed */
    int64_t link_count;   /* links under way, or over a short time ago */
    int64_t prompt_count; /* links of the last hour that asked its devices */
};

/* report is borrowed until return; NULL when there is no such account, or when ok is false. */
typedef void report_made_fn(void *arg, bool ok, const struct report *report);

/* Make the report and tell done, later, exactly once.  account_id is copied. */
void report_make(struct domain *domain, const struct account_id *account_id, report_made_fn *done,
                 void *arg);
