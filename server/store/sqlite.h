/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine: one SQLite file in WAL mode with synchronous=FULL, one
 * writer thread that commits all that waits as one group, reader threads for
 * store_read, and a checkpoint thread.  One daemon a file (a lock file holds
 * others off).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct store;

struct sqlite_config {
    const char *path;      /* the database file; its folder exists and is ours */
    int64_t queue_bytes;   /* bound of the write queue: above it store_set_pressure hears true */
    int64_t ballast_bytes; /* size of the file given up when the disk is full; 0: none */
    int reader_count;      /* reader threads, 1..8 */
    int64_t truncate_ms;   /* the log is emptied at most this long after a write; 0: a minute */
    bool no_store;         /* bench only: statements named "envelopes.append*" and
                              "envelopes.ack*" are answered without being run */
};

/*
 * Open or create the database and bring its schema to the newest migration.
 * Returns NULL with a sentence in out_error (what is wrong and what to do) when
 * the file is on a network file system, belongs to a newer Sealpost, is not a
 * database, is locked by another daemon, or cannot be written.
 */
struct store *sqlite_open(struct loop *loop, const struct sqlite_config *config, char *out_error,
                          size_t error_size);
