/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a subject must wait that had too many guesses, or challenges of a kind.
 * Loop thread.
 */
#pragma once

#include <stdint.h>

#include "server/domain/factor_kinds.h"

struct domain;

enum {
    TXNS_WAIT_UNKNOWN = -1 /* the store cannot say */
};

typedef void txns_wait_fn(void *arg, int64_t retry_s);

void txns_wait_guesses(struct domain *domain, int64_t subject, int64_t now_ms, txns_wait_fn *done,
                       void *arg);
void txns_wait_challenges(struct domain *domain, int64_t subject, enum factor_kind kind,
                          int64_t now_ms, txns_wait_fn *done, void *arg);
