/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticators of an account (common/webauthn.h).  Of one the relay keeps, sealed as
 * factor_secret.h says,
 *
 *   pending    expires_at u64 | challenge[32]
 *   confirmed  flags u8 (1 backup eligible, 2 backed up) | alg i16 | size u16 | id | key
 *
 * beside its counter, in clear, and its name, by which it is found:
 *
 *   HMAC-SHA256(keys.index, "sealpost/webauthn-id/1\0" || account_id || id)
 *
 * An id is each account's own: were it the relay's, whoever registers an id that he was shown
 * as allowed for somebody would hear whether that is an account's or a decoy's.  Nobody gains
 * by another's id, for an assertion is judged by the keys of its transaction's account alone.
 *
 *   user handle  HMAC-SHA256(keys.index, "sealpost/webauthn-user/1\0" || account_id)
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
#include "common/limits.h"
#include "common/webauthn.h"

struct domain;
struct factors_secret_row;
struct store_rows;

enum {
    AUTHENTICATORS_USER_BYTES = 32
};

/* Ids of authenticators. */
struct authenticators_ids {
    size_t count;
    struct authenticators_id {
        uint8_t raw[WEBAUTHN_ID_MAX];
        size_t size;
    } at[LIMIT_FACTORS];
};

/* What a browser is asked to register. */
struct authenticators_creation {
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    uint8_t user[AUTHENTICATORS_USER_BYTES];
    struct authenticators_ids excluded; /* those that the account has */
};

/* The opaque handle of an account. */
void authenticators_user(const struct domain *domain, const struct account_id *account_id,
                         uint8_t out[AUTHENTICATORS_USER_BYTES]);

/* The name of an id. */
void authenticators_name(const struct domain *domain, const struct account_id *account_id,
                         struct bytes id, uint8_t out[CRYPTO_SHA256_BYTES]);

/* Append to out_sealed what is kept of a registration that has begun. */
void authenticators_begin(const struct domain *domain, const struct factor_id *factor_id,
                          const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES], int64_t expires_at,
                          struct buf *out_sealed);

/* Read that again; false when it is over, or cannot be read, which the log has. */
bool authenticators_begun(const struct domain *domain, const struct factors_secret_row *row,
                          int64_t now_s, uint8_t out_challenge[WEBAUTHN_CHALLENGE_BYTES]);

/* Append to out_sealed what is kept of a credential. */
void authenticators_close(const struct domain *domain, const struct factor_id *factor_id,
                          const struct webauthn_credential *credential, struct buf *out_sealed);

/* Read that again, with the counter of the row; false, with a line in the log, when it cannot be. */
bool authenticators_open(const struct domain *domain, const struct factors_secret_row *row,
                         struct webauthn_credential *out);

/*
 * The ids of all rows that are left.  Where there is none, decoys take their place, with as much
 * work; NULL: nothing does.
 */
void authenticators_list(const struct domain *domain, struct store_rows *rows,
                         const struct authenticators_ids *decoys, struct authenticators_ids *out);

/* Do as much work as to open one, for nothing. */
void authenticators_open_decoy(const struct domain *domain);

/*
 * Ids that a subject who has none seems to have, and a credential that nobody has, to judge an
 * assertion by: the same each time.  Make them for those who have some, too, and drop them.
 */
void authenticators_decoys(const struct domain *domain, int64_t subject,
                           struct authenticators_ids *out);
void authenticators_decoy(const struct domain *domain, int64_t subject,
                          struct webauthn_credential *out);
