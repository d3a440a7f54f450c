/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that send and receive as fast as a relay lets them.  One thread, epoll.  Every send that
 * is acknowledged is counted, and what a relay refuses or keeps to itself ends the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "tests/bench/peer.h"
#include "tests/bench/setup.h"

struct load {
    struct relay_address relay;
    uint32_t in_flight; /* SENDs that a sender has unanswered at most */
    struct buf body;

    struct person *senders;
    struct peer *out; /* their streams */
    size_t sender_count;
    struct person *receivers;
    struct peer *in; /* the streams of some of them */
    size_t receiver_count;

    uint16_t copies;   /* of a SEND.  0: the n-th sender sends to the n-th receiver; else they go
                          to receivers at random, all different */
    uint16_t *waiting; /* NULL, or for each receiver what was sent to it at random */
    bool online_only;

    int epoll;
    bool sending;
    int64_t left; /* copies that may still be sent; below 0: no bound */
    uint64_t next_id;
    int64_t accepted;  /* copies acknowledged */
    int64_t delivered; /* envelopes received */
    int64_t caught_up; /* streams that have seen all there was */
};

/* Begin with a body of size random bytes; receivers, senders and streams are the caller's. */
void load_init(struct load *load, size_t body_bytes);

/* Open the streams of count people, and close them. */
void load_open(struct load *load, struct peer *peers, const struct person *people, size_t count);
void load_close(struct peer *peers, size_t count);

/* One round of ready sockets; ends the program when nothing happens for ten seconds. */
void load_turn(struct load *load);

/*
 * Send for seconds, after half a second to warm up; with the streams of all receivers open when
 * online.  Prints mode and the rate of what was accepted, or delivered, in that time.
 */
void load_send(struct load *load, const char *mode, int64_t seconds, bool online);

/* Send count copies and wait for all answers. */
void load_fill(struct load *load, int64_t count);

/* Open the streams of count people and receive wanted envelopes; prints mode and the rate. */
void load_drain(struct load *load, const char *mode, const struct person *people, size_t count,
                int64_t wanted);

/* End the program with a sentence. */
void load_fail(const char *what) __attribute__((noreturn));
