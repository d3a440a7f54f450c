/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords, which the relay never sees (common/opaque.h).  Of one it keeps, sealed as
 * factor_secret.h says,
 *
 *   pending    key_id u32
 *   confirmed  key_id u32 | the client's record[192]
 *
 * where key_id names the key file whose server answered the registration: a record is good with
 * that one alone, so a newer key file is for new passwords, and older ones stay.
 *
 * Who has no password is answered by a fake record under the newest key, with the same work.
 * credential_id is the account_id; where there is no account
 *
 *   HMAC-SHA256(keys.index, "sealpost/opaque-nobody/1\0" || subject u64)
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/opaque.h"

struct domain;
struct factors_secret_row;
struct passwords;
struct txns_row;

/* The servers, one for each key file. */
struct passwords *passwords_create(void);

/* Wipe the keys and free it.  Takes NULL. */
void passwords_destroy(struct passwords *passwords);

/* Copy in the key called id (1 or above), which is not in yet. */
void passwords_add_key(struct passwords *passwords, uint32_t id,
                       const uint8_t key[OPAQUE_KEY_BYTES]);

/* Answer a valid request, and append to out_sealed what is kept until there is a record. */
void passwords_register(const struct domain *domain, const struct account_id *account_id,
                        const struct factor_id *factor_id,
                        const uint8_t request[OPAQUE_REQUEST_BYTES],
                        uint8_t out_response[OPAQUE_RESPONSE_BYTES], struct buf *out_sealed);

/*
 * Append to out_sealed what is kept of a valid record, for pending is what was kept of its
 * request.  False, with a line in the log, when that cannot be read.
 */
bool passwords_keep(const struct domain *domain, const struct factor_id *factor_id,
                    struct bytes pending, const uint8_t record[OPAQUE_RECORD_BYTES],
                    struct buf *out_sealed);

/* What KE1 leads to. */
struct passwords_login {
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t verifier[OPAQUE_VERIFIER_BYTES]; /* of KE3 */
    struct factor_id factor_id;              /* whose record it was; random: nobody's */
};

/* Answer a valid KE1 for whom a transaction is; row is the password's, NULL: there is none. */
void passwords_answer(const struct domain *domain, const struct txns_row *txn,
                      const struct factors_secret_row *row, const uint8_t ke1[OPAQUE_KE1_BYTES],
                      struct passwords_login *out);
