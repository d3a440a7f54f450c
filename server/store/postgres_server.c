/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/store/postgres_server_private.h"

bool postgres_server_is_fit(int version, const char *encoding, char *out_why, size_t why_size)
{
    if (version < POSTGRES_VERSION_MIN) {
        (void)snprintf(out_why, why_size, "the server is PostgreSQL %d, and 13 or later is needed",
                       version / 10000);
        return false;
    }
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        (void)snprintf(out_why, why_size,
                       "the database is in %.32s: create it with ENCODING 'UTF8'",
                       encoding == NULL ? "an unknown encoding" : encoding);
        return false;
    }
    return true;
}

bool postgres_server_fits(const PGconn *pg, char *out_why, size_t why_size)
{
    return postgres_server_is_fit(PQserverVersion(pg), PQparameterStatus(pg, "server_encoding"),
                                  out_why, why_size);
}

void postgres_server_ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}
