/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relying party of WebAuthn (W3C, Level 3, sections 7.1 and 7.2): security keys and passkeys
 * as a second factor.  Attestation is not asked for (fmt "none"): a registration says which
 * key it is, and nothing of who made the authenticator.
 *
 *   challenge of 32 random bytes, given out once, for five minutes
 *   registration   clientDataJSON, authenticatorData  ->  webauthn_register, keep the credential
 *   assertion      clientDataJSON, authenticatorData, signature
 *                  ->  webauthn_assert, keep the credential's counter and is_backed_up again
 *
 * The caller spends the challenge before it asks, and says that a credential_id is in use by
 * no other account.  After crypto_start; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum webauthn_alg { /* as COSE numbers them (RFC 9053, RFC 8812) */
    WEBAUTHN_ES256 = -7,
    WEBAUTHN_EDDSA = -8,
    WEBAUTHN_RS256 = -257, /* of 2048 bits, with the exponent 65537 */
};

enum {
    WEBAUTHN_CHALLENGE_BYTES = 32,
    WEBAUTHN_ID_MAX = 1023,          /* bytes (section 4) */
    WEBAUTHN_KEY_MAX = 259,          /* ES256: x, y: 64; EdDSA: 32; RS256: n, e: 259 */
    WEBAUTHN_CLIENT_DATA_MAX = 4096, /* bytes; beyond, and below: malformed */
    WEBAUTHN_AUTH_DATA_MAX = 4096,   /* of a registration */
    WEBAUTHN_ASSERTED_MAX = 992,     /* of an assertion: as much as libfido2 verifies */
    WEBAUTHN_SIGNATURE_MAX = 256,
};

enum webauthn_result {
    WEBAUTHN_GOOD = 0,
    WEBAUTHN_MALFORMED,  /* too large, or not what the standard says */
    WEBAUTHN_OTHER_TYPE, /* a registration for an assertion, or the reverse */
    WEBAUTHN_OTHER_CHALLENGE,
    WEBAUTHN_OTHER_ORIGIN, /* none that is allowed, or a page inside another's */
    WEBAUTHN_OTHER_PARTY,  /* made for another rp_id */
    WEBAUTHN_NOT_PRESENT,  /* nobody touched the authenticator */
    WEBAUTHN_NOT_VERIFIED, /* no PIN, no finger, where that was wanted */
    WEBAUTHN_OTHER_ALG,    /* a key of no algorithm above */
    WEBAUTHN_BAD_SIGNATURE,
    WEBAUTHN_COUNTER_BEHIND, /* the signature is right: there may be a copy of the authenticator */
};

/* A result as a word of a few letters and "_".  Static. */
const char *webauthn_result_text(enum webauthn_result result);

/* Who asks.  All is borrowed. */
struct webauthn_party {
    const char *rp_id;          /* a host's name */
    const char *const *origins; /* where a page or an app may ask, as "https://relay.example" */
    size_t origin_count;
    bool wants_verified; /* the person by PIN or body, not by a touch alone */
};

/* What is kept of an authenticator. */
struct webauthn_credential {
    enum webauthn_alg alg;
    uint8_t id[WEBAUTHN_ID_MAX];
    size_t id_size; /* 1..WEBAUTHN_ID_MAX */
    uint8_t key[WEBAUTHN_KEY_MAX];
    size_t key_size;         /* as alg has it */
    uint32_t counter;        /* of signatures; 0 where the authenticator does not count */
    bool is_backup_eligible; /* a passkey that may be on several devices; never changes */
    bool is_backed_up;
};

struct webauthn_assertion {
    struct bytes client_data; /* the text of JSON */
    struct bytes auth_data;
    struct bytes signature;
};

/* Judge a registration.  The credential is written when it is good. */
enum webauthn_result webauthn_register(const struct webauthn_party *party,
                                       const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES],
                                       struct bytes client_data, struct bytes auth_data,
                                       struct webauthn_credential *out);

/*
 * Judge an assertion by the key of credential.  Its counter and is_backed_up are brought up
 * to date when it is good.
 */
enum webauthn_result webauthn_assert(const struct webauthn_party *party,
                                     const uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES],
                                     const struct webauthn_assertion *assertion,
                                     struct webauthn_credential *credential);
