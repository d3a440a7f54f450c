/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/links/{link_id}, at once or when the link has changed.
 *
 *   WATCH -> READ -> answer        it is another version, or final, or the wait is over
 *              ^ '-> WAIT
 *              '-------+           told: it may have changed; the time is over; the peer has gone
 *
 * The watch begins before the read, so that nothing changes unseen between them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ids.h"
#include "common/limits.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/links_api.h"
#include "server/api/links_json.h"
#include "server/api/query.h"
#include "server/api/reply.h"
#include "server/domain/domain.h"
#include "server/domain/link_watches.h"
#include "server/domain/links.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

enum {
    MS_IN_S = 1000,
    RETRY_S = 5
};

struct poll {
    struct api *api;
    struct exchange *exchange;
    struct link_id link_id;
    struct links_actor actor;
    int64_t version; /* that the caller has; 0: none */
    int64_t wait_ms;
    struct loop_timer *timer; /* NULL until it waits */
    struct link_watch *watch; /* NULL: it was told, or does not wait */
    bool is_reading;
    bool is_told; /* while it read */
    bool is_over; /* the next read is answered */
};

static void poll_read(struct poll *poll);

static void poll_destroy(struct poll *poll)
{
    if (poll->watch != NULL) {
        link_watches_end(poll->api->domain->link_watches, poll->watch);
    }
    if (poll->timer != NULL) {
        loop_timer_destroy(poll->timer);
    }
    free(poll);
}

/* Something happened: read again, or when the read under way is there. */
static void poll_go_on(struct poll *poll)
{
    poll->is_told = true;
    if (!poll->is_reading) {
        poll_read(poll);
    }
}

static void on_told(void *arg, bool is_over)
{
    struct poll *poll = arg;

    poll->watch = NULL;
    poll->is_over = poll->is_over || is_over;
    poll_go_on(poll);
}

static void on_over(void *arg)
{
    struct poll *poll = arg;

    poll->is_over = true;
    poll_go_on(poll);
}

/* Wait no longer than the link lives. */
static void poll_wait(struct poll *poll, const struct links_view *view)
{
    int64_t left_ms = view->expires_at * MS_IN_S - poll->api->now_ms();

    if (poll->timer == NULL) {
        poll->timer = loop_timer_create(poll->api->loop, on_over, poll);
        loop_timer_start(poll->timer, left_ms < poll->wait_ms ? left_ms : poll->wait_ms);
        exchange_watch_peer(poll->exchange, on_over, poll);
    }
}

static void on_read(void *arg, const struct links_outcome *outcome)
{
    struct poll *poll = arg;
    struct exchange *exchange = poll->exchange;

    poll->is_reading = false;
    if (outcome->result != LINKS_DONE) {
        poll_destroy(poll);
        links_api_refuse(exchange, outcome);
        return;
    }
    if (outcome->version != poll->version || links_state_is_final(outcome->state) ||
        poll->is_over) {
        poll_destroy(poll);
        reply_json_steal(exchange, 200, links_json(outcome->view));
        return;
    }
    poll_wait(poll, outcome->view);
    if (poll->is_told) {
        poll_read(poll);
    }
}

static void poll_read(struct poll *poll)
{
    struct link_watches *watches = poll->api->domain->link_watches;

    if (!poll->is_over && poll->watch == NULL) {
        poll->watch = link_watches_begin(watches, &poll->link_id, on_told, poll);
        poll->is_over = poll->watch == NULL;
    }
    poll->is_told = false;
    poll->is_reading = true;
    links_read(poll->api->domain, &poll->link_id, &poll->actor, poll->api->now_ms(), on_read, poll);
}

void links_api_get(void *arg, struct exchange *exchange)
{
    static const char *const names[] = { "version", "wait", NULL };
    struct api *api = arg;
    struct links_actor actor;
    struct link_id link_id;
    struct poll *poll = NULL;
    int64_t version = 0;
    int64_t wait_s = 0;

    if (!links_api_read(exchange, &link_id, &actor) || !query_knows_only(exchange, names) ||
        !query_int(exchange, "version", 0, INT64_MAX, &version) ||
        !query_int(exchange, "wait", 0, LIMIT_LINK_WAIT_S, &wait_s)) {
        return;
    }
    if (wait_s > 0 && link_watches_count(api->domain->link_watches) >= LIMIT_LINK_WAITS) {
        exchange_reply_problem(exchange, PROBLEM_unavailable, RETRY_S, "");
        return;
    }
    poll = mem_zeroed(1, sizeof *poll);
    poll->api = api;
    poll->exchange = exchange;
    poll->link_id = link_id;
    poll->actor = actor;
    poll->version = version;
    poll->wait_ms = wait_s * MS_IN_S;
    poll->is_over = wait_s == 0 || version == 0 || api->draining;
    poll_read(poll);
}
