/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq gives the results of a message and then a NULL; a sync gives its result
 * alone.  Nothing is asked for while it would have to wait.  The user may send,
 * flush or drop the connection while it hears: pg is then another or NULL.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_fault_private.h"

static struct postgres_message *receive_first(struct postgres_conn *conn)
{
    return conn->messages.count == 0 ? NULL : &conn->messages.at[conn->messages.first];
}

static void receive_pop(struct postgres_conn *conn)
{
    struct postgres_messages *messages = &conn->messages;

    messages->first = (messages->first + 1) & (messages->room - 1);
    messages->count--;
    if (messages->count == 0) {
        loop_timer_stop(conn->timer);
    }
}

/* A prepared statement outlives its transaction, but not what failed before it was made. */
static void receive_note_prepared(struct postgres_conn *conn,
                                  const struct postgres_message *message, const PGresult *result)
{
    if (message->kind == MESSAGE_PREPARE && postgres_fault_of(result) != FAULT_NONE) {
        conn->prepared[message->text] = 0;
    }
}

static void receive_result(struct postgres_conn *conn, PGresult *result)
{
    struct postgres_message *first = receive_first(conn);
    struct postgres_message message = *first; /* sending may move the list */

    receive_note_prepared(conn, &message, result);
    if (message.kind == MESSAGE_SYNC) {
        receive_pop(conn);
    } else {
        first->is_answered = true;
    }
    conn->user->on_result(conn->arg, &message, result);
}

/* Take one result, or the end of one; false when there is nothing to take. */
static bool receive_one(struct postgres_conn *conn)
{
    const struct postgres_message *first = receive_first(conn);

    if (first == NULL || PQisBusy(conn->pg) != 0) {
        return false;
    }
    PGresult *result = PQgetResult(conn->pg);
    if (result != NULL) {
        receive_result(conn, result);
        PQclear(result);
        return true;
    }
    if (!first->is_answered) {
        return false;
    }
    receive_pop(conn);
    return true;
}

static bool receive_notifies(struct postgres_conn *conn, const PGconn *pg)
{
    PGnotify *notify = NULL;

    while (conn->pg == pg && (notify = PQnotifies(conn->pg)) != NULL) {
        if (conn->user->on_notify != NULL) {
            conn->user->on_notify(conn->arg, notify->extra);
        }
        PQfreemem(notify);
    }
    return conn->pg == pg;
}

void postgres_conn_receive(struct postgres_conn *conn)
{
    const PGconn *pg = conn->pg;
    bool is_good = PQconsumeInput(conn->pg) == 1;

    while (conn->pg == pg && receive_one(conn)) {
    }
    if (conn->pg != pg || !receive_notifies(conn, pg)) {
        return;
    }
    if (!is_good || PQstatus(conn->pg) == CONNECTION_BAD) {
        postgres_conn_drop(conn, PQerrorMessage(conn->pg));
    }
}
