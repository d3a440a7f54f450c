/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an account's devices are told of its recovery: a line of the log, an event to streams here,
 * and, where daemons share the database, a row for the others.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/ids.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/store/store.h"

struct recovery_news {
    int64_t account;              /* 0: a decoy's, of which nothing is told */
    struct account_id account_id; /* where account is not 0 */
    enum account_log_event event; /* one of those of recovery */
    uint32_t device_id;           /* whose command it was; 0: nobody's */
    struct recovery_id recovery_id;
    int64_t wait_until; /* Unix seconds; of a request, as the next */
    int64_t expires_at;
};

/* Append to a batch what notes it. */
void recovery_news_note(const struct domain *domain, struct store_batch *batch,
                        const struct recovery_news *news, int64_t now_ms);

/* Tell the devices that are here, once the batch has committed. */
void recovery_news_tell(struct domain *domain, const struct recovery_news *news);

/* The event that says so. */
void recovery_news_event(const struct recovery_news *news, struct hub_event *out);
