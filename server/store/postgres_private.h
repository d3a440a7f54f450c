/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared engine inside.  All of it lives on the loop thread.
 *
 *   store_submit -> queue -> a group -> one transaction on the write connection
 *   store_read   -> queue -> the first read connection that is free
 *   other daemons' commits -> NOTIFY -> the listening connection -> news
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/postgres.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_list_private.h"
#include "server/store/postgres_outage_private.h"
#include "server/store/postgres_params_private.h"
#include "server/store/postgres_text_private.h"
#include "server/store/store_private.h"

struct migration;

enum {
    POSTGRES_GROUP_BATCHES = 1024,
    POSTGRES_GROUP_BYTES = 8388608, /* bounds the time of one commit */
    POSTGRES_ANSWER_BATCHES = 256,  /* that end without a run, in one turn of the loop */
    POSTGRES_TRIES = 5,           /* of a batch that meets other transactions or lost connections */
    POSTGRES_SELF_BYTES = 17,     /* sixteen hexadecimal digits and NUL */
    POSTGRES_PAYLOAD_BYTES = 7900 /* PostgreSQL refuses 8000 */
};

/*
 * Batches of one transaction.  It is sent in pieces: a piece ends behind a batch
 * that is suspected of failing, which has a savepoint before it.
 */
struct postgres_group {
    struct postgres_list batches;
    struct store_batch *piece;   /* first of the piece under way */
    struct store_batch *rest;    /* behind that piece; NULL: it is the last */
    struct store_batch *suspect; /* last of the piece, behind a savepoint; or NULL */
    const struct store_stmt *bad_lock;
    enum postgres_fault fault; /* of the transaction itself; FAULT_NONE: none so far */
    bool is_unproven;          /* what several batches share failed in the piece: which did it? */
    bool is_active;
    int64_t started_us;
};

struct postgres_writer {
    struct postgres_conn *conn;
    struct postgres_outage outage;
    struct postgres_list queue;
    struct postgres_group running;    /* its statements are under way */
    struct postgres_group committing; /* its COMMIT is under way; it was sent before running */
    bool is_full;                     /* the last insert met a full disk */
    bool is_pump_posted;
};

struct postgres_reader {
    struct postgres_store *store;
    struct postgres_conn *conn;
    struct store_batch *batch; /* under way; NULL: it is free */
    enum postgres_fault fault; /* first one of the batch */
    bool is_failed;            /* the transaction is to be rolled back */
};

struct postgres_reads {
    struct postgres_outage outage;
    struct postgres_list queue;
    struct postgres_reader readers[POSTGRES_READERS_MAX];
    int count, ready_count;
    bool is_pump_posted;
};

struct postgres_listener {
    struct postgres_conn *conn;
    struct loop_timer *timer;
    char self[POSTGRES_SELF_BYTES]; /* whom our own tells are from */
    bool is_hearing;                /* our last ping came back */
    bool is_ping_out, is_pooled_logged;
    bool is_apart, is_proven; /* it has a URL of its own; which led to what our writer told */
};

struct postgres_store {
    struct store base; /* first, so that struct store * points here too */
    struct postgres_params params, listen_params; /* listen_...: when is_apart */
    struct postgres_texts texts;
    struct postgres_resolver resolver, listen_resolver;
    struct postgres_shared shared, listen_shared;
    struct postgres_writer writer;
    struct postgres_reads reads;
    struct postgres_listener listener;
};

/* postgres_step.c: take the answer to the step index into its batch; the verdict on it goes to status. */
enum postgres_fault postgres_step_take(struct store_batch *batch, size_t index, PGresult *result);
/* Say whether the texts of all statements fit what was bound; else the batch is settled. */
bool postgres_step_check(struct postgres_texts *texts, struct store_batch *batch);
void postgres_step_settle(struct store_batch *batch, enum store_status status);

/* postgres_writer.c */
void postgres_writer_pump(struct postgres_store *store); /* begin what can begin */
void postgres_writer_start(struct postgres_store *store);
void postgres_writer_stop(struct postgres_store *store);
void postgres_writer_submit(struct store *base, struct store_batch *batch);
bool postgres_writer_is_ready(const struct store *base, const char **out_why);

/* postgres_group.c */
void postgres_group_begin(struct postgres_store *store);
void postgres_group_result(struct postgres_store *store, const struct postgres_message *message,
                           PGresult *result);
void postgres_group_lost(struct postgres_store *store);

/* postgres_verdict.c: judge the piece that was answered. */
enum postgres_verdict {
    VERDICT_GOOD = 0, /* all went well, and so it goes on */
    VERDICT_UNDO,     /* the suspect failed, and is settled: undo it alone */
    VERDICT_AGAIN,    /* undo it all; what is not settled is to be run again */
    VERDICT_DROP      /* the connection is of no more use */
};
/* One more run that came to nothing: who has had too many ends STORE_BUSY. */
void postgres_verdict_count_try(const struct postgres_list *batches);
enum postgres_verdict postgres_verdict_of(struct postgres_writer *writer,
                                          struct postgres_group *group);

/* postgres_keys.c */
void postgres_keys_lock(struct postgres_conn *conn, const struct store_batch *first);
/* Write what the batches tell as a payload; false when they tell nothing. */
bool postgres_keys_payload(const char *self, const struct store_batch *first,
                           char out[POSTGRES_PAYLOAD_BYTES]);
/* Read a payload into news. */
void postgres_keys_give(const struct store *store, const char *keys);

/* postgres_reader.c */
void postgres_reader_start(struct postgres_store *store, int count);
void postgres_reader_stop(struct postgres_store *store);
void postgres_reader_submit(struct store *base, struct store_batch *batch);

/* postgres_listener.c */
void postgres_listener_start(struct postgres_store *store);
void postgres_listener_stop(struct postgres_store *store);
bool postgres_listener_hears(const struct store *base);

/* postgres_schema.c: connect, look at the server, run migrations; blocks.  At the start only.
 * out_may_pass is set to true when it failed for want of a connection. */
bool postgres_schema_migrate(const struct postgres_params *params,
                             const struct migration *migrations, int64_t wait_ms,
                             bool *out_may_pass, char *out_error, size_t error_size);
