/* SPDX-License-Identifier: Apache-2.0 */
/* A wire whose listener speaks TLS, a folder with a certificate, and a client. */
#pragma once

#include "common/bytes.h"
#include "tests/net/tls_peer.h"
#include "tests/net/wire.h"
#include "tests/support/temp_dir.h"

enum {
    TLS_ROOM_HANDSHAKES = 3,
    TLS_ROOM_TIMEOUT_MS = 20000,
};

struct tls_room {
    struct wire wire;
    char folder[TEMP_DIR_BYTES];
    struct tls_paths paths;
    struct tls *tls;
    struct tls_peer peer;
    size_t plain; /* connections that spoke no TLS */
};

/* For cmocka: *state is a struct tls_room from the one to the other. */
int tls_room_open(void **state);
int tls_room_close(void **state);

/* The end of the life of certificates that are good for long. */
int64_t tls_room_later_s(void);
