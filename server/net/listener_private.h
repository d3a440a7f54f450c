/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening socket.  When the process is out of descriptors, accepting rests
 * for a moment instead of spinning on a socket that stays ready.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "server/net/net.h"

struct listener {
    TAILQ_ENTRY(listener) link;
    struct net *net;
    net_accept_fn *accept_fn;
    net_accept_fn *plain_fn; /* with TLS: for peers that speak none */
    struct tls *tls;         /* NULL: none */
    void *arg;
    struct event ready;
    struct event retry;
    int fd;
    bool counts;
    bool is_proxied; /* connections begin with a PROXY header */
    uint16_t port;
    char *unix_path; /* NULL for TCP; removed at the end while it is still this socket */
    dev_t unix_device;
    ino_t unix_inode;
};

/* A socket that is bound and listens, or -1 with a sentence in error. */
struct listen_error {
    char *at;
    size_t size;
};

enum {
    LISTEN_BACKLOG = 4096
};

/* Write the sentence; false, so that it can be returned. */
bool address_fail(struct listen_error error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Open what where says ("ADDRESS:PORT" or "unix:/path[,mode=0660][,group=NAME]") into listener's fd. */
bool address_listen_tcp(struct listener *listener, const char *where, struct listen_error error);
bool address_listen_unix(struct listener *listener, const char *where, struct listen_error error);

/* Serve a connection that is admitted: TLS first where door has it. */
struct tls_door;
void listener_serve(struct conn *conn, const struct tls_door *door);

struct sockaddr_storage;

struct peer_origin;

/* Say where a connection with this address comes from. */
struct peer_origin address_origin(const struct sockaddr_storage *address);
