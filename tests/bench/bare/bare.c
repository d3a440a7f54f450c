/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast is PostgreSQL itself?  Rows like those of envelopes down a bare libpq
 * pipeline: one transaction at a time, each durable before the next begins.
 *
 *   sealpost_bare URL ROWS_A_TRANSACTION BYTES SECONDS
 *
 * prints "bare RATE", in rows a second.  The table is made anew and dropped.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

enum {
    BARE_PARAMS = 10,
    BARE_MAILBOXES = 64,
    BARE_INT8_BYTES = 8,
    BARE_ID_BYTES = 16
};

static const char table[] =
    "DROP TABLE IF EXISTS bare;"
    "CREATE TABLE bare (mailbox BIGINT NOT NULL, seq BIGINT NOT NULL, expires_at BIGINT NOT NULL,"
    " minute BIGINT NOT NULL, tag BIGINT NOT NULL, kind BIGINT NOT NULL, flags BIGINT NOT NULL,"
    " own_ttl BIGINT NOT NULL, id BYTEA NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (mailbox, seq));"
    "ALTER TABLE bare ALTER COLUMN body SET STORAGE EXTERNAL";
static const char insert[] =
    "INSERT INTO bare (mailbox, seq, expires_at, minute, tag, kind, flags, own_ttl, id, body)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

struct bare {
    PGconn *pg;
    long long seq;
    char numbers[BARE_PARAMS][BARE_INT8_BYTES];
    const char *values[BARE_PARAMS];
    int sizes[BARE_PARAMS];
    int formats[BARE_PARAMS];
    char *body;
};

static void die(const struct bare *bare)
{
    (void)fprintf(stderr, "sealpost_bare: %s", PQerrorMessage(bare->pg));
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void must(const struct bare *bare, int is_good)
{
    if (is_good == 0) {
        die(bare);
    }
}

static void put_number(char out[BARE_INT8_BYTES], long long number)
{
    for (int i = BARE_INT8_BYTES - 1; i >= 0; i--) {
        out[i] = (char)(number & 0xff);
        number >>= 8;
    }
}

static void run_at_once(const struct bare *bare, const char *sql)
{
    PGresult *result = PQexec(bare->pg, sql);

    must(bare, PQresultStatus(result) == PGRES_COMMAND_OK ? 1 : 0);
    PQclear(result);
}

static void send_row(struct bare *bare)
{
    put_number(bare->numbers[0], bare->seq % BARE_MAILBOXES);
    put_number(bare->numbers[1], bare->seq++);
    must(bare, PQsendQueryPrepared(bare->pg, "insert", BARE_PARAMS, bare->values, bare->sizes,
                                   bare->formats, 1));
}

static void send_command(const struct bare *bare, const char *sql)
{
    must(bare, PQsendQueryParams(bare->pg, sql, 0, NULL, NULL, NULL, NULL, 1));
}

static void wait_for_sync(const struct bare *bare)
{
    ExecStatusType status = PGRES_COMMAND_OK;

    while (status != PGRES_PIPELINE_SYNC) {
        PGresult *result = PQgetResult(bare->pg);
        if (result != NULL) {
            status = PQresultStatus(result);
            must(bare, status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_SYNC ? 1 : 0);
            PQclear(result);
        }
    }
}

static void run_transaction(struct bare *bare, int rows)
{
    send_command(bare, "BEGIN");
    for (int i = 0; i < rows; i++) {
        send_row(bare);
    }
    send_command(bare, "COMMIT");
    must(bare, PQpipelineSync(bare->pg));
    wait_for_sync(bare);
}

static void prepare(struct bare *bare, int bytes)
{
    const Oid types[BARE_PARAMS] = { 20, 20, 20, 20, 20, 20, 20, 20, 17, 17 };
    static const char id[BARE_ID_BYTES];
    char *body = mem_zeroed(1, (size_t)bytes);

    for (int i = 0; i < bytes; i++) {
        body[i] = (char)(i * 131);
    }
    for (int i = 0; i < BARE_PARAMS; i++) {
        bare->values[i] = bare->numbers[i];
        bare->sizes[i] = BARE_INT8_BYTES;
        bare->formats[i] = 1;
    }
    bare->values[8] = id;
    bare->sizes[8] = BARE_ID_BYTES;
    bare->values[9] = body;
    bare->body = body;
    bare->sizes[9] = bytes;
    run_at_once(bare, table);
    PGresult *result = PQprepare(bare->pg, "insert", insert, BARE_PARAMS, types);
    must(bare, PQresultStatus(result) == PGRES_COMMAND_OK ? 1 : 0);
    PQclear(result);
}

int main(int argc, char **argv)
{
    struct bare bare = { 0 };

    if (argc != 5) {
        (void)fputs("sealpost_bare URL ROWS BYTES SECONDS\n", stderr);
        return 64;
    }
    int rows = (int)strtol(argv[2], NULL, 10);
    int64_t run_ms = strtoll(argv[4], NULL, 10) * 1000;
    bare.pg = PQconnectdb(argv[1]);
    must(&bare, PQstatus(bare.pg) == CONNECTION_OK ? 1 : 0);
    prepare(&bare, (int)strtol(argv[3], NULL, 10));
    must(&bare, PQenterPipelineMode(bare.pg));
    int64_t start_ms = clock_steady_ms();
    while (clock_steady_ms() < start_ms + run_ms) {
        run_transaction(&bare, rows);
    }
    printf("bare %lld\n", bare.seq * 1000 / (clock_steady_ms() - start_ms));
    must(&bare, PQexitPipelineMode(bare.pg));
    run_at_once(&bare, "DROP TABLE bare");
    free(bare.body);
    PQfinish(bare.pg);
    return 0;
}
