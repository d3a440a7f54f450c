/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of webauthn know of each other: the two texts that an authenticator signs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/webauthn.h"

enum webauthn_flag { /* section 6.1 */
    WEBAUTHN_FLAG_UP = 0x01,
    WEBAUTHN_FLAG_UV = 0x04,
    WEBAUTHN_FLAG_BE = 0x08,
    WEBAUTHN_FLAG_BS = 0x10,
    WEBAUTHN_FLAG_AT = 0x40,
    WEBAUTHN_FLAG_ED = 0x80,
};

/* The begin of authenticatorData; rest is borrowed from it. */
struct webauthn_auth_data {
    uint8_t flags; /* of enum webauthn_flag */
    uint32_t counter;
    struct bytes rest; /* attested credential data, extensions */
};

/* Judge clientDataJSON; type is "webauthn.create" or "webauthn.get".  Unknown members are passed. */
enum webauthn_result webauthn_judge_client_data(const struct webauthn_party *party,
                                                const char *type,
                                                const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES],
                                                struct bytes text);

/* Judge the begin of authenticatorData, and write it when it is good. */
enum webauthn_result webauthn_judge_auth_data(const struct webauthn_party *party, struct bytes data,
                                              struct webauthn_auth_data *out);

/* Read id, alg and key from what stands behind the begin, to its last byte. */
enum webauthn_result webauthn_read_attested(const struct webauthn_auth_data *data,
                                            struct webauthn_credential *out);
