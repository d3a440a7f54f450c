/* SPDX-License-Identifier: Apache-2.0 */
/* What a request to recover shows, to who asks, who helps and the account.  Loop thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "common/recovery_share.h"
#include "common/sas.h"

/* The numbers stand in the database. */
enum recoveries_state {
    RECOVERIES_STATE_OPEN = 0,
    RECOVERIES_STATE_CANCELLED,
    RECOVERIES_STATE_RELEASED,
    RECOVERIES_STATE_DONE
};

/* Its name on the wire.  Static. */
const char *recoveries_state_text(enum recoveries_state state);

/* What a request shows; the bytes are empty while there is none. */
struct recoveries_view {
    struct recovery_id recovery_id;
    uint8_t public_key[RECOVERY_PUBLIC_BYTES];
    int64_t exchange;                           /* 0: none was begun */
    int64_t created_at, wait_until, expires_at; /* Unix seconds */
    enum recoveries_state state;
    bool has_commit, has_contact_random, has_random, has_packet;
    struct sas_commit commit;
    struct sas_random contact_random; /* rE */
    struct sas_random random;         /* rN */
};
