/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the opening handshake that the channel and the tests need.  Pure. */
#pragma once

#include "common/bytes.h"

struct buf;
struct exchange;

enum {
    WS_HANDSHAKE_ACCEPT_BYTES = 29
}; /* 20 bytes as base64, and a NUL */

/* Write the Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (RFC 6455 4.2.2). */
void ws_handshake_accept_of(struct bytes key, char out[WS_HANDSHAKE_ACCEPT_BYTES]);

/* Append the whole 101 response head to an exchange that ws_handshake_check found OK. */
void ws_handshake_head(const struct exchange *exchange, const char *protocol, struct buf *out);
