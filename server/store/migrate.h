/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bring a schema to the newest migration.  The table `schema` has one row:
 *   version     the last migration that ran
 *   min_reader  the oldest newest-migration with which a daemon may still use
 *               the data; a migration that old daemons could not live with
 *               raises it in its own text
 * A daemon that knows migrations up to N opens any database whose min_reader is
 * at most N, also one of a higher version, so an upgrade can be taken back.
 *
 * All pending migrations run in one transaction: after a failure or a crash the
 * database is as it was, and the old daemon starts on it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct migration;

/* What migrate needs of an engine.  Each function returns false when it fails. */
struct migrate_engine {
    void *arg;
    bool (*run)(void *arg, const char *sql);                     /* statements, no rows */
    bool (*set)(void *arg, const char *sql, int64_t value);      /* one statement, $1 */
    bool (*get)(void *arg, const char *sql, int64_t *out_value); /* first value, first row */
    const char *(*why)(void *arg);                               /* the last failure */
};

enum migrate_result {
    MIGRATE_DONE = 0,
    MIGRATE_NEWER, /* a newer Sealpost wrote this database */
    MIGRATE_FAILED /* nothing was changed */
};

/*
 * Run what of migrations (ended by version 0, ascending) did not run yet.  On
 * other results than MIGRATE_DONE out_error gets half a sentence: what was met.
 */
enum migrate_result migrate_run(const struct migrate_engine *engine,
                                const struct migration *migrations, char *out_error,
                                size_t error_size);
