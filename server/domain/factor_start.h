/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A challenge, by the kind of its factor: what is asked for before it is put, what it is
 * judged by later, and what whoever started it is given.  txns_challenge.c walks through
 * these in that order.  Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/opaque.h"
#include "server/domain/authenticators.h"
#include "server/domain/codes.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/passwords.h"

struct store_batch;
struct txns_challenge_row;

struct factor_start {
    struct code code;                      /* code: shown on the devices */
    struct buf sealed;                     /* code: the same for the row */
    uint8_t ke1[OPAQUE_KE1_BYTES];         /* password: given, and valid */
    struct passwords_login login;          /* password */
    struct authenticators_ids allowed;     /* webauthn */
    uint8_t verifier[CRYPTO_SHA256_BYTES]; /* code, password; webauthn: the challenge */
};

/* Append the statement, if the kind needs one, whose rows factor_start_make reads. */
void factor_start_ask(struct store_batch *batch, enum factor_kind kind,
                      const struct txn_id *txn_id);

/* Where they are: the number of that statement. */
struct factor_start_rows {
    struct store_rows *rows;
    size_t at;
};

/*
 * Make a challenge of a transaction, and let row have views of it.  A decoy's costs as much.
 */
void factor_start_make(const struct domain *domain, const struct txns_row *txn,
                       const struct factor_start_rows *rows, struct txns_challenge_row *row,
                       struct factor_start *start);

/* Wipe it, and release what it holds. */
void factor_start_clear(struct factor_start *start);
