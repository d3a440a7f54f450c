/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of the server and of the database.  Needs a connection, sends nothing. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    POSTGRES_WHY_BYTES = 160,
    POSTGRES_VERSION_MIN = 130000
};

/* Say whether the server of pg is one that we can use; else half a sentence in out_why. */
bool postgres_server_fits(const PGconn *pg, char *out_why, size_t why_size);

/* A version's number and an encoding's name instead of a connection, for tests. */
bool postgres_server_is_fit(int version, const char *encoding, char *out_why, size_t why_size);

/* For PQsetNoticeReceiver: the server's notices are for people at a terminal. */
void postgres_server_ignore_notice(void *arg, const PGresult *result);
