/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the opening handshake that the channel needs. */
#pragma once

struct buf;
struct exchange;

/* Append the whole 101 response head to an exchange that ws_handshake_check found OK. */
void ws_handshake_head(const struct exchange *exchange, const char *protocol, struct buf *out);
