/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's end of TLS.  The library reads and writes the descriptor by
 * itself, takes buffers only while a record is in hand and gives them back, so
 * that an idle connection holds none.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/mem.h"
#include "server/net/tls_private.h"

enum {
    RECORD_HANDSHAKE = 22, /* the first byte of a ClientHello's record (RFC 8446 section 5.1) */
};

struct tls_conn {
    SSL *ssl;
    uint64_t moved;   /* bytes given to the kernel at the last call of tls_conn_moved */
    bool is_known;    /* the first byte was looked at */
    bool is_open;     /* the handshake is over; the library forgets that when it fails later */
    bool is_failed;   /* the library must not be called again */
    bool is_ended;    /* close_notify has left */
    bool wants_write; /* a handshake or a reading waits until bytes can leave */
};

struct tls_conn *tls_conn_create(struct tls *tls, int fd)
{
    struct tls_conn *conn = mem_zeroed(1, sizeof *conn);

    conn->ssl = SSL_new(tls->context);
    CHECK(conn->ssl != NULL && SSL_set_fd(conn->ssl, fd) == 1); /* only without memory */
    SSL_set_accept_state(conn->ssl);
    return conn;
}

void tls_conn_destroy(struct tls_conn *tls, bool polite)
{
    if (tls == NULL) {
        return;
    }
    if (polite) {
        (void)tls_conn_end(tls);
    }
    SSL_free(tls->ssl);
    free(tls);
}

/* What the library's last result was; fatal ones are kept in mind. */
static int tls_conn_error(struct tls_conn *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);

    tls->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) {
        tls->is_failed = true;
        ERR_clear_error();
    }
    return error;
}

/* The library knows HTTP by four methods only, and sees each as a failure. */
static enum tls_shake first_byte(struct tls_conn *tls)
{
    uint8_t first = 0;
    ssize_t size = recv(SSL_get_fd(tls->ssl), &first, 1, MSG_PEEK);

    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return TLS_SHAKE_MORE;
    }
    if (size == 1 && first != RECORD_HANDSHAKE && first >= 'A' && first <= 'z') {
        return TLS_SHAKE_PLAIN;
    }
    return size == 1 ? TLS_SHAKE_DONE : TLS_SHAKE_FAILED;
}

enum tls_shake tls_conn_shake(struct tls_conn *tls)
{
    if (!tls->is_known) {
        enum tls_shake first = first_byte(tls);
        if (first != TLS_SHAKE_DONE) {
            return first;
        }
        tls->is_known = true;
    }
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->wants_write = false;
        tls->is_open = true;
        return TLS_SHAKE_DONE;
    }
    switch (tls_conn_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_SHAKE_MORE;
    case SSL_ERROR_WANT_WRITE:
        return TLS_SHAKE_BLOCKED;
    default: /* the library's, not ours */
        return TLS_SHAKE_FAILED;
    }
}

bool tls_conn_is_open(const struct tls_conn *tls)
{
    return tls->is_open;
}

bool tls_conn_wants_write(const struct tls_conn *tls)
{
    return tls->wants_write;
}

static ssize_t refused(int error)
{
    errno = error;
    return -1;
}

ssize_t tls_conn_read(struct tls_conn *tls, uint8_t *at, size_t size, bool *out_more)
{
    size_t total = 0;
    size_t some = 0;

    *out_more = true;
    if (tls->is_failed) {
        return refused(ECONNRESET);
    }
    ERR_clear_error();
    while (total < size && SSL_read_ex(tls->ssl, at + total, size - total, &some) == 1) {
        total += some;
        *out_more = SSL_has_pending(tls->ssl) != 0;
        if (!*out_more) {
            tls->wants_write = false;
            return (ssize_t)total; /* the kernel says when there is more: not asked in vain */
        }
    }
    if (total == size) {
        return (ssize_t)total;
    }
    int error = tls_conn_error(tls, 0);
    bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    *out_more = !waits || tls->wants_write;
    if (total > 0) {
        return (ssize_t)total; /* an end is told by the next call */
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    return refused(waits ? EAGAIN : ECONNRESET);
}

ssize_t tls_conn_write(struct tls_conn *tls, const uint8_t *at, size_t size)
{
    size_t total = 0;
    size_t some = 0;

    if (tls->is_failed) {
        return refused(ECONNRESET);
    }
    ERR_clear_error();
    while (total < size && SSL_write_ex(tls->ssl, at + total, size - total, &some) == 1) {
        total += some;
    }
    if (total == size) {
        return (ssize_t)total;
    }
    bool waits = tls_conn_error(tls, 0) == SSL_ERROR_WANT_WRITE;
    tls->wants_write = false; /* the connection knows that output waits */
    if (total > 0) {
        return (ssize_t)total;
    }
    return refused(waits ? EAGAIN : ECONNRESET);
}

bool tls_conn_moved(struct tls_conn *tls)
{
    uint64_t moved = BIO_number_written(SSL_get_wbio(tls->ssl));
    bool has_moved = moved != tls->moved;

    tls->moved = moved;
    return has_moved;
}

bool tls_conn_end(struct tls_conn *tls)
{
    if (tls->is_failed || tls->is_ended || !tls_conn_is_open(tls)) {
        return true;
    }
    ERR_clear_error();
    int result = SSL_shutdown(tls->ssl);
    if (result < 0 && tls_conn_error(tls, result) == SSL_ERROR_WANT_WRITE) {
        tls->wants_write = false;
        return false;
    }
    tls->is_ended = true;
    return true;
}
