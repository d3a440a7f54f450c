/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to the factors of an account, for its devices: each is told by an
 * event, and reads later what it missed.  Times are whole hours; there is no address,
 * and nothing of whoever guessed.  Entries are kept LIMIT_ACCOUNT_LOG_DAYS.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"

struct hub_event;
struct store_batch;

enum account_log_event {
    ACCOUNT_LOG_ENROLLED = 1, /* confirmed; recovery codes: made, or made anew */
    ACCOUNT_LOG_REMOVED,
    ACCOUNT_LOG_USED,          /* a right answer, which gave a grant */
    ACCOUNT_LOG_CLONE_WARNING, /* an authenticator signed, and its counter did not grow */
    ACCOUNT_LOG_LAST = ACCOUNT_LOG_CLONE_WARNING
};

/* Its name on the wire.  Static. */
const char *account_log_event_text(enum account_log_event event);

struct account_log_entry {
    int64_t entry; /* rising, not contiguous; of what is read */
    int64_t account;
    struct account_id account_id; /* of what is told */
    enum account_log_event event;
    enum factor_kind kind;
    enum txn_purpose purpose; /* of what somebody answered to; else 0 */
    uint32_t device_id;       /* whose command it was; 0: nobody's, or the operator's */
    int64_t at;               /* Unix seconds of the hour; of what is read */
};

/* Say whether it was the operator who did it: no device's command did. */
bool account_log_is_operators(enum account_log_event event, uint32_t device_id);

/* Append to a batch what notes it, and what other daemons hear of it. */
void account_log_note(const struct domain *domain, struct store_batch *batch,
                      const struct account_log_entry *entry, int64_t now_ms);

/* Tell the devices of the account that are here, once the batch has committed. */
void account_log_tell(struct domain *domain, const struct account_log_entry *entry);

/* The event that says so. */
void account_log_event_of(const struct account_log_entry *entry, struct hub_event *out);

enum {
    ACCOUNT_LOG_PAGE = 100
};

/* Hear up to ACCOUNT_LOG_PAGE entries behind after, oldest first; borrowed.  ok: the store could. */
typedef void account_log_listed_fn(void *arg, bool ok, const struct account_log_entry *entries,
                                   size_t count);
void account_log_list(struct domain *domain, int64_t account, int64_t after,
                      account_log_listed_fn *done, void *arg);

/* Forget what is old. */
void account_log_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
