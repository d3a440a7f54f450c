/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store/migrate.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "server/store/migrations.h"

static const char create_table[] = "CREATE TABLE IF NOT EXISTS schema ("
                                   " one INTEGER PRIMARY KEY CHECK (one = 1),"
                                   " version INTEGER NOT NULL,"
                                   " min_reader INTEGER NOT NULL)";
static const char create_row[] = "INSERT INTO schema (one, version, min_reader) VALUES (1, 0, 0)"
                                 " ON CONFLICT (one) DO NOTHING";
static const char get_version[] = "SELECT version FROM schema";
static const char get_min_reader[] = "SELECT min_reader FROM schema";
static const char set_version[] = "UPDATE schema SET version = $1";

static int64_t migrate_newest(const struct migration *migrations)
{
    int64_t newest = 0;

    for (const struct migration *m = migrations; m->version != 0; m++) {
        newest = m->version;
    }
    return newest;
}

static enum migrate_result migrate_fail(const struct migrate_engine *engine, const char *step,
                                        char *out_error, size_t error_size)
{
    (void)snprintf(out_error, error_size, "its upgrade failed at %s (%s); nothing was changed",
                   step, engine->why(engine->arg));
    return MIGRATE_FAILED;
}

static enum migrate_result migrate_pending(const struct migrate_engine *engine,
                                           const struct migration *migrations, int64_t version,
                                           char *out_error, size_t error_size)
{
    for (const struct migration *m = migrations; m->version != 0; m++) {
        if (m->version <= version) {
            continue;
        }
        if (!engine->run(engine->arg, m->sql) ||
            !engine->set(engine->arg, set_version, m->version)) {
            return migrate_fail(engine, m->name, out_error, error_size);
        }
        log_info("store.migrated", "migration=%s", m->name);
    }
    return MIGRATE_DONE;
}

/* Inside the transaction. */
static enum migrate_result migrate_all(const struct migrate_engine *engine,
                                       const struct migration *migrations, char *out_error,
                                       size_t error_size)
{
    int64_t newest = migrate_newest(migrations);
    int64_t version = 0;
    int64_t min_reader = 0;

    if (!engine->run(engine->arg, create_table) || !engine->run(engine->arg, create_row) ||
        !engine->get(engine->arg, get_version, &version) ||
        !engine->get(engine->arg, get_min_reader, &min_reader)) {
        return migrate_fail(engine, "reading its version", out_error, error_size);
    }
    if (min_reader > newest) {
        (void)snprintf(out_error, error_size,
                       "it was written by a newer Sealpost: it needs version %" PRId64
                       " of the schema and this one knows %" PRId64,
                       min_reader, newest);
        return MIGRATE_NEWER;
    }
    return migrate_pending(engine, migrations, version, out_error, error_size);
}

enum migrate_result migrate_run(const struct migrate_engine *engine,
                                const struct migration *migrations, char *out_error,
                                size_t error_size)
{
    if (!engine->run(engine->arg, "BEGIN")) {
        return migrate_fail(engine, "its first step", out_error, error_size);
    }
    enum migrate_result result = migrate_all(engine, migrations, out_error, error_size);
    if (result == MIGRATE_DONE && !engine->run(engine->arg, "COMMIT")) {
        result = migrate_fail(engine, "its last step", out_error, error_size);
    }
    if (result != MIGRATE_DONE) {
        (void)engine->run(engine->arg, "ROLLBACK");
    }
    return result;
}
