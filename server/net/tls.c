/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context that all handshakes share.  A reload makes a new one: connections
 * keep the one they began with until they end.  No session is kept here; what a
 * client needs to resume is in its ticket.
 */
#include "server/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/mem.h"
#include "server/net/tls_private.h"

/* 256 bits first, for what is recorded today is attacked later; a client without hardware
 * for AES puts ChaCha20 first, and then it is. */
static const char ciphers_12[] =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
static const char ciphers_13[] =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

static const uint8_t protocol_name[] = "\x08http/1.1";

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                   const unsigned char *offered, unsigned offered_size, void *arg)
{
    unsigned size = 0;

    (void)ssl;
    (void)arg;
    for (unsigned at = 0; at < offered_size; at += size) {
        size = offered[at] + 1U;
        if (size <= offered_size - at && size == sizeof protocol_name - 1 &&
            memcmp(offered + at, protocol_name, size) == 0) {
            *out = offered + at + 1;
            *out_size = (unsigned char)(size - 1);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void set_groups(SSL_CTX *context)
{
    /* The library's macros take a text that they might write to, and do not. */
    char with_mlkem[] = "X25519MLKEM768:X25519:P-256:P-384";
    char classic[] = "X25519:P-256:P-384";

    if (SSL_CTX_set1_groups_list(context, with_mlkem) != 1) { /* OpenSSL 3.5 has it */
        ERR_clear_error();
        CHECK(SSL_CTX_set1_groups_list(context, classic) == 1);
    }
}

static void set_up(SSL_CTX *context, struct tls *tls)
{
    static const unsigned char session_id[] = "sealpost";

    CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    CHECK(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
    CHECK(SSL_CTX_set_cipher_list(context, ciphers_12) == 1);
    CHECK(SSL_CTX_set_ciphersuites(context, ciphers_13) == 1);
    set_groups(context);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); /* or each record is read in two calls */
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(context, session_id, sizeof session_id - 1);
    (void)SSL_CTX_set_timeout(context, TLS_TICKET_TURN_MS / 1000);
    (void)SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
    tls_ticket_use(context, tls);
}

/* Load, set up and put in place.  The stamp is taken before: what changes meanwhile is seen. */
static bool tls_load(struct tls *tls, const struct tls_files *files, int64_t now_ms,
                     char *out_error, size_t error_size)
{
    struct tls_pair pair;

    tls_pair_stamp(files, &tls->loaded);
    tls->seen = tls->loaded;
    if (!tls_pair_load(files, &pair, out_error, error_size)) {
        return false;
    }
    if (pair.expires_s * 1000 <= now_ms) {
        (void)snprintf(out_error, error_size, "%s: this certificate has expired; renew it",
                       files->cert);
        SSL_CTX_free(pair.context);
        return false;
    }
    set_up(pair.context, tls);
    SSL_CTX_free(tls->context);
    tls->context = pair.context;
    tls->expires_s = pair.expires_s;
    return true;
}

static void keep_names(struct tls *tls, const struct tls_files *files)
{
    char *cert = mem_text(files->cert);
    char *key = mem_text(files->key);

    free(tls->cert);
    free(tls->key);
    tls->cert = cert;
    tls->key = key;
}

struct tls *tls_create(const struct tls_files *files, const struct tls_limits *limits,
                       char *out_error, size_t error_size)
{
    struct tls *tls = mem_zeroed(1, sizeof *tls);

    tls->limits = *limits;
    keep_names(tls, files);
    tls_ticket_rotate(&tls->tickets, clock_steady_ms());
    if (!tls_load(tls, files, 0, out_error, error_size)) {
        tls_destroy(tls);
        return NULL;
    }
    return tls;
}

void tls_destroy(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->context);
    free(tls->cert);
    free(tls->key);
    mem_wipe(&tls->tickets, sizeof tls->tickets);
    free(tls);
}

bool tls_reload(struct tls *tls, const struct tls_files *files, int64_t now_ms, char *out_error,
                size_t error_size)
{
    keep_names(tls, files);
    return tls_load(tls, files, now_ms, out_error, error_size);
}

bool tls_has_new_files(struct tls *tls)
{
    const struct tls_files files = { .cert = tls->cert, .key = tls->key };
    struct tls_stamp now;

    tls_pair_stamp(&files, &now);
    bool rests = tls_pair_same(&now, &tls->seen);
    tls->seen = now;
    return rests && !tls_pair_same(&now, &tls->loaded);
}

int64_t tls_expires_s(const struct tls *tls)
{
    return tls->expires_s;
}

bool tls_covers(const struct tls *tls, const char *host)
{
    X509 *cert = SSL_CTX_get0_certificate(tls->context);

    return X509_check_host(cert, host, 0, 0, NULL) == 1 || X509_check_ip_asc(cert, host, 0) == 1;
}

void tls_rotate(struct tls *tls)
{
    tls_ticket_rotate(&tls->tickets, clock_steady_ms());
}
