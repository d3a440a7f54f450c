/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/net/tls_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/crypto_certificate.h"
#include "tests/support/unit.h"

enum {
    PIECE_BYTES = 8192,
    ALL = 1 << 30
};

static void write_file(const char *path, const struct buf *text)
{
    char fresh[TLS_PATH_BYTES + 8];

    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text->at, text->size), text->size);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(fresh, path), 0);
}

void tls_paths_make(struct tls_paths *paths, const char *folder, const char *name,
                    int64_t expires_s)
{
    const struct crypto_certificate wish = { .host = name, .expires_s = expires_s };
    struct buf cert = { 0 };
    struct buf key = { 0 };

    assert_true(crypto_certificate_make(&wish, &cert, &key));
    (void)snprintf(paths->cert, sizeof paths->cert, "%s/%s.cert", folder, name);
    (void)snprintf(paths->key, sizeof paths->key, "%s/%s.key", folder, name);
    write_file(paths->cert, &cert);
    write_file(paths->key, &key);
    buf_clear(&cert);
    buf_clear(&key);
}

struct tls_files tls_paths_files(const struct tls_paths *paths)
{
    return (struct tls_files){ .cert = paths->cert, .key = paths->key };
}

void tls_peer_init(struct tls_peer *peer, struct wire *wire)
{
    *peer = (struct tls_peer){ .wire = wire, .fd = -1 };
    peer->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(peer->context);
}

void tls_peer_connect(struct tls_peer *peer, SSL_SESSION *session)
{
    const int on = 1;

    peer->is_over = false;
    peer->fd = wire_connect(peer->wire);
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer->ssl = SSL_new(peer->context);
    assert_non_null(peer->ssl);
    SSL_set_bio(peer->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(peer->ssl);
    if (session != NULL) {
        assert_int_equal(SSL_set_session(peer->ssl, session), 1);
    }
}

void tls_peer_drop(struct tls_peer *peer)
{
    if (peer->ssl != NULL) { /* or the library would not resume what did not end well */
        SSL_set_shutdown(peer->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    if (peer->fd >= 0) {
        (void)close(peer->fd);
        peer->fd = -1;
    }
}

void tls_peer_clear(struct tls_peer *peer)
{
    tls_peer_drop(peer);
    SSL_CTX_free(peer->context);
}

size_t tls_peer_send(struct tls_peer *peer, size_t max)
{
    char *at = NULL;
    BIO *out = SSL_get_wbio(peer->ssl);
    size_t size = (size_t)BIO_get_mem_data(out, &at);

    size = size < max ? size : max;
    size = size < PIECE_BYTES ? size : PIECE_BYTES;
    ssize_t sent = size == 0 ? 0 : send(peer->fd, at, size, MSG_NOSIGNAL);
    if (sent <= 0) {
        return 0;
    }
    char gone[PIECE_BYTES];
    assert_int_equal(BIO_read(out, gone, (int)sent), sent);
    return (size_t)sent;
}

void tls_peer_receive(struct tls_peer *peer)
{
    char some[PIECE_BYTES];
    ssize_t size = recv(peer->fd, some, sizeof some, 0);

    if (size > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(peer->ssl), some, (int)size), size);
    }
    peer->is_over = size == 0 || (size < 0 && errno != EAGAIN);
}

bool tls_peer_shake(struct tls_peer *peer, size_t step)
{
    for (;;) {
        ERR_clear_error();
        int result = SSL_do_handshake(peer->ssl);
        size_t sent = tls_peer_send(peer, step);
        if (result != 1 && SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ) {
            return false;
        }
        if (result == 1 && sent == 0) {
            return true;
        }
        if (peer->is_over) {
            return false;
        }
        wire_turn(peer->wire);
        tls_peer_receive(peer);
    }
}

static bool has_met(const struct wire *wire)
{
    return wire->conn != NULL;
}

void tls_peer_meet(struct tls_peer *peer)
{
    peer->wire->conn = NULL;
    tls_peer_connect(peer, NULL);
    assert_true(tls_peer_shake(peer, ALL));
    wire_wait(peer->wire, has_met);
}

void tls_peer_say(struct tls_peer *peer, const char *text)
{
    assert_int_equal(SSL_write(peer->ssl, text, (int)strlen(text)), strlen(text));
    while (tls_peer_send(peer, ALL) > 0) {
    }
}

long tls_peer_hear(struct tls_peer *peer, struct buf *out)
{
    char some[PIECE_BYTES];
    size_t size = 0;

    tls_peer_receive(peer);
    ERR_clear_error();
    int result = SSL_read_ex(peer->ssl, some, sizeof some, &size);
    if (result == 1) {
        buf_append(out, bytes_of(some, size));
        return (long)size;
    }
    return SSL_get_error(peer->ssl, result) == SSL_ERROR_ZERO_RETURN ? -1 : 0;
}

void tls_peer_hear_all(struct tls_peer *peer, struct buf *out, size_t size)
{
    while (out->size < size) {
        if (tls_peer_hear(peer, out) == 0) {
            wire_turn(peer->wire);
        }
    }
}
