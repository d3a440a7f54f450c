/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: somebody without a session, or beside one, shows a second factor
 * and is given a grant (grants.h).  Factors open ciphertext and recovery, and
 * stand beside signed commands; they never authorise a device.
 *
 *   txns_begin      names the kinds that apply         a transaction lives 10 minutes
 *   txns_challenge  starts one of them                 at most 5 a transaction
 *   txns_answer     is a guess                         at most 5 a challenge
 *
 *   begun -> challenged -> answered right: done, with a grant
 *
 * A guess is counted, in the store, before it is compared: so guesses that come at
 * once get no further than guesses that come one by one.  Of all kinds together
 * LIMIT_GUESSES_DAY in 24 hours and LIMIT_GUESSES_MONTH in 30 days are compared
 * for an account; one that was right is given back.  Of a password the challenge is
 * the guess, for whoever has KE2 knows whether he guessed right; authenticators are not
 * guessed (factor_rules_of).  Both have one try a challenge, taken before it is judged.
 *
 * An account that there is not has transactions too, decoys: the same answers, with
 * kinds that are derived from its name under a key of the relay, and no answer is right.
 * Guesses are counted for a subject, a number of 63 bits of
 *
 *   HMAC-SHA256(keys.index, "sealpost/factor-subject/1\0" || 'a' || account_id)
 *   HMAC-SHA256(keys.index, "sealpost/factor-subject/1\0" || 'h' || handle)  nobody's
 *
 *   txns.c  beginning, purges     txns_challenge.c     txns_answer.c     txns_wait.c
 *
 * Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_reply.h"
#include "server/domain/grants.h"

struct handle;

enum txns_result {
    TXNS_DONE = 0,
    TXNS_UNKNOWN, /* challenge: no such transaction, it is over, or has used its challenges */
    TXNS_CHALLENGE_UNKNOWN, /* answer: no such challenge, it is over, used or out of tries */
    TXNS_INAPPLICABLE,      /* challenge: the kind is not among those of the transaction */
    TXNS_MALFORMED,         /* answer: the text is none of that kind; it was not counted */
    TXNS_WRONG,             /* answer: `attempts_left` of the challenge */
    TXNS_RATE_LIMITED,      /* too many guesses, or challenges: wait `retry_s` */
    TXNS_UNAVAILABLE,       /* the store did not do it, or cannot say */
    TXNS_STORAGE_FULL,      /* the disk is full */
};

/* What an authenticator is asked to sign, and which ones. */
struct txns_options {
    const uint8_t *challenge; /* WEBAUTHN_CHALLENGE_BYTES */
    const struct authenticators_ids *allowed;
};

struct txns_outcome {
    enum txns_result result;
    struct txn_id txn_id;                     /* begin */
    struct txn_challenge_id txn_challenge_id; /* challenge */
    enum txn_purpose purpose;                 /* begin and answer */
    enum factor_kind kind;                    /* challenge and answer */
    uint32_t kinds;                           /* begin */
    const uint8_t *ke2;                       /* challenge of a password: OPAQUE_KE2_BYTES */
    const struct txns_options *options;       /* challenge of webauthn */
    struct grant grant;                       /* answer; wiped when done returns */
    int64_t expires_at; /* Unix seconds: of the transaction, or of the grant */
    int64_t attempts_left;
    int64_t retry_s;
};

/* outcome is borrowed until return. */
typedef void txns_done_fn(void *arg, const struct txns_outcome *outcome);

/* Whom it is for: a handle, or where that is NULL an account.  All of it is copied. */
struct txns_order {
    enum txn_purpose purpose;
    const struct handle *handle;
    struct account_id account_id;
};
void txns_begin(struct domain *domain, const struct txns_order *order, int64_t now_ms,
                txns_done_fn *done, void *arg);

/* Start a challenge of a kind.  A code is shown on the devices of the account (codes.h). */
struct txns_challenge_order {
    struct txn_id txn_id;
    enum factor_kind kind;
    const uint8_t *ke1; /* password: OPAQUE_KE1_BYTES, which opaque_ke1_is_valid; copied */
};
void txns_challenge(struct domain *domain, const struct txns_challenge_order *order, int64_t now_ms,
                    txns_done_fn *done, void *arg);

/* A guess; its reply is copied. */
struct txns_guess {
    struct txn_id txn_id;
    struct txn_challenge_id challenge_id;
    struct factor_reply reply;
};
void txns_answer(struct domain *domain, const struct txns_guess *guess, int64_t now_ms,
                 txns_done_fn *done, void *arg);

/* The subject of an account; of a handle that nobody has. */
int64_t txns_subject(const struct domain *domain, const struct account_id *account_id);
int64_t txns_subject_of_handle(const struct domain *domain, const struct handle *handle);

/* The kinds that a subject would seem to have enrolled if it were nobody's. */
uint32_t txns_seeming(const struct domain *domain, int64_t subject);

/* Forget transactions that are over; challenges; guesses. */
void txns_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
void txns_purge_challenges(struct domain *domain, int64_t now_ms, domain_purged_fn *done,
                           void *arg);
void txns_purge_guesses(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
