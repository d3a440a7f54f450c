/* SPDX-License-Identifier: Apache-2.0 */
/* Codes: appendix "PostgreSQL Error Codes" of its manual.  The first two letters are the class. */
#include <libpq-fe.h>
#include <stddef.h>
#include <string.h>

#include "server/store/postgres_fault_private.h"

struct fault_code {
    const char *code; /* five letters, or a class of two */
    enum postgres_fault fault;
};

/* The first that fits counts. */
static const struct fault_code fault_codes[] = {
    { "40001", FAULT_AGAIN },                              /* serialization_failure */
    { "40P01", FAULT_AGAIN },                              /* deadlock_detected */
    { "55P03", FAULT_AGAIN },                              /* lock_not_available: lock_timeout */
    { "53100", FAULT_FULL },                               /* disk_full */
    { "57014", FAULT_BUSY },                               /* query_canceled: statement_timeout */
    { "25006", FAULT_READ_ONLY }, { "25P03", FAULT_LOST }, /* idle_in_transaction_session_timeout */
    { "26000", FAULT_LOST },                               /* a prepared statement is gone */
    { "42P05", FAULT_LOST }, /* or it is there already: a pooler changed the connection */
    { "0A000", FAULT_LOST }, /* a cached plan no longer fits the schema */
    { "08P01", FAULT_STATEMENT }, { "08", FAULT_LOST },    { "23", FAULT_CONFLICT },
    { "53", FAULT_BUSY },         { "57", FAULT_LOST }, /* the server shuts down or starts */
};

static enum postgres_fault fault_of_code(const char *code)
{
    for (size_t i = 0; i < sizeof fault_codes / sizeof fault_codes[0]; i++) {
        if (strncmp(code, fault_codes[i].code, strlen(fault_codes[i].code)) == 0) {
            return fault_codes[i].fault;
        }
    }
    return FAULT_STATEMENT;
}

enum postgres_fault postgres_fault_of(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC) {
        return FAULT_NONE;
    }
    if (status == PGRES_PIPELINE_ABORTED) {
        return FAULT_SKIPPED;
    }
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return code == NULL ? FAULT_LOST : fault_of_code(code); /* libpq's own words have no code */
}
