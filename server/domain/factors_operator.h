/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator may do about second factors: see which kinds an account has, and remove
 * one for somebody who lost it.  He sees no secret and no label.  A removal is in the account's
 * log, as nobody's command, and its devices are told; it adds no device and gives no grant.
 * Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/domain.h"

struct factors_view;

enum factors_operator_result {
    FACTORS_OPERATOR_DONE = 0,
    FACTORS_OPERATOR_NO_ACCOUNT,
    FACTORS_OPERATOR_UNKNOWN,      /* remove: the account has no such factor */
    FACTORS_OPERATOR_UNAVAILABLE,  /* the store did not do it, or cannot say */
    FACTORS_OPERATOR_STORAGE_FULL, /* the disk is full */
};

/* Hear the factors of an account, for FACTORS_OPERATOR_DONE; borrowed. */
typedef void factors_operator_listed_fn(void *arg, enum factors_operator_result result,
                                        const struct factors_view *views, size_t count);
void factors_operator_list(struct domain *domain, const struct account_id *account_id,
                           factors_operator_listed_fn *done, void *arg);

/* Remove a factor, pending or not. */
typedef void factors_operator_removed_fn(void *arg, enum factors_operator_result result);
void factors_operator_remove(struct domain *domain, const struct account_id *account_id,
                             const struct factor_id *factor_id, int64_t now_ms,
                             factors_operator_removed_fn *done, void *arg);
