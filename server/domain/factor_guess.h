/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guess at a challenge, by the kind of its factor: what is read from the reply,
 * asked for when it is counted, compared, and used up when it was right.  txns_answer.c
 * walks through these in that order.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto.h"
#include "common/ids.h"
#include "common/opaque.h"
#include "common/webauthn.h"
#include "server/domain/codes.h"
#include "server/domain/factor_reply.h"

struct store_batch;
struct txns_challenge_row;

struct factor_guess {
    struct code code;                       /* code */
    uint32_t totp;                          /* totp */
    int64_t step;                           /* totp: the code's, once judged right */
    uint8_t code_hash[CRYPTO_SHA256_BYTES]; /* recovery_code */
    uint8_t ke3[OPAQUE_KE3_BYTES];          /* password */
    struct factor_reply reply;              /* webauthn; borrowed */
    uint8_t name[CRYPTO_SHA256_BYTES];      /* webauthn: of the authenticator */
    struct webauthn_credential credential;  /* webauthn: as it is once judged right */
    bool is_behind;                         /* webauthn: right, but that its counter did not grow */
    struct factor_id factor_id;             /* totp, webauthn: whose it was, once judged right;
                                               password: given, by whose record KE1 was answered */
};

/* Read reply as a guess at the challenge; false when it is none of its kind. */
bool factor_guess_read(const struct domain *domain, const struct txns_challenge_row *row,
                       const struct factor_reply *reply, struct factor_guess *out);

/* Append the statement, if the kind needs one, whose rows factor_guess_judge reads. */
void factor_guess_ask(struct store_batch *batch, const struct txns_challenge_row *row,
                      const struct factor_guess *guess);

/* Where they are: the number of that statement. */
struct factor_guess_rows {
    struct store_rows *rows;
    size_t at;
};

/* Say whether the guess is right.  A decoy's costs as much, and means nothing. */
bool factor_guess_judge(const struct domain *domain, const struct txns_challenge_row *row,
                        const struct factor_guess_rows *rows, int64_t now_ms,
                        struct factor_guess *guess);

/* Append the expected statement, if the kind has one, that uses the right answer up. */
void factor_guess_expect_use(const struct domain *domain, struct store_batch *batch,
                             const struct txns_challenge_row *row,
                             const struct factor_guess *guess);
