/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's open stream.
 *
 *   stream_api.c       GET /v1/stream: handshake, token, what must be loaded first
 *   stream.c           life: open, hello, events, end
 *   stream_mail.c      mail to the device: announce or pull, windows
 *   stream_requests.c  requests of the device: SEND, ACK, ACK_UPTO
 *
 * Caught up means: every item announced so far is on the wire.
 *
 *   BEHIND --pull--> PULLING --all sent, nothing announced since--> CAUGHT UP
 *      ^                |  no room, or more announced                  |
 *      '----------------'<------ announced while there is no room -----'
 *
 * The stream lives until its channel is closed and nothing it submitted is under
 * way any more.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/api/api.h"
#include "server/domain/hub.h"
#include "server/http/exchange.h"
#include "server/http/route.h"
#include "server/ws/channel.h"

struct stream_item {
    int64_t seq;
    int64_t bytes; /* of the body; 0: a gap */
};

struct stream {
    struct api *api;
    struct ws_channel *channel; /* NULL once it is closed */
    struct hub_stream *hub;     /* NULL once it left */
    struct claim *claim;        /* its place among all daemons; NULL where there is one */
    struct mailbox *mailbox;    /* pinned */
    struct api_caller caller;
    struct loop_timer *expiry;
    bool warned;    /* session.expiring was told */
    bool closing;   /* the close frame is on its way */
    bool draining;  /* takes no more requests */
    bool drained;   /* close once nothing is under way */
    bool caught_up; /* see above */
    bool pulling;
    int64_t cursor;      /* the last seq on the wire */
    int64_t pull_mark;   /* what was announced when the pull began, */
    uint64_t pull_woken; /* and how often it had been woken */
    size_t requests;     /* under way */
    size_t unplaced;     /* SENDs that a later one could overtake yet */
    bool paused;
    size_t window_count; /* sent and not acknowledged, ascending */
    int64_t window_bytes;
    char peer[EXCHANGE_PEER_BYTES]; /* the client's name for limits */
    struct stream_item *window;     /* of LIMIT_STREAM_WINDOW_ITEMS; NULL while it is empty */
};

/* What a stream begins with; claim is stolen. */
struct stream_start {
    struct api_caller caller;
    struct mailbox *mailbox;
    struct claim *claim;
    uint64_t epoch;    /* of the account's head */
    struct bytes keys; /* its public keys, as JSON; borrowed */
};

/* Open a stream on an upgrade request that was checked. */
void stream_open(struct api *api, struct exchange *exchange, const struct stream_start *start);

/* Accept the upgrade only to close it with code. */
void stream_refuse(struct api *api, struct exchange *exchange, enum ws_close_code code);

/*
 * Tell every stream that the daemon stops, and close each with 1012 once it is idle: a
 * thousand a second at random moments, and all within within_ms, so that they do not all
 * come back at once.
 */
void stream_drain_all(struct api *api, int64_t within_ms);

/* For the files of the stream. */
void stream_event(struct stream *stream, struct bytes json);
void stream_close(struct stream *stream, enum ws_close_code code, const char *reason);
void stream_release(struct stream *stream); /* free it if nothing needs it any more */
void stream_message(struct stream *stream, struct bytes bytes);
void stream_pull(struct stream *stream);
void stream_mail(struct stream *stream, const struct hub_mail *mail);
bool stream_has_room(const struct stream *stream, int64_t bytes);
void stream_window_take(struct stream *stream, int64_t seq);
void stream_window_take_run(struct stream *stream, size_t first, size_t count);
