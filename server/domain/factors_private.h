/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of an account's factors under way: one write, each expected statement of which
 * has a result that it means when it yields nothing.
 *
 *   change = factors_change_create(...)
 *   batch = factors_change_batch(change)       the seq, the ADMIN bit
 *   factors_change_means(change, batch, FACTORS_STEPUP); grants_expect_stepup(batch, ...)
 *   factors_change_submit(change, batch)       answers, and frees it
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/opaque.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "server/domain/account_log.h"
#include "server/domain/authenticators.h"
#include "server/domain/commands.h"
#include "server/domain/factors.h"
#include "server/domain/grants.h"

struct store_batch;

enum {
    FACTORS_CHANGE_STATEMENTS = 8 /* expected ones stand among the first so many */
};

struct factors_change {
    struct domain *domain;
    struct factors_order order; /* its pointers are to what is below, or NULL */
    struct command_guard guard;
    struct grant grant;
    struct factors_proof proof;
    uint8_t record[OPAQUE_RECORD_BYTES];
    struct buf kept; /* what proof views */
    struct account_log_entry entry;
    bool is_told; /* entry is noted and told */
    enum factors_result means[FACTORS_CHANGE_STATEMENTS];
    size_t excluded_at; /* webauthn: the statement that yields what the account has; 0: none */
    struct buf secret;  /* enrol of totp */
    struct recovery_code codes[RECOVERY_CODE_COUNT]; /* enrol of codes */
    uint8_t response[OPAQUE_RESPONSE_BYTES];         /* enrol of a password */
    struct authenticators_creation creation;         /* enrol of an authenticator */
    int64_t now_ms;
    factors_done_fn *done;
    void *arg;
};

struct factors_change *factors_change_create(struct domain *domain,
                                             const struct factors_order *order, int64_t now_ms,
                                             factors_done_fn *done, void *arg);

/* Answer, wipe it and free it. */
void factors_change_finish(struct factors_change *change, const struct factors_outcome *outcome);
void factors_change_finish_with(struct factors_change *change, enum factors_result result);

/* Begin the write. */
struct store_batch *factors_change_batch(struct factors_change *change);

/* The next statement of the batch is expected, and means result when it yields nothing. */
void factors_change_means(struct factors_change *change, const struct store_batch *batch,
                          enum factors_result result);

/* Submit it, and answer when it was written. */
void factors_change_submit(struct factors_change *change, struct store_batch *batch);
