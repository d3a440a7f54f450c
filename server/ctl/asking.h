/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to recover that this device has begun: what is kept of it between the commands, in
 * recovery.json in the device's folder.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/crypto.h"
#include "common/ids.h"
#include "common/recovery_share.h"
#include "server/ctl/recovering.h"

struct asking {
    struct recovering_whom whom;
    struct recovery_id id;
    uint8_t token[RECOVERY_TOKEN_BYTES];
    uint8_t public_key[RECOVERY_PUBLIC_BYTES]; /* X25519, for this alone */
    uint8_t secret_key[RECOVERY_PUBLIC_BYTES];
    bool has_seed; /* what was released has been opened: */
    uint8_t seed[CRYPTO_SEED_BYTES];
};

/* Say whether there is one; write it, or read it: false with the reason said.  Forget it. */
bool asking_exists(const char *folder);
bool asking_save(const char *folder, const struct asking *asking);
bool asking_load(const char *folder, struct asking *out);
bool asking_forget(const char *folder);
