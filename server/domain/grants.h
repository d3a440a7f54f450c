/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grants: what a right answer gives.  A grant is 32 random bytes, for one use, one
 * purpose and five minutes; the database has its SHA-256.  It is used up by the
 * transaction that has the effect.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"

struct store_batch;

struct grant {
    uint8_t raw[GRANT_BYTES];
};

/* Whose a grant is, what for, what was answered for it, and its end in Unix seconds. */
struct grant_terms {
    int64_t account;
    enum txn_purpose purpose;
    enum factor_kind kind;
    int64_t expires_at;
};

/* Make a grant, and append the statement that stores it. */
void grants_make(struct grant *out);
void grants_put(struct store_batch *batch, const struct grant *grant,
                const struct grant_terms *terms);

/*
 * Append the expected statement of a command that needs a step-up where a factor is
 * enrolled.  Without a grant (NULL) it refuses the batch when one is; with one, it
 * uses the grant up, and refuses when that is not the account's, is for something
 * else, is used or over, or was given for a code and a factor is enrolled since: a
 * stolen device shows codes, too.  The batch holds the account's row before it.
 */
void grants_expect_stepup(struct store_batch *batch, int64_t account, const struct grant *grant,
                          int64_t now_ms);

/*
 * The same for any purpose: for what needs a grant of it where a factor is enrolled.  account 0,
 * which nobody has, needs none and has none.
 */
void grants_expect(struct store_batch *batch, int64_t account, enum txn_purpose purpose,
                   const struct grant *grant, int64_t now_ms);

/*
 * The same of a link that asks for an account: a grant of purpose link, by any kind, for the
 * devices that show a code are those that are asked.
 */
void grants_expect_link(struct store_batch *batch, int64_t account, const struct grant *grant,
                        int64_t now_ms);

/* Append what ends all grants of an account. */
void grants_end_account(struct store_batch *batch, int64_t account);

/* Forget grants that are over. */
void grants_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
