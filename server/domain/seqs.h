/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequence numbers, the heartbeat and the generation.
 *
 * One counter gives every seq of the relay (domain->next_seq); where the store is
 * shared, the row of each mailbox gives its own, above the floor.  The relay row
 * holds a floor: each start takes up 2^28 above it, so a number is never given
 * again although the row is written only once a minute.  The heartbeat is raised
 * in the row and then in a copy beside the keys; a row behind the copy is a
 * restored database: seqs jump by 2^32 and the generation rises.  So is a row that
 * has lived without any copy beside the keys: it may be a backup.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct domain;

struct seqs_start {
    bool ok;           /* false: the store could not say or write; do not start */
    bool restored;     /* an older database was put back */
    int64_t heartbeat; /* write this to the copy now */
};

typedef void seqs_started_fn(void *arg, const struct seqs_start *start);

/*
 * Read the relay row (made when missing), compare it with the copy's heartbeat
 * (below 0: there is no copy), take up numbers, fill domain->next_seq and ->generation, and only then call
 * done.  Ids of envelopes that wait since less than ten minutes are loaded for
 * the recognition of repeats.
 */
void seqs_start(struct domain *domain, int64_t copy_heartbeat, int64_t now_ms,
                seqs_started_fn *done, void *arg);

/* Hear the heartbeat that was written; 0 when that failed. */
typedef void seqs_beat_fn(void *arg, int64_t heartbeat);

/* Raise the heartbeat and the floor: every minute and at stop. */
void seqs_beat(struct domain *domain, seqs_beat_fn *done, void *arg);

/* Do what a noticed restore does, at the operator's word. */
void seqs_declare_restored(struct domain *domain, seqs_beat_fn *done, void *arg);
