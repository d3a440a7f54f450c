/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of a person, plain or over TLS, without blocking: whole server messages in, masked
 * client frames out, gathered until peer_flush.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "tests/bench/setup.h"

struct peer {
    int fd;
    struct ssl_st *tls; /* NULL: plain */
    const struct person *person;
    struct buf in;
    struct buf out;
    uint32_t waiting; /* SENDs not answered */
    int64_t last_seq; /* newest delivery not acknowledged; 0: none */
    bool caught_up;
};

/*
 * Connect and ask for the upgrade; wait for its answer and make the socket non-blocking; or both.
 * All of it blocks.
 */
void peer_begin(struct peer *peer, const struct relay_address *relay, const struct person *person);
void peer_finish(struct peer *peer);
void peer_open(struct peer *peer, const struct relay_address *relay, const struct person *person);
void peer_close(struct peer *peer);

/* Append one binary message made of head and tail. */
void peer_send(struct peer *peer, struct bytes head, struct bytes tail);

/* Write what was appended; false when some is left. */
bool peer_flush(struct peer *peer);

/* Hear one server message. */
typedef void peer_message_fn(struct peer *peer, struct bytes message, void *arg);

/* Read what is there and tell each whole message; ends the program when the relay closed. */
void peer_read(struct peer *peer, peer_message_fn *fn, void *arg);
