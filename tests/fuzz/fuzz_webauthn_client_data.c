/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as clientDataJSON.  What is good is JSON that names the type, the challenge, which is
 * zero, and the origin.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/webauthn.h"
#include "common/webauthn_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    static const char *const origins[] = { "https://relay.example" };
    static const struct webauthn_party party = {
        .rp_id = "relay.example",
        .origins = origins,
        .origin_count = 1,
    };
    static bool started;
    uint8_t *copy = mem_raw(size); /* of its own, so that a read of one byte too many is seen */

    started = started || crypto_start();
    CHECK(started);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (webauthn_judge_client_data(&party, "webauthn.get", challenge, bytes_of(copy, size)) ==
        WEBAUTHN_GOOD) {
        CHECK(size <= WEBAUTHN_CLIENT_DATA_MAX);
        CHECK(webauthn_judge_client_data(&party, "webauthn.create", challenge,
                                         bytes_of(copy, size)) == WEBAUTHN_OTHER_TYPE);
    }
    free(copy);
    return 0;
}
