/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the opening handshake (RFC 6455 section 4), for either end.  Pure; any thread. */
#pragma once

#include <stdint.h>

#include "common/bytes.h"

enum {
    WS_HANDSHAKE_NONCE_BYTES = 16,
    WS_HANDSHAKE_KEY_BYTES = 25,    /* a nonce as base64, and a NUL */
    WS_HANDSHAKE_ACCEPT_BYTES = 29, /* 20 bytes as base64, and a NUL */
};

/* Write the Sec-WebSocket-Key of a nonce. */
void ws_handshake_key_of(const uint8_t nonce[WS_HANDSHAKE_NONCE_BYTES],
                         char out[WS_HANDSHAKE_KEY_BYTES]);

/* Write the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (section 4.2.2). */
void ws_handshake_accept_of(struct bytes key, char out[WS_HANDSHAKE_ACCEPT_BYTES]);
