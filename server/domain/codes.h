/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes: six digits that the relay makes for a challenge and that every device of
 * the account shows, told by an event and read by whoever polls.  All numbers are
 * equally likely.  The database has
 *
 *   verifier  HMAC-SHA256(keys.index, "sealpost/factor-code/1\0" || challenge id || six digits)
 *   code      the digits, sealed (common/seal.h): table "txn_challenges", column "code",
 *             row the challenge id; until the code is used
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/factor_kinds.h"

struct domain;

enum {
    CODES_DIGITS = 6
};

struct code {
    char digits[CODES_DIGITS + 1]; /* ends with a NUL */
};

/* Make a code at random. */
void codes_make(struct code *out);

/* Read what a person typed: six digits, nothing else.  False: none. */
bool codes_read(struct bytes text, struct code *out);

/* The keyed hash of the code of a challenge. */
void codes_verifier(const struct domain *domain, const struct txn_challenge_id *id,
                    const struct code *code, uint8_t out[CRYPTO_SHA256_BYTES]);

/* Append the sealed code of a challenge to out. */
void codes_close(const struct domain *domain, const struct txn_challenge_id *id,
                 const struct code *code, struct buf *out);

/* A code as devices show it. */
struct shown_code {
    struct txn_challenge_id challenge_id;
    enum txn_purpose purpose;
    int64_t expires_at; /* Unix seconds */
    struct code code;
};

/* Tell the devices of an account here of a code that was stored. */
void codes_tell(struct domain *domain, const struct account_id *account_id,
                const struct shown_code *code);

/* Tell the account's streams here of a code that another daemon stored. */
void codes_tell_of(struct domain *domain, const struct txn_challenge_id *id, int64_t now_ms);

/* Hear the codes of an account that can be used, oldest first; borrowed.  ok: the store could say. */
typedef void codes_listed_fn(void *arg, bool ok, const struct shown_code *codes, size_t count);
void codes_list(struct domain *domain, int64_t account, int64_t now_ms, codes_listed_fn *done,
                void *arg);
