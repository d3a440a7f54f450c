/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory the daemon may come to need, whatever its clients do: a sum of
 * products of the configuration, each explained in server/README.md, Memory.
 * Pure; any thread.
 */
#pragma once

#include <stdint.h>

struct buf;
struct config;

/* What it is made of, in bytes. */
struct app_memory {
    int64_t connections; /* max_connections, each with a stream, and with TLS where tls_listen is */
    int64_t handshakes;  /* tls_handshakes_max, where tls_listen is set */
    int64_t requests;    /* request_bodies_max, and what those of streams take beside it */
    int64_t output;      /* output_total_max, and what one turn of the loop adds to it */
    int64_t queue;       /* store_queue_bytes */
    int64_t mailboxes;   /* mailbox_cache_max */
    int64_t ids;         /* dedup_max */
    int64_t sessions;    /* as many as are kept in memory, as are accounts */
    int64_t accounts;    /* each with as many devices as it may have */
    int64_t rates;       /* the tables of domain/limits.c, which are made whole */
    int64_t store;       /* the engine: page caches, connections, answers under way */
    int64_t process;     /* the daemon itself, and a quarter of the rest for the heap's holes */
};

struct app_memory app_memory_of(const struct config *config);

/* The sum of the parts. */
int64_t app_memory_total(const struct app_memory *memory);

/* Append "memory at most N MiB: connections N, ..." without a line's end. */
void app_memory_append(struct buf *out, const struct app_memory *memory);
