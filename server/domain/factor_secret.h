/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of authenticator apps, sealed (common/seal.h): table "factors", column
 * "secret", row the factor's id.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/totp.h"

struct domain;

/* Append the sealed secret to out. */
void factor_secret_close(const struct domain *domain, const struct factor_id *id,
                         const uint8_t secret[TOTP_SECRET_BYTES], struct buf *out);

/* Open a sealed one; false, with a line in the log, when it cannot be read. */
bool factor_secret_open(const struct domain *domain, const struct factor_id *id,
                        struct bytes sealed, uint8_t out[TOTP_SECRET_BYTES]);

/* Do as much work for nothing. */
void factor_secret_open_decoy(const struct domain *domain);
