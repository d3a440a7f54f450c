/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a factor, sealed (common/seal.h): table "factors", column "secret",
 * row the factor's id.
 *
 *   totp      the secret, TOTP_SECRET_BYTES
 *   password  see passwords.h
 *   webauthn  see authenticators.h
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

struct domain;

/* Append the sealed secret to out. */
void factor_secret_close(const struct domain *domain, const struct factor_id *id,
                         struct bytes secret, struct buf *out);

/*
 * Append to out what is sealed; false, with a line in the log, when it cannot be read.  Wipe
 * out with factor_secret_wipe.
 */
bool factor_secret_open(const struct domain *domain, const struct factor_id *id,
                        struct bytes sealed, struct buf *out);

/* Wipe an opened secret, and release it. */
void factor_secret_wipe(struct buf *secret);

/* Do as much work as for a secret of size, for nothing. */
void factor_secret_open_decoy(const struct domain *domain, size_t size);

/* Say in the log that the secret of a factor is not what it should be. */
void factor_secret_say_damaged(const struct factor_id *id);
