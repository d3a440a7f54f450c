/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared engine: a PostgreSQL database (13 or later, UTF-8) that several
 * daemons may use at once.  One connection writes, a few read, one listens to
 * what other daemons tell; all of them live on the loop and never block it.
 *
 * Behind a pooler that shares connections nothing can be heard: the store says so
 * with store_hears, and the domain looks for news instead.  With a listen_url past
 * it the store hears once something that it wrote has come that way: so it is the
 * same database.
 *
 * A lost connection is made again by itself.  Meanwhile batches wait for at most
 * a second, then they end STORE_BUSY at once until the database is back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct store;

enum {
    POSTGRES_READERS_MAX = 64
};

struct postgres_config {
    const char *url;        /* postgresql://..., as libpq takes it */
    const char *listen_url; /* where to listen, past a pooler; NULL or empty: url */
    int64_t queue_bytes;    /* bound of the write queue: above it store_set_pressure hears true */
    int reader_count;       /* connections that read, 1..POSTGRES_READERS_MAX */
    bool is_unprepared;     /* prepare no statements: for poolers that share connections */
    bool *out_may_pass;     /* NULL, or set to true when a failure to open may pass by itself */
    int64_t start_wait_ms;  /* how long to wait for a database that is not up; 0: ten seconds */
};

/*
 * Connect and bring the schema to the newest migration; daemons that start
 * together do it once.  Runs loop turns.  Returns NULL with a sentence in
 * out_error (what is wrong and what to do) when the database cannot be reached in
 * time, is too old, is not in UTF-8, or belongs to a newer Sealpost.
 */
struct store *postgres_open(struct loop *loop, const struct postgres_config *config,
                            char *out_error, size_t error_size);
