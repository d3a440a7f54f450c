/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of OPAQUE (RFC 9807): a password is proved to a relay that never sees it, and
 * whoever steals the database must guess it with the relay's key, too.  The
 * configuration is ristretto255-SHA512 for the OPRF (RFC 9497) and 3DH, HKDF, HMAC and
 * hash on SHA-512; context is empty, and identities are the public keys.  How the password
 * is stretched is the client's own affair.
 *
 *   registration   request 32 ->  opaque_register  -> response 64
 *                  record 192 ->  opaque_record_is_valid, then keep it sealed
 *   login          KE1 96     ->  opaque_answer    -> KE2 320; keep the verifier for a minute
 *                  KE3 64     ->  opaque_finish
 *
 * A client that guessed wrong knows so from KE2 alone and sends no KE3: count every KE1.
 * A credential_id names whose record it is, and is never shown: the account's id, or for a
 * handle that nobody has a keyed hash of that handle.  Of somebody unknown there is a fake
 * record, which nobody can tell from a real one.
 * After crypto_start; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    OPAQUE_KEY_BYTES = 32,
    OPAQUE_REQUEST_BYTES = 32,
    OPAQUE_RESPONSE_BYTES = 64,
    OPAQUE_RECORD_BYTES = 192, /* client_public_key 32 | masking_key 64 | envelope 96 */
    OPAQUE_KE1_BYTES = 96,     /* blinded 32 | nonce 32 | keyshare 32 */
    OPAQUE_KE2_BYTES = 320,    /* evaluated 32 | masking nonce 32 | masked 128 | nonce 32 | keyshare
                               32 | MAC 64 */
    OPAQUE_KE3_BYTES = 64,
    OPAQUE_VERIFIER_BYTES = 32,
    OPAQUE_SESSION_KEY_BYTES = 64,
};

/* The keys of a server.  Read only public from outside. */
struct opaque_server {
    uint8_t oprf_seed[64];
    uint8_t secret[32];
    uint8_t public[32];
    uint8_t decoy_key[32];
};

/* What a login leaves.  The verifier is no secret; whoever has the session key wipes it. */
struct opaque_login {
    uint8_t verifier[OPAQUE_VERIFIER_BYTES]; /* SHA-256 of the only right KE3 */
    uint8_t session_key[OPAQUE_SESSION_KEY_BYTES];
};

/*
 * Derive a server's keys from one secret, which does not lie in the database.  With another
 * secret no record is good any more.  clear wipes.
 */
void opaque_server_init(struct opaque_server *server, const uint8_t key[OPAQUE_KEY_BYTES]);
void opaque_server_clear(struct opaque_server *server);

/*
 * Say whether a client's first message has nothing but elements of the group that are not the
 * identity: then opaque_register and opaque_answer cannot fail.
 */
bool opaque_request_is_valid(const uint8_t request[OPAQUE_REQUEST_BYTES]);
bool opaque_ke1_is_valid(const uint8_t ke1[OPAQUE_KE1_BYTES]);

/* Answer a registration request.  False when it is no element of the group, or the identity. */
bool opaque_register(const struct opaque_server *server, struct bytes credential_id,
                     const uint8_t request[OPAQUE_REQUEST_BYTES],
                     uint8_t out_response[OPAQUE_RESPONSE_BYTES]);

/* Say whether a record that a client uploads may be kept: its key is an element, not the identity. */
bool opaque_record_is_valid(const uint8_t record[OPAQUE_RECORD_BYTES]);

/*
 * Make the record of somebody unknown: the same for the same credential_id, for good (RFC
 * 9807 section 10.9).  It takes some time: make it for those who are known, too, and drop it.
 */
void opaque_record_fake(const struct opaque_server *server, struct bytes credential_id,
                        uint8_t out_record[OPAQUE_RECORD_BYTES]);

/*
 * Answer KE1 with KE2 for a record that is valid or fake.  False when an element of ke1 is
 * none or the identity; whose record it is has no part in that.
 */
bool opaque_answer(const struct opaque_server *server, struct bytes credential_id,
                   const uint8_t record[OPAQUE_RECORD_BYTES], const uint8_t ke1[OPAQUE_KE1_BYTES],
                   uint8_t out_ke2[OPAQUE_KE2_BYTES], struct opaque_login *out_login);

/* Say whether ke3 is the one that verifier wants: then the client knew the password. */
bool opaque_finish(const uint8_t verifier[OPAQUE_VERIFIER_BYTES],
                   const uint8_t ke3[OPAQUE_KE3_BYTES]);
