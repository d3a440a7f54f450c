/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL server of the test's own, in a folder of its own, with a unix
 * socket and no TCP.  It refuses to run as root and then runs as an unprivileged
 * user.  It ends with the test, however that ends.  fsync is off.
 *
 * With SEALPOST_TEST_POSTGRES, the folder of a running server's socket, databases
 * are made there instead; what stops or starts the server needs one of its own.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/temp_dir.h"

enum {
    TEMP_POSTGRES_URL_BYTES = 512,
    TEMP_POSTGRES_NAME_BYTES = 64
};

struct temp_postgres {
    char dir[TEMP_DIR_BYTES]; /* of the socket, and of the data of an own server */
    char database[TEMP_POSTGRES_NAME_BYTES];
    pid_t pid;  /* 0: it is another's, or stopped */
    int output; /* what it writes; -1: nothing */
    bool is_shared;
};

/* Start a server, or find the shared one; end it and remove its folder. */
void temp_postgres_open(struct temp_postgres *temp);
void temp_postgres_open_own(struct temp_postgres *temp);
void temp_postgres_close(struct temp_postgres *temp);

/* Of an own server: kill it with SIGQUIT (it saves nothing); stop it in order; start it again. */
void temp_postgres_kill(struct temp_postgres *temp);
void temp_postgres_stop(struct temp_postgres *temp);
void temp_postgres_start(struct temp_postgres *temp);

/*
 * Make an empty schema in the test's database, which is as good as a database of
 * its own and much cheaper, and write its URL; or drop it with all that is in it.
 */
void temp_postgres_create(const struct temp_postgres *temp, char out_url[TEMP_POSTGRES_URL_BYTES]);
void temp_postgres_drop(const char *url);

/* Write the URL of the database called name. */
void temp_postgres_url(const struct temp_postgres *temp, const char *name,
                       char out_url[TEMP_POSTGRES_URL_BYTES]);

/* Run statements on the database of url, over a connection of their own; CHECKs that all is well. */
void temp_postgres_run(const char *url, const char *sql);

/*
 * Run statements and keep the connection, with the locks that they took; let it go, after a
 * COMMIT or without; say whether somebody waits for it.
 */
void temp_postgres_hold(const char *url, const char *sql);
void temp_postgres_commit(void);
void temp_postgres_release(void);
bool temp_postgres_is_awaited(const char *url);

/* The same for one that yields a number. */
long long temp_postgres_number(const char *url, const char *sql);
