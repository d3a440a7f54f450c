/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 262144,
    HEAD_BYTES = 4096
};

static void give_up(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): there is one thread */
}

/* Shake hands on the descriptor, which still blocks.  Who the relay is does not matter here. */
static SSL *tls_open(int fd)
{
    static SSL_CTX *context = NULL;
    SSL *tls = NULL;

    if (context == NULL) {
        (void)signal(SIGPIPE, SIG_IGN);
        context = SSL_CTX_new(TLS_client_method());
    }
    tls = context == NULL ? NULL : SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1) {
        give_up("no TLS");
    }
    (void)SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

/* What the library says of a call, as recv and send would say it. */
static ssize_t tls_result(const struct peer *peer, int done)
{
    if (done > 0) {
        return done;
    }
    int error = SSL_get_error(peer->tls, done);
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t peer_take(const struct peer *peer, void *at, size_t size)
{
    if (peer->tls == NULL) {
        return recv(peer->fd, at, size, 0);
    }
    return tls_result(peer, SSL_read(peer->tls, at, (int)size));
}

static ssize_t peer_give(const struct peer *peer, struct bytes bytes)
{
    if (peer->tls == NULL) {
        return send(peer->fd, bytes.at, bytes.size, MSG_NOSIGNAL);
    }
    return tls_result(peer, SSL_write(peer->tls, bytes.at, (int)bytes.size));
}

void peer_begin(struct peer *peer, const struct relay_address *relay, const struct person *person)
{
    struct buf request = { 0 };

    memset(peer, 0, sizeof *peer);
    peer->person = person;
    peer->fd = setup_connect(relay, relay->tls_port != 0 ? relay->tls_port : relay->port);
    peer->tls = relay->tls_port != 0 ? tls_open(peer->fd) : NULL;
    buf_append_format(&request,
                      "GET /v1/stream HTTP/1.1\r\nHost: relay.example\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                      "Sec-WebSocket-Protocol: sealpost.v1\r\nAuthorization: Bearer %s\r\n\r\n",
                      person->token);
    if (peer_give(peer, buf_view(&request)) != (ssize_t)request.size) {
        give_up("cannot write the upgrade");
    }
    buf_clear(&request);
}

void peer_finish(struct peer *peer)
{
    char head[HEAD_BYTES];
    size_t size = 0;
    const char *end = NULL;

    while (end == NULL) {
        ssize_t got = peer_take(peer, head + size, sizeof head - 1 - size);
        if (got <= 0) {
            give_up("no answer to the upgrade");
        }
        size += (size_t)got;
        head[size] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (strncmp(head, "HTTP/1.1 101", 12) != 0) {
        give_up(head);
    }
    end += 4;
    buf_append(&peer->in, bytes_of(end, size - (size_t)(end - head)));
    (void)fcntl(peer->fd, F_SETFL, O_NONBLOCK);
}

void peer_open(struct peer *peer, const struct relay_address *relay, const struct person *person)
{
    peer_begin(peer, relay, person);
    peer_finish(peer);
}

void peer_close(struct peer *peer)
{
    SSL_free(peer->tls);
    (void)close(peer->fd);
    buf_clear(&peer->in);
    buf_clear(&peer->out);
}

/* The mask is zero: legal, and it costs the measured side the same work. */
void peer_send(struct peer *peer, struct bytes head, struct bytes tail)
{
    size_t size = head.size + tail.size;

    buf_append_u8(&peer->out, 0x82);
    if (size < 126) {
        buf_append_u8(&peer->out, (uint8_t)(0x80 | size));
    } else if (size < 65536) {
        buf_append_u8(&peer->out, 0x80 | 126);
        buf_append_u16(&peer->out, (uint16_t)size);
    } else {
        buf_append_u8(&peer->out, 0x80 | 127);
        buf_append_u64(&peer->out, size);
    }
    buf_append_u32(&peer->out, 0);
    buf_append(&peer->out, head);
    buf_append(&peer->out, tail);
}

bool peer_flush(struct peer *peer)
{
    while (peer->out.size > 0) {
        ssize_t sent = peer_give(peer, buf_view(&peer->out));
        if (sent < 0 && errno == EAGAIN) {
            return false;
        }
        if (sent < 0) {
            give_up("the relay closed a stream");
        }
        buf_drop_front(&peer->out, (size_t)sent);
    }
    return true;
}

/* Size of the first frame in at[0..size), its head included; 0 when it is not whole. */
static size_t frame_size(const uint8_t *at, size_t size, size_t *out_head)
{
    uint64_t length = 0;

    *out_head = 2;
    if (size < 2) {
        return 0;
    }
    length = at[1] & 0x7f;
    if (length == 126) {
        *out_head = 4;
        length = size < 4 ? 0 : (uint64_t)(at[2] << 8 | at[3]);
    } else if (length == 127) {
        *out_head = 10;
        length = 0;
        for (size_t i = 2; i < 10 && size >= 10; i++) {
            length = length << 8 | at[i];
        }
    }
    return size < *out_head || size - *out_head < length ? 0 : *out_head + (size_t)length;
}

void peer_read(struct peer *peer, peer_message_fn *fn, void *arg)
{
    static uint8_t scratch[READ_BYTES];
    ssize_t got = 0;
    size_t at = 0;
    size_t head = 0;
    size_t whole = 0;

    do { /* what the library holds wakes nobody */
        got = peer_take(peer, scratch, sizeof scratch);
        if (got > 0) {
            buf_append(&peer->in, bytes_of(scratch, (size_t)got));
        }
    } while (got > 0 && peer->tls != NULL);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        give_up("the relay closed a stream");
    }
    while ((whole = frame_size(peer->in.at + at, peer->in.size - at, &head)) > 0) {
        if ((peer->in.at[at] & 0x0f) == 0x02) {
            fn(peer, bytes_of(peer->in.at + at + head, whole - head), arg);
        }
        at += whole;
    }
    buf_drop_front(&peer->in, at);
}
