/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of a wire that speak TLS: the library on memory, and plain sockets between,
 * so that a test says which bytes go when.  And a folder with certificates.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/net/tls.h"
#include "tests/net/wire.h"

enum {
    TLS_PATH_BYTES = 300
};

/* A pair of files in a folder of the test. */
struct tls_paths {
    char cert[TLS_PATH_BYTES];
    char key[TLS_PATH_BYTES];
};

struct tls_peer {
    struct wire *wire;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    bool is_over; /* the relay's end of the socket is shut */
};

/* Write a fresh pair for host as NAME.cert and NAME.key that ends at expires_s. */
void tls_paths_make(struct tls_paths *paths, const char *folder, const char *name,
                    int64_t expires_s);
struct tls_files tls_paths_files(const struct tls_paths *paths);

/* A client that checks nothing and offers what the library offers. */
void tls_peer_init(struct tls_peer *peer, struct wire *wire);

/* Connect and begin; session: to resume, or NULL. */
void tls_peer_connect(struct tls_peer *peer, SSL_SESSION *session);
/* Close the socket as it is, and forget the connection; the context stays. */
void tls_peer_drop(struct tls_peer *peer);
void tls_peer_clear(struct tls_peer *peer);

/* Send at most max bytes of what the library wants sent; how many were. */
size_t tls_peer_send(struct tls_peer *peer, size_t max);
/* Give the library what has come. */
void tls_peer_receive(struct tls_peer *peer);

/* Go on with the handshake, step bytes a turn; whether it came to an end well. */
bool tls_peer_shake(struct tls_peer *peer, size_t step);

/* Connect and shake hands, which must go well. */
void tls_peer_meet(struct tls_peer *peer);

/* Send text. */
void tls_peer_say(struct tls_peer *peer, const char *text);

/* Append what can be read now to out; 0: nothing; -1: the relay said that it is over. */
long tls_peer_hear(struct tls_peer *peer, struct buf *out);

/* Turn until size bytes were heard. */
void tls_peer_hear_all(struct tls_peer *peer, struct buf *out, size_t size);
