/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verified manifests of one account, from its first to its head: rules 2 to 7
 * for each step, and rule 9: never go back.  Only the head is held, for it is all
 * that the next step needs.  Pure: no I/O; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

enum chain_result {
    CHAIN_OK = 0,  /* the manifest is the new head */
    CHAIN_SAME,    /* it is the head already */
    CHAIN_FOREIGN, /* of another account */
    CHAIN_BROKEN,  /* it breaks a validity rule, see rule */
    CHAIN_BACK,    /* its epoch is below the head's, or it skips one */
    CHAIN_FORK,    /* another manifest of the head's epoch */
};

struct chain {
    struct account_id account;
    struct manifest_hash hash; /* of the head */
    struct manifest *head;     /* NULL while there is none; borrows signed_head */
    struct buf signed_head;    /* its bytes with their signatures */
    int rule;                  /* the rule broken by the last CHAIN_BROKEN */
};

/* Begin the chain of account with no head. */
void chain_init(struct chain *chain, const struct account_id *account);
void chain_clear(struct chain *chain);

/*
 * Take a head that was verified before and kept (a pin) without verifying its own
 * signatures anew; false when it is no manifest of this account.
 */
bool chain_restore(struct chain *chain, struct bytes signed_manifest);

/* Verify the next manifest and make it the head.  The chain is unchanged unless CHAIN_OK. */
enum chain_result chain_extend(struct chain *chain, struct bytes signed_manifest);

/* Judge what a relay says is the head: CHAIN_SAME, CHAIN_BACK or CHAIN_FORK. */
enum chain_result chain_judge_head(const struct chain *chain, uint64_t epoch,
                                   const struct manifest_hash *hash);

/* One sentence for a result that is no success; rule is the broken one.  Static. */
const char *chain_result_text(enum chain_result result, int rule);
