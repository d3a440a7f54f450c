/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair and a certificate that it signs for itself: for trying out, and for tests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct crypto_certificate {
    const char *host;  /* DNS name, or address, of at most 64 bytes */
    int64_t begins_s;  /* Unix seconds */
    int64_t expires_s; /* the same */
};

/*
 * Make a P-256 key and a certificate for host and for this machine (localhost and its
 * addresses), and append both in PEM to out_cert and out_key.  False: host is no name.
 */
bool crypto_certificate_make(const struct crypto_certificate *wish, struct buf *out_cert,
                             struct buf *out_key);
