/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before there is anything to hold up: one plain connection that blocks.  The
 * migrations run under a lock of the database, so that daemons that start
 * together do them once, in one transaction, which PostgreSQL can undo whole.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/clock.h"
#include "server/store/migrate.h"
#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_params_private.h"
#include "server/store/postgres_private.h"
#include "server/store/postgres_server_private.h"

enum {
    SCHEMA_RETRY_MS = 200,
    SCHEMA_NUMBER_BYTES = 24
};

static bool schema_run(void *arg, const char *sql)
{
    bool is_begin = strcmp(sql, "BEGIN") == 0;
    PGresult *result = PQexec(arg, is_begin ? postgres_begin_migrations : sql);
    bool is_good = postgres_fault_of(result) == FAULT_NONE;

    PQclear(result);
    return is_good;
}

static bool schema_set(void *arg, const char *sql, int64_t value)
{
    char number[SCHEMA_NUMBER_BYTES];
    const char *const values[] = { number };

    (void)snprintf(number, sizeof number, "%" PRId64, value);
    PGresult *result = PQexecParams(arg, sql, 1, NULL, values, NULL, NULL, 0);
    bool is_good = postgres_fault_of(result) == FAULT_NONE;
    PQclear(result);
    return is_good;
}

static bool schema_get(void *arg, const char *sql, int64_t *out_value)
{
    PGresult *result = PQexec(arg, sql);
    bool is_good = postgres_fault_of(result) == FAULT_NONE && PQntuples(result) == 1;

    if (is_good) {
        *out_value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return is_good;
}

static const char *schema_why(void *arg)
{
    char *why = PQerrorMessage(arg);

    why[strcspn(why, "\n")] = '\0'; /* what follows quotes the statement */
    return why;
}

static bool schema_run_all(PGconn *pg, const struct migration *migrations, char *out_error,
                           size_t error_size)
{
    const struct migrate_engine engine = {
        .arg = pg, .run = schema_run, .set = schema_set, .get = schema_get, .why = schema_why
    };
    char what[256] = "";

    switch (migrate_run(&engine, migrations, what, sizeof what)) {
    case MIGRATE_DONE:
        return true;
    case MIGRATE_NEWER:
        (void)snprintf(out_error, error_size,
                       "cannot use the PostgreSQL database: %s; install the newer Sealpost again",
                       what);
        return false;
    case MIGRATE_FAILED:
        (void)snprintf(out_error, error_size, "cannot use the PostgreSQL database: %s; mend that",
                       what);
        return false;
    }
    return false;
}

/* A server that starts, or is not there yet, may be there soon; a refusal is for good. */
static bool schema_may_come(const PGconn *pg)
{
    const char *why = PQerrorMessage(pg);

    return strstr(why, "authentication failed") == NULL && strstr(why, "does not exist") == NULL &&
           strstr(why, "no pg_hba.conf entry") == NULL;
}

static PGconn *schema_connect(const struct postgres_params *params, int64_t wait_ms)
{
    const struct timespec pause = { .tv_nsec = SCHEMA_RETRY_MS * INT64_C(1000000) };
    int64_t until_ms = clock_steady_ms() + wait_ms;
    PGconn *pg = NULL;

    for (;;) {
        pg = PQconnectdbParams((const char *const *)params->keywords,
                               (const char *const *)params->values, 0);
        CHECK(pg != NULL); /* no memory */
        if (PQstatus(pg) == CONNECTION_OK || clock_steady_ms() >= until_ms ||
            !schema_may_come(pg)) {
            return pg;
        }
        PQfinish(pg);
        (void)nanosleep(&pause, NULL);
    }
}

bool postgres_schema_migrate(const struct postgres_params *params,
                             const struct migration *migrations, int64_t wait_ms,
                             bool *out_may_pass, char *out_error, size_t error_size)
{
    struct postgres_params own;
    char why[POSTGRES_WHY_BYTES];
    bool is_good = false;

    postgres_params_copy(&own, params);
    if (postgres_params_get(&own, "connect_timeout")[0] == '\0') {
        postgres_params_set(&own, "connect_timeout", "3");
    }
    PGconn *pg = schema_connect(&own, wait_ms);
    (void)PQsetNoticeReceiver(pg, postgres_server_ignore_notice, NULL);
    if (PQstatus(pg) != CONNECTION_OK) {
        *out_may_pass = schema_may_come(pg);
        (void)snprintf(
            out_error, error_size,
            "cannot reach the PostgreSQL database: %s; look at storage and at the server",
            schema_why(pg));
    } else if (!postgres_server_fits(pg, why, sizeof why)) {
        (void)snprintf(out_error, error_size, "cannot use the PostgreSQL database: %s", why);
    } else {
        is_good = schema_run_all(pg, migrations, out_error, error_size);
    }
    PQfinish(pg);
    postgres_params_clear(&own);
    return is_good;
}
