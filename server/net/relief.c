/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When what waits to be sent is more than all clients together may have, those
 * give way whose peers take nothing just now and for whom more waits than for the
 * average of these.  Somebody is always at the average, so each look finds one as
 * long as anybody is blocked; who reads is never touched.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "server/net/conn.h"
#include "server/net/conn_private.h"
#include "server/net/net.h"
#include "server/net/net_private.h"

static bool is_in_the_way(const struct conn *conn)
{
    return conn->counted && conn->blocked && conn->state != CONN_DEAD && conn->output.size > 0;
}

/* The mean of what waits for those that are in the way; 0 when there are none. */
static size_t mean_output(const struct net *net)
{
    const struct conn *conn = NULL;
    size_t bytes = 0;
    size_t count = 0;

    TAILQ_FOREACH (conn, &net->conns, link) {
        if (is_in_the_way(conn)) {
            bytes += conn->output.room;
            count++;
        }
    }
    return count == 0 ? 0 : bytes / count;
}

/* Its output goes at once: it is why the connection ends. */
static void relieve_of(struct conn *conn)
{
    conn_close(conn, CONN_END_ROOM);
    allowance_clear(conn_output_allowance(conn), &conn->output);
}

void net_relieve(struct net *net)
{
    const struct allowance *output = net->limits.output;
    struct conn *conn = NULL;
    size_t mean = 0;

    if (net->relief_is_vain || !allowance_is_spent(output, 1)) {
        return;
    }
    mean = mean_output(net);
    net->relief_is_vain = mean == 0;
    if (mean == 0) {
        return;
    }
    TAILQ_FOREACH (conn, &net->conns, link) {
        if (output->held_bytes <= output->max_bytes / 4 * 3) {
            return; /* a quarter at a time, so that the look is not needed for each write */
        }
        if (is_in_the_way(conn) && conn->output.room >= mean) {
            relieve_of(conn);
        }
    }
}
