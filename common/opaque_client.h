/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of OPAQUE (RFC 9807), in the configuration of opaque.h: ristretto255-SHA512 and
 * 3DH, no context, identities are the public keys.
 *
 *   registration   opaque_client_register -> request 32, response 64
 *                  -> opaque_client_enrol -> record 192
 *   login          opaque_client_begin -> KE1 96, KE2 320
 *                  -> opaque_client_finish -> KE3 64; false: a wrong password, or another server
 *
 * The password is stretched by Argon2id (crypto_stretch.h) with parameters that are the
 * client's own and have to be the same for good: the server does not know them.
 * Whoever has a struct opaque_client clears it.  After crypto_start; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/opaque.h"

enum {
    OPAQUE_PASSWORD_MAX = 1024, /* bytes */
    OPAQUE_EXPORT_KEY_BYTES = 64,
};

/* How a password is stretched; passes is 0 for not at all, which is for test vectors. */
struct opaque_stretch {
    uint32_t passes;
    size_t memory_kib;
};

/* What is kept between the two halves of a registration or a login. */
struct opaque_client {
    uint8_t blind[32];
    uint8_t share[32];             /* the secret of a login's keyshare */
    uint8_t ke1[OPAQUE_KE1_BYTES]; /* of a registration its first 32 bytes, the request */
    uint8_t password[OPAQUE_PASSWORD_MAX];
    size_t password_size;
};

/* What both halves of a login or a registration end with; whoever has it wipes it. */
struct opaque_client_keys {
    uint8_t session_key[OPAQUE_SESSION_KEY_BYTES]; /* of a login */
    uint8_t export_key[OPAQUE_EXPORT_KEY_BYTES];   /* the same at each login; no server knows it */
};

void opaque_client_clear(struct opaque_client *client);

/* Begin a registration.  False when password has no byte, or more than OPAQUE_PASSWORD_MAX. */
bool opaque_client_register(struct opaque_client *client, struct bytes password,
                            uint8_t out_request[OPAQUE_REQUEST_BYTES]);

/* Make the record of a response.  False when it is none, or when there is too little memory. */
bool opaque_client_enrol(const struct opaque_client *client, struct opaque_stretch stretch,
                         const uint8_t response[OPAQUE_RESPONSE_BYTES],
                         uint8_t out_record[OPAQUE_RECORD_BYTES],
                         struct opaque_client_keys *out_keys);

/* Begin a login.  False as above. */
bool opaque_client_begin(struct opaque_client *client, struct bytes password,
                         uint8_t out_ke1[OPAQUE_KE1_BYTES]);

/*
 * Judge KE2 and answer it.  False when the password is not the one that was registered there,
 * when KE2 is no server's that has its record, or when there is too little memory.
 */
bool opaque_client_finish(const struct opaque_client *client, struct opaque_stretch stretch,
                          const uint8_t ke2[OPAQUE_KE2_BYTES], uint8_t out_ke3[OPAQUE_KE3_BYTES],
                          struct opaque_client_keys *out_keys);
