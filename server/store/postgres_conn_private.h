/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the server, in pipeline mode on the loop.
 *
 *   WAITING -> [RESOLVING ->] CONNECTING -> SETTING_UP -> READY
 *      ^----------------------------------------------------'  lost, refused, too slow
 *
 * Its user sends messages with the functions below, each of which is answered
 * through on_result in order, then syncs and flushes.  A failure to send is not
 * returned: it comes as on_lost out of the flush, or later.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_resolve_private.h"

struct loop;
struct loop_timer;
struct loop_watch;
struct postgres_gather;
struct postgres_params;
struct postgres_texts;
struct store_batch;
struct store_stmt;

enum {
    POSTGRES_DEADLINE_MS = 10000, /* without an answer this long the connection is given up */
    POSTGRES_LATE_MS = 1000,      /* who looks at the clock later than this did not run himself */
    POSTGRES_CONNECT_MS = 2000,
    POSTGRES_BACKOFF_MIN_MS = 50,
    POSTGRES_BACKOFF_MAX_MS = 1000
};

enum postgres_state {
    CONN_WAITING = 0,
    CONN_RESOLVING,
    CONN_CONNECTING,
    CONN_SETTING_UP,
    CONN_READY
};

enum postgres_message_kind {
    MESSAGE_COMMAND = 0,
    MESSAGE_PREPARE,
    MESSAGE_STEP,
    MESSAGE_GATHER,
    MESSAGE_LOCK,
    MESSAGE_SYNC
};

/* What was sent and not answered yet. */
struct postgres_message {
    enum postgres_message_kind kind;
    enum postgres_command command; /* MESSAGE_COMMAND */
    struct store_batch *batch;     /* MESSAGE_STEP, and its MESSAGE_PREPARE */
    size_t step;
    const struct postgres_gather *gather; /* MESSAGE_GATHER, and its MESSAGE_PREPARE */
    const struct store_stmt *stmt;        /* MESSAGE_LOCK, and its MESSAGE_PREPARE */
    size_t text;                          /* MESSAGE_PREPARE: number of the text */
    int tag;                              /* MESSAGE_SYNC: the user's own */
    bool is_answered;
};

struct postgres_conn_user {
    void (*on_ready)(void *arg);
    /* message and result are borrowed until return. */
    void (*on_result)(void *arg, const struct postgres_message *message, PGresult *result);
    /* What was not answered never will be; also for a connection that was never ready. */
    void (*on_lost)(void *arg);
    void (*on_notify)(void *arg, const char *payload); /* NULL: listens to nothing */
};

/* What all connections of a store share.  Borrowed for their life. */
struct postgres_shared {
    struct loop *loop;
    const struct postgres_params *params;
    struct postgres_texts *texts;
    struct postgres_resolver *resolver;
    bool is_unprepared;
};

/* What was sent and not answered, in order. */
struct postgres_messages {
    struct postgres_message *at;
    size_t first;
    size_t count;
    size_t room; /* a power of two, or 0 */
};

/* Inside, for postgres_conn.c, postgres_send.c and postgres_receive.c. */
struct postgres_conn {
    const struct postgres_shared *shared;
    const char *name; /* for the log */
    const struct postgres_conn_user *user;
    void *arg;
    enum postgres_state state;
    PGconn *pg; /* NULL while it waits or resolves */
    struct loop_watch *watch;
    struct loop_timer *timer; /* of the state: the next try, or the time left */
    struct postgres_asker asker;
    int64_t deadline_ms; /* steady; while anything is unanswered */
    int64_t backoff_ms;
    size_t turn; /* number of the host that is tried first */
    struct postgres_messages messages;
    uint8_t *prepared; /* by number of the text: 1 when it is sent or prepared */
    size_t prepared_room;
    bool is_send_failed;
    bool is_failure_logged;
    bool is_pooled; /* what serves us need not be what let us in */
};

/* Create a connection and begin to connect; destroy it, which tells nothing more.  Takes NULL. */
struct postgres_conn *postgres_conn_create(const struct postgres_shared *shared, const char *name,
                                           const struct postgres_conn_user *user, void *arg);
void postgres_conn_destroy(struct postgres_conn *conn);

bool postgres_conn_is_ready(const struct postgres_conn *conn);

/*
 * Say whether a transaction may be sent now.  Directly to the server it may go behind another one
 * that is not answered.  A pooler hands the server's connection to somebody else once all that it
 * has seen is answered, also when it has seen the beginning of what comes next
 * (pgbouncer/pgbouncer#759): there a sync's answer is waited for.
 */
bool postgres_conn_is_free(const struct postgres_conn *conn);

/* Send; only while it is ready. */
void postgres_conn_command(struct postgres_conn *conn, enum postgres_command command);
void postgres_conn_tell(struct postgres_conn *conn, const char *payload);
void postgres_conn_step(struct postgres_conn *conn, struct store_batch *batch, size_t step);
/* gather is borrowed until it is answered or the connection is lost. */
void postgres_conn_gather(struct postgres_conn *conn, const struct postgres_gather *gather);
void postgres_conn_lock(struct postgres_conn *conn, const struct store_stmt *stmt,
                        const int64_t *keys, size_t count);
void postgres_conn_sync(struct postgres_conn *conn, int tag);

/* Let what was sent leave, which may call on_lost: do it last.  Give the server time anew. */
void postgres_conn_flush(struct postgres_conn *conn);
void postgres_conn_await(struct postgres_conn *conn);

/* postgres_receive.c: take what has arrived to the user. */
void postgres_conn_receive(struct postgres_conn *conn);

/* Give the connection up and connect anew; why goes to the log.  Calls on_lost: do it last. */
void postgres_conn_drop(struct postgres_conn *conn, const char *why);
