/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has arrived in a soak run: each message opened, verified and held against its
 * number, and the time it took.
 *
 *   content: run[8] (random, so that mail of an earlier run is told apart) | number u64 | zeros
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/ctl/chain.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/soak_load.h"

struct stream_message;

struct soak_arrivals {
    struct soak_counts *counts;
    struct chain sender; /* the sending account, verified by the receiving device */
    uint8_t run[8];
    int64_t count;        /* messages of the run */
    int64_t *times_ms;    /* for each number: when it was sent, then how long it took */
    uint8_t *is_received; /* for each number */
    int64_t next;         /* the number that is due */
    int64_t reconnect_to; /* numbers below this may come again: a stream ended since */
    struct buf seqs;      /* u64 each: to be acknowledged */
};

/* Begin; the sending account's devices are fetched and verified by `to`. */
enum exit_code soak_arrivals_init(struct soak_arrivals *arrivals, struct device *from,
                                  struct device *to, int64_t count, struct soak_counts *counts);
void soak_arrivals_clear(struct soak_arrivals *arrivals);

/* Append the content of message number, of size bytes, at least 16. */
void soak_arrivals_content(const struct soak_arrivals *arrivals, int64_t number, size_t size,
                           struct buf *out);

/* Note when a message was sent for the first time. */
void soak_arrivals_sent(struct soak_arrivals *arrivals, int64_t number, int64_t now_ms);

/* Take a DELIVER message, or an EVENT, which may be a gap. */
void soak_arrivals_deliver(struct soak_arrivals *arrivals, const struct device *to,
                           const struct stream_message *delivery);
void soak_arrivals_event(struct soak_arrivals *arrivals, struct bytes text);

/* Append one ACK of all that was taken since the last, nothing when that is nothing. */
void soak_arrivals_acks(struct soak_arrivals *arrivals, struct buf *out);

/* A stream ended: what was delivered and perhaps not acknowledged may come again. */
void soak_arrivals_reconnected(struct soak_arrivals *arrivals);

/* Count what did not come, and the times. */
void soak_arrivals_sum_up(struct soak_arrivals *arrivals);
