/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for listeners: one certificate with its key, TLS 1.2 with ECDHE and AEAD or
 * TLS 1.3, ALPN http/1.1 and nothing else.  Whatever name a client asks for (SNI),
 * it gets this certificate.  A new certificate takes the place of the old one
 * while connections go on; the keys of session tickets outlive that, so clients
 * resume across it.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;

struct tls_files {
    const char *cert; /* PEM: the certificate, then its intermediates */
    const char *key;  /* PEM, without a passphrase, closed to others */
};

struct tls_limits {
    int64_t handshake_timeout_ms; /* a handshake must be over this long after the accept */
    int64_t handshakes_max;       /* under way at once; above: closed at once */
};

enum {
    TLS_ERROR_BYTES = 512
};

/*
 * Load files, which are copied.  NULL with a sentence in out_error when one cannot be
 * read, others may read the key, or the two do not belong together.  An expired
 * certificate is taken: tls_expires_s tells.
 */
struct tls *tls_create(const struct tls_files *files, const struct tls_limits *limits,
                       char *out_error, size_t error_size);

/* Free it.  No listener or connection may use it any more.  Takes NULL. */
void tls_destroy(struct tls *tls);

/*
 * Load files as tls_create does, and serve them to handshakes from now on.  False with a
 * sentence, and the old pair stays, when that fails or the new one has expired by now_ms.
 */
bool tls_reload(struct tls *tls, const struct tls_files *files, int64_t now_ms, char *out_error,
                size_t error_size);

/*
 * Say whether the files that were loaded last, or tried, were changed since and have come
 * to rest: they look as they did at the call before.  Call it every few seconds.
 */
bool tls_has_new_files(struct tls *tls);

/* The end of the certificate's life in Unix seconds. */
int64_t tls_expires_s(const struct tls *tls);

/* Say whether the certificate is for the host, a name or an address. */
bool tls_covers(const struct tls *tls, const char *host);

/* Begin a new ticket key when it is time for one, and forget the old. */
void tls_rotate(struct tls *tls);
