/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyed hashes of what left the relay: device keys that an account removed and
 * accounts that were erased cannot come back, and yet the rows that say so name
 * nobody to a thief of the database.
 *
 *   HMAC-SHA256(keys.index, "sealpost/left-device/1\0" || device_pub)
 *   HMAC-SHA256(keys.index, "sealpost/erased-account/1\0" || account_id)
 *
 * Pure; any thread.
 */
#pragma once

#include <stdint.h>

#include "common/crypto.h"
#include "common/ids.h"

struct domain;

struct left_hash {
    uint8_t raw[CRYPTO_SHA256_BYTES];
};

void left_device(const struct domain *domain, const struct device_pub *pub, struct left_hash *out);
void left_account(const struct domain *domain, const struct account_id *account_id,
                  struct left_hash *out);
