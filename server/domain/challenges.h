/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges prove that a caller holds a device's key now.  They are stateless:
 * the relay hands out 48 bytes that it can recognise, and remembers only those
 * that began a session, until they expire.  Loop thread.
 *
 *   off size
 *   0   8   expiry, Unix seconds
 *   8   16  random
 *   24  24  HMAC-SHA256(keys.challenge, "sealpost/chal/1\0" || expiry || random), cut
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/sigbytes.h"
#include "server/domain/domain.h"

struct store_batch;

struct challenge {
    uint8_t raw[CHALLENGE_BYTES];
};

/* Make a challenge that is good for LIMIT_CHALLENGE_S seconds. */
void challenges_make(const struct domain *domain, int64_t now_ms, struct challenge *out);

/* The Unix second from which on the challenge is good no more. */
int64_t challenges_expiry(const struct challenge *challenge);

/* Say whether this relay made the challenge and it has not expired; constant time. */
bool challenges_check(const struct domain *domain, const struct challenge *challenge,
                      int64_t now_ms);

/*
 * Use the challenge up: append an expected statement that refuses the batch when
 * the challenge was used before.
 */
void challenges_spend(struct store_batch *batch, const struct challenge *challenge);

/* Forget up to DOMAIN_PURGE_ROWS used challenges that cannot be good any more. */
void challenges_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
