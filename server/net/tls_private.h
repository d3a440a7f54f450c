/* SPDX-License-Identifier: Apache-2.0 */
/* What the TLS files of this room share. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/net/net.h"
#include "server/net/tls.h"

enum {
    TLS_TICKET_NAME_BYTES = 16, /* RFC 5077 section 4 */
    TLS_TICKET_KEY_BYTES = 32,
    TLS_TICKET_TURN_MS = 43200000, /* a key seals for 12 h, and opens for 12 h more */
    TLS_STAMP_FILES = 2,
    TLS_SECURITY_LEVEL = 2, /* RSA of 2048 bits, curves of 224: no less */
};

/* One key of session tickets. */
struct tls_ticket_key {
    uint8_t name[TLS_TICKET_NAME_BYTES];
    uint8_t cipher[TLS_TICKET_KEY_BYTES];
    uint8_t mac[TLS_TICKET_KEY_BYTES];
    int64_t made_at; /* steady ms; 0: there is none */
};

struct tls_tickets {
    struct tls_ticket_key current;
    struct tls_ticket_key previous;
};

/* How certificate and key files look from outside: enough to see that one was replaced. */
struct tls_stamp {
    struct {
        dev_t device;
        ino_t inode;
        off_t size;
        int64_t modified_ns; /* 0: it is not there */
    } of[TLS_STAMP_FILES];
};

struct tls {
    SSL_CTX *context;
    struct tls_limits limits;
    struct tls_tickets tickets;
    struct tls_stamp loaded; /* of the files loaded or tried last */
    struct tls_stamp seen;   /* at the last look */
    char *cert;
    char *key;
    int64_t expires_s;
    int64_t handshakes; /* under way */
};

/* ---- tls_pair.c: files ---- */

struct tls_pair {
    SSL_CTX *context; /* with certificate and key in it, not set up otherwise */
    int64_t expires_s;
};

/* Load files into a new context; false with a sentence. */
bool tls_pair_load(const struct tls_files *files, struct tls_pair *out, char *out_error,
                   size_t error_size);

/* Look at the files from outside. */
void tls_pair_stamp(const struct tls_files *files, struct tls_stamp *out);
bool tls_pair_same(const struct tls_stamp *a, const struct tls_stamp *b);

/* ---- tls_ticket.c: resumption ---- */

/* Have context seal its tickets with the keys of tls. */
void tls_ticket_use(SSL_CTX *context, struct tls *tls);

/* Begin with a new key when the current one has served its time by now_ms (steady). */
void tls_ticket_rotate(struct tls_tickets *tickets, int64_t now_ms);

/* ---- tls_conn.c: one connection's end of it ---- */

struct tls_conn;

enum tls_shake {
    TLS_SHAKE_DONE = 0,
    TLS_SHAKE_MORE,    /* the peer has to say something */
    TLS_SHAKE_BLOCKED, /* the peer has to take something */
    TLS_SHAKE_PLAIN,   /* the peer does not speak TLS but, it seems, HTTP */
    TLS_SHAKE_FAILED,
};

/* Begin the server's end on fd, which stays the caller's. */
struct tls_conn *tls_conn_create(struct tls *tls, int fd);

/* Free it; says good-bye before when polite.  Takes NULL. */
void tls_conn_destroy(struct tls_conn *tls, bool polite);

/* Go on with the handshake. */
enum tls_shake tls_conn_shake(struct tls_conn *tls);

/* Say whether the handshake is over. */
bool tls_conn_is_open(const struct tls_conn *tls);

/* Say whether what is under way, though not a write, waits until the peer takes bytes. */
bool tls_conn_wants_write(const struct tls_conn *tls);

/*
 * Read what is there into at, as recv does: 0 is the peer's close_notify; -1 with errno
 * EAGAIN: nothing; another errno: over, also when the peer was cut off without saying
 * good-bye.  *out_more: it stopped for want of room, and must be called again without
 * waiting for the descriptor.
 */
ssize_t tls_conn_read(struct tls_conn *tls, uint8_t *at, size_t size, bool *out_more);

/*
 * Write bytes in records as large as they may be, as send does.  What was not written
 * must stand at the front of the next call.
 */
ssize_t tls_conn_write(struct tls_conn *tls, const uint8_t *at, size_t size);

/* Say whether the kernel took bytes since the last call of this: parts of a record count. */
bool tls_conn_moved(struct tls_conn *tls);

/* Say that nothing more is sent (close_notify); false: call again when fd can be written. */
bool tls_conn_end(struct tls_conn *tls);

/* ---- tls_accept.c: from the accept to the protocol ---- */

struct conn;

struct tls_door {
    struct tls *tls;
    net_accept_fn *accept_fn; /* gets connections whose handshake is over */
    net_accept_fn *plain_fn;  /* gets those that speak HTTP without TLS */
    void *arg;
};

/* Say whether a further handshake may begin. */
bool tls_accept_has_room(const struct tls *tls);

/* Begin the handshake of a new connection. */
void tls_accept_begin(struct conn *conn, const struct tls_door *door);

/* Go on with it: the descriptor is ready. */
void tls_accept_go_on(struct conn *conn);
