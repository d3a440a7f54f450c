/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an account's chain by the recovery key, without a session: who has lost every device
 * needs the head to write the next list.  Whoever cannot sign as the key of the head learns
 * nothing, also not whether there is such an account.  A challenge may be used again until it
 * expires, for the next page.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/challenges.h"
#include "server/domain/domain.h"
#include "server/domain/manifests.h"

enum recovery_chain_result {
    RECOVERY_CHAIN_DONE = 0,
    RECOVERY_CHAIN_DENIED,     /* no such account, no recovery key, or not signed by it */
    RECOVERY_CHAIN_UNAVAILABLE /* the store cannot say */
};

/* Whose chain, by handle or, where that is NULL, by account; and the proof.  All of it is copied. */
struct recovery_chain_order {
    const struct handle *handle;
    struct account_id account_id;
    struct challenge challenge;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    int64_t since; /* manifests above this epoch; -1: from the first */
};

/* page is borrowed until return; NULL but for RECOVERY_CHAIN_DONE. */
typedef void recovery_chain_done_fn(void *arg, enum recovery_chain_result result,
                                    const struct account_id *account_id,
                                    const struct manifests_page *page);

/* done is called exactly once: before this returns when the challenge is not good. */
void recovery_chain_read(struct domain *domain, const struct recovery_chain_order *order,
                         int64_t now_ms, recovery_chain_done_fn *done, void *arg);
