/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of a connection: see postgres_conn.h.  libpq closes and opens sockets
 * while it connects, so the watch is made anew around each of its steps.
 */
#include <libpq-fe.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_params_private.h"
#include "server/store/postgres_resolve_private.h"
#include "server/store/postgres_server_private.h"

static void conn_fail(struct postgres_conn *conn, const char *why);

static void conn_enter(struct postgres_conn *conn, enum postgres_state state)
{
    bool is_forward =
        state == conn->state + 1 || (conn->state == CONN_WAITING && state == CONN_CONNECTING);

    CHECK(state == CONN_WAITING || is_forward);
    conn->state = state;
}

static void conn_unwatch(struct postgres_conn *conn)
{
    if (conn->watch != NULL) {
        loop_watch_destroy(conn->watch);
        conn->watch = NULL;
    }
}

/* Close and forget everything that belongs to this one try. */
static void conn_close(struct postgres_conn *conn)
{
    conn_unwatch(conn);
    loop_timer_stop(conn->timer);
    postgres_resolver_forget(conn->shared->resolver, &conn->asker);
    if (conn->pg != NULL) {
        PQfinish(conn->pg);
        conn->pg = NULL;
    }
    conn->messages.count = 0;
    conn->messages.first = 0;
    conn->is_send_failed = false;
    if (conn->prepared_room > 0) {
        memset(conn->prepared, 0, conn->prepared_room);
    }
}

static void conn_wait(struct postgres_conn *conn)
{
    conn_close(conn);
    conn_enter(conn, CONN_WAITING);
    loop_timer_start(conn->timer, conn->backoff_ms);
    conn->backoff_ms *= 2;
    if (conn->backoff_ms > POSTGRES_BACKOFF_MAX_MS) {
        conn->backoff_ms = POSTGRES_BACKOFF_MAX_MS;
    }
}

void postgres_conn_drop(struct postgres_conn *conn, const char *why)
{
    conn_fail(conn, why);
}

/* One line an outage: the tries in between say nothing new. */
static void conn_fail(struct postgres_conn *conn, const char *why)
{
    if (!conn->is_failure_logged) {
        struct bytes line = bytes_of(why, strcspn(why, "\n"));
        log_warn("store.lost", "connection=%s why=%s", conn->name, log_quote(line).text);
        conn->is_failure_logged = true;
    }
    conn->turn += conn->state == CONN_READY ? 0 : 1; /* where it was good it is tried first */
    conn_wait(conn);
    conn->user->on_lost(conn->arg);
}

static void conn_become_ready(struct postgres_conn *conn)
{
    conn_enter(conn, CONN_READY);
    conn->backoff_ms = POSTGRES_BACKOFF_MIN_MS;
    if (conn->is_failure_logged) {
        log_info("store.back", "connection=%s", conn->name);
        conn->is_failure_logged = false;
    }
    conn->user->on_ready(conn->arg);
}

/* A pooler does not know the number of the process that it will give us. */
static bool conn_is_direct(const struct postgres_conn *conn, const PGresult *session)
{
    int last = PQnfields(session) - 1;
    uint32_t pid = 0;

    if (PQgetlength(session, 0, last) != sizeof pid) {
        return false;
    }
    memcpy(&pid, PQgetvalue(session, 0, last), sizeof pid);
    return ntohl(pid) == (uint32_t)PQbackendPID(conn->pg);
}

/* The answers to what conn_set_up sent; they come before there is a user. */
static void conn_take_setup(struct postgres_conn *conn)
{
    const char *why = NULL;
    bool is_synced = false;

    while (!is_synced && why == NULL && PQisBusy(conn->pg) == 0) {
        PGresult *result = PQgetResult(conn->pg);
        is_synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (result != NULL && postgres_fault_of(result) != FAULT_NONE) {
            why = "the server refuses the settings of the connection";
        } else if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            conn->is_pooled = !conn_is_direct(conn, result);
        }
        PQclear(result);
        if (result == NULL && PQstatus(conn->pg) == CONNECTION_BAD) {
            break;
        }
    }
    if (why != NULL) {
        conn_fail(conn, why);
    } else if (is_synced) {
        conn->messages.count = 0;
        loop_timer_stop(conn->timer);
        conn_become_ready(conn);
    }
}

static void on_socket(void *arg, bool readable, bool writable)
{
    struct postgres_conn *conn = arg;

    if (writable) {
        int left = PQflush(conn->pg);
        loop_watch_set(conn->watch, true, left > 0);
    }
    if (!readable) {
        return;
    }
    if (conn->state == CONN_READY) {
        postgres_conn_receive(conn);
    } else if (PQconsumeInput(conn->pg) == 1) {
        conn_take_setup(conn);
    } else {
        conn_fail(conn, PQerrorMessage(conn->pg));
    }
}

/* Connected: look at the server, and have it set what every connection needs. */
static void conn_set_up(struct postgres_conn *conn)
{
    char why[POSTGRES_WHY_BYTES];

    if (!postgres_server_fits(conn->pg, why, sizeof why)) {
        conn_fail(conn, why);
        return;
    }
    conn_enter(conn, CONN_SETTING_UP);
    conn->watch = loop_watch_create(conn->shared->loop, PQsocket(conn->pg), on_socket, conn);
    if (PQsetnonblocking(conn->pg, 1) != 0 || PQenterPipelineMode(conn->pg) != 1) {
        conn_fail(conn, PQerrorMessage(conn->pg));
        return;
    }
    postgres_conn_command(conn, COMMAND_SESSION);
    if (conn->user->on_notify != NULL) {
        postgres_conn_command(conn, COMMAND_LISTEN);
    }
    postgres_conn_sync(conn, 0);
    postgres_conn_flush(conn);
}

static void conn_poll(struct postgres_conn *conn);

static void on_connecting(void *arg, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    conn_poll(arg);
}

static void conn_poll(struct postgres_conn *conn)
{
    conn_unwatch(conn);
    PostgresPollingStatusType next = PQconnectPoll(conn->pg);
    if (next == PGRES_POLLING_OK) {
        conn_set_up(conn);
        return;
    }
    if (next != PGRES_POLLING_READING && next != PGRES_POLLING_WRITING) {
        conn_fail(conn, PQerrorMessage(conn->pg));
        return;
    }
    conn->watch = loop_watch_create(conn->shared->loop, PQsocket(conn->pg), on_connecting, conn);
    loop_watch_set(conn->watch, next == PGRES_POLLING_READING, next == PGRES_POLLING_WRITING);
}

/* libpq waits for one host of several until TCP gives up: so each try begins with another. */
static PGconn *conn_start(const struct postgres_params *params, size_t turn)
{
    struct postgres_params turned;

    postgres_params_copy(&turned, params);
    postgres_params_rotate(&turned, turn);
    PGconn *pg = PQconnectStartParams((const char *const *)turned.keywords,
                                      (const char *const *)turned.values, 0);
    postgres_params_clear(&turned);
    CHECK(pg != NULL); /* no memory */
    return pg;
}

static void conn_connect(struct postgres_conn *conn, const struct postgres_params *params)
{
    conn_enter(conn, CONN_CONNECTING);
    loop_timer_start(conn->timer, POSTGRES_CONNECT_MS);
    conn->pg = conn_start(params, conn->turn);
    (void)PQsetNoticeReceiver(conn->pg, postgres_server_ignore_notice, NULL);
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        conn_fail(conn, PQerrorMessage(conn->pg));
        return;
    }
    conn->watch = loop_watch_create(conn->shared->loop, PQsocket(conn->pg), on_connecting, conn);
    loop_watch_set(conn->watch, false, true);
}

static void on_resolved(void *arg, const struct postgres_params *params)
{
    struct postgres_conn *conn = arg;

    if (params == NULL) {
        conn_fail(conn, "no host of the URL has an address");
        return;
    }
    conn_connect(conn, params);
}

static void conn_begin(struct postgres_conn *conn)
{
    const struct postgres_shared *shared = conn->shared;

    if (postgres_resolve_is_needed(shared->params)) {
        conn_enter(conn, CONN_RESOLVING);
        postgres_resolver_ask(shared->resolver, &conn->asker);
    } else {
        conn_connect(conn, shared->params);
    }
}

void postgres_conn_await(struct postgres_conn *conn)
{
    conn->deadline_ms = loop_steady_ms(conn->shared->loop) + POSTGRES_DEADLINE_MS;
    loop_timer_start(conn->timer, POSTGRES_DEADLINE_MS);
}

/* A machine that stood still was not heard by the server either: its time begins anew. */
static void conn_on_deadline(struct postgres_conn *conn)
{
    if (loop_steady_ms(conn->shared->loop) - conn->deadline_ms > POSTGRES_LATE_MS) {
        postgres_conn_await(conn);
    } else {
        conn_fail(conn, "the server did not answer in time");
    }
}

static void on_time(void *arg)
{
    struct postgres_conn *conn = arg;

    switch (conn->state) {
    case CONN_WAITING:
        conn_begin(conn);
        return;
    case CONN_RESOLVING: /* the resolver keeps its own time, and asking it again makes it no faster */
        return;
    case CONN_CONNECTING:
    case CONN_SETTING_UP:
        conn_fail(conn, "the server did not let us in in time");
        return;
    case CONN_READY:
        conn_on_deadline(conn);
        return;
    }
    CHECK_UNREACHABLE();
}

struct postgres_conn *postgres_conn_create(const struct postgres_shared *shared, const char *name,
                                           const struct postgres_conn_user *user, void *arg)
{
    struct postgres_conn *conn = mem_zeroed(1, sizeof *conn);

    conn->shared = shared;
    conn->name = name;
    conn->user = user;
    conn->arg = arg;
    conn->backoff_ms = POSTGRES_BACKOFF_MIN_MS;
    conn->asker = (struct postgres_asker){ .done = on_resolved, .arg = conn };
    conn->timer = loop_timer_create(shared->loop, on_time, conn);
    loop_timer_start(conn->timer, 0); /* in a turn, not before this has returned */
    return conn;
}

void postgres_conn_destroy(struct postgres_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    conn_close(conn);
    loop_timer_destroy(conn->timer);
    free(conn->messages.at);
    free(conn->prepared);
    free(conn);
}

bool postgres_conn_is_ready(const struct postgres_conn *conn)
{
    return conn->state == CONN_READY;
}

bool postgres_conn_is_free(const struct postgres_conn *conn)
{
    bool is_alone = conn->is_pooled || conn->shared->is_unprepared;

    return conn->state == CONN_READY && !(is_alone && conn->messages.count > 0);
}
