/* SPDX-License-Identifier: Apache-2.0 */
/* The client's half of the opening handshake (RFC 6455 section 4.1).  Pure but for random bytes. */
#pragma once

#include <stddef.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/ctl/exit_code.h"
#include "server/ws/handshake.h"

struct stream_upgrade {
    struct buf text; /* the whole request */
    char key[WS_HANDSHAKE_KEY_BYTES];
};

/* Make the request for base_url's stream with a fresh key. */
void stream_upgrade_init(struct stream_upgrade *upgrade, const char *base_url, const char *token);
void stream_upgrade_clear(struct stream_upgrade *upgrade);

/* Bytes of the answer's head with its empty line; 0 while it is not whole. */
size_t stream_upgrade_head_size(struct bytes answer);

/* Judge an answer whose head is whole; what is wrong with it is said. */
enum exit_code stream_upgrade_judge(const struct stream_upgrade *upgrade, struct bytes answer);
