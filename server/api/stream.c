/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "server/api/mail_json.h"
#include "server/api/stream_codec.h"
#include "server/domain/account_log.h"
#include "server/domain/claims.h"
#include "server/domain/domain.h"
#include "server/domain/holds.h"
#include "server/domain/mailboxes.h"
#include "server/domain/recoveries.h"
#include "server/domain/recovery_news.h"
#include "server/http/exchange.h"

enum {
    OUTPUT_MAX_BYTES = 262144, /* waiting output beyond which the store is not read */
    EXPIRY_STEP_MS = 60000,    /* the wall clock is looked at this often: it may jump */
};

static const struct ws_config stream_ws = {
    .message_max = LIMIT_STREAM_MESSAGE_BYTES,
    .ping_ms = LIMIT_STREAM_PING_S * INT64_C(1000),
    .pong_ms = LIMIT_STREAM_PING_S * INT64_C(1000),
    .output_max = OUTPUT_MAX_BYTES,
};

void stream_event(struct stream *stream, struct bytes json)
{
    static const uint8_t type = STREAM_EVENT;

    if (stream->channel != NULL && !stream->closing) {
        ws_channel_send(stream->channel, bytes_of(&type, 1), json);
    }
}

static void stream_leave(struct stream *stream)
{
    if (stream->hub != NULL) {
        hub_leave(stream->api->domain->hub, stream->hub);
        claims_release(stream->api->domain, stream->claim);
        stream->hub = NULL;
        stream->claim = NULL;
        metrics_add(METRIC_streams_open, -1);
    }
}

void stream_close(struct stream *stream, enum ws_close_code code, const char *reason)
{
    stream_leave(stream);
    if (stream->channel != NULL && !stream->closing) {
        stream->closing = true;
        ws_channel_close(stream->channel, code, reason);
    }
}

void stream_release(struct stream *stream)
{
    if (stream->drained && stream->requests == 0 && stream->channel != NULL) {
        stream_close(stream, WS_CLOSE_RESTARTING, "the relay restarts");
        return;
    }
    if (stream->channel != NULL || stream->requests > 0 || stream->pulling) {
        return;
    }
    stream_leave(stream);
    loop_timer_destroy(stream->expiry);
    mailboxes_unpin(stream->mailbox);
    free(stream->window);
    free(stream);
}

static void on_message(void *arg, struct bytes message)
{
    struct stream *stream = arg;

    if (!stream->closing) {
        stream_message(stream, message);
    }
}

static void on_room(void *arg)
{
    stream_pull(arg);
}

static void on_closed(void *arg)
{
    struct stream *stream = arg;

    stream->channel = NULL;
    stream_leave(stream);
    loop_timer_stop(stream->expiry);
    stream_release(stream);
}

static const struct ws_handler stream_handler = {
    .on_message = on_message,
    .on_room = on_room,
    .on_closed = on_closed,
};

static void on_mail(void *arg, const struct hub_mail *mail)
{
    stream_mail(arg, mail);
}

static bool is_caught_up(void *arg)
{
    const struct stream *stream = arg;

    return stream->caught_up && stream_has_room(stream, 1);
}

static void on_event(void *arg, const struct hub_event *event)
{
    struct buf json = { 0 };

    mail_json_event(&json, event);
    stream_event(arg, buf_view(&json));
    buf_clear(&json);
}

static void on_acknowledged(void *arg, const int64_t *seqs, size_t count, int64_t up_to)
{
    struct stream *stream = arg;

    for (size_t i = 0; i < count; i++) {
        stream_window_take(stream, seqs[i]);
    }
    while (count == 0 && stream->window_count > 0 && stream->window[0].seq <= up_to) {
        stream_window_take_run(stream, 0, 1);
    }
    stream_pull(stream);
}

static void on_waiting(void *arg, const struct hub_waiting *waiting)
{
    struct stream *stream = arg;
    size_t at = 0;
    size_t i = 0;

    while (i < stream->window_count && stream->window[i].seq <= waiting->up_to) {
        int64_t seq = stream->window[i].seq;
        while (at < waiting->count && waiting->seqs[at] < seq) {
            at++;
        }
        if (at < waiting->count && waiting->seqs[at] == seq) {
            i++;
        } else {
            stream_window_take_run(stream, i, 1);
        }
    }
    stream_pull(stream);
}

static void on_end(void *arg, enum hub_end reason)
{
    struct stream *stream = arg;

    switch (reason) {
    case HUB_END_SESSION:
        stream_close(stream, WS_CLOSE_SESSION_OVER, "the session is over");
        return;
    case HUB_END_REVOKED:
        stream_close(stream, WS_CLOSE_REVOKED, "the device left the account");
        return;
    case HUB_END_REPLACED:
        metrics_add(METRIC_streams_replaced, 1);
        stream_close(stream, WS_CLOSE_REPLACED, "a newer stream of this device");
        return;
    }
}

static const struct hub_listener stream_listener = {
    .on_mail = on_mail,
    .is_caught_up = is_caught_up,
    .on_event = on_event,
    .on_acknowledged = on_acknowledged,
    .on_waiting = on_waiting,
    .on_end = on_end,
};

/* Warn, end, or look again later. */
static void stream_watch_session(struct stream *stream)
{
    struct buf json = { 0 };
    int64_t left_ms = stream->caller.expires_at * 1000 - stream->api->now_ms();

    if (left_ms <= 0) {
        stream_close(stream, WS_CLOSE_SESSION_OVER, "the session is over");
        return;
    }
    if (left_ms <= LIMIT_SESSION_WARN_S * INT64_C(1000) && !stream->warned) {
        stream->warned = true;
        buf_append_format(&json, "{\"event\":\"session.expiring\",\"expires_at\":%" PRId64 "}",
                          stream->caller.expires_at);
        stream_event(stream, buf_view(&json));
        buf_clear(&json);
    }
    if (!stream->warned) {
        left_ms -= LIMIT_SESSION_WARN_S * INT64_C(1000);
    }
    loop_timer_start(stream->expiry, left_ms < EXPIRY_STEP_MS ? left_ms : EXPIRY_STEP_MS);
}

static void on_expiry(void *arg)
{
    struct stream *stream = arg;

    if (stream->draining) { /* the timer was set to the moment at which to close */
        stream->drained = true;
        stream_release(stream);
    } else {
        stream_watch_session(stream);
    }
}

/*
 * Tell the device what is held.  It is read once the stream has joined: what is held from then on
 * it hears as it happens, so nothing is missed, and some may be told twice.
 */
static void on_holds(void *arg, bool ok, const struct hold *holds, size_t count)
{
    struct stream *stream = arg;
    struct hub_event event;

    stream->requests--;
    for (size_t i = 0; ok && i < count; i++) {
        holds_event(&holds[i], HOLDS_BEGUN, &event);
        on_event(stream, &event);
    }
    if (!ok) { /* nothing may be missed: it comes again */
        stream_close(stream, WS_CLOSE_INTERNAL, "the relay could not read its store");
    }
    stream_release(stream);
}

static void stream_tell_holds(struct stream *stream)
{
    stream->requests++;
    holds_list(stream->api->domain, &stream->caller.account_id, on_holds, stream);
}

/* The same of recoveries that are open. */
static void on_recoveries(void *arg, bool ok, const struct recoveries_view *views, size_t count)
{
    struct stream *stream = arg;
    struct hub_event event;

    stream->requests--;
    for (size_t i = 0; ok && i < count; i++) {
        if (views[i].state == RECOVERIES_STATE_OPEN) {
            recovery_news_event(&(struct recovery_news){ .event = ACCOUNT_LOG_RECOVERY_REQUESTED,
                                                         .recovery_id = views[i].recovery_id,
                                                         .wait_until = views[i].wait_until,
                                                         .expires_at = views[i].expires_at },
                                &event);
            on_event(stream, &event);
        }
    }
    if (!ok) {
        stream_close(stream, WS_CLOSE_INTERNAL, "the relay could not read its store");
    }
    stream_release(stream);
}

static void stream_tell_recoveries(struct stream *stream)
{
    stream->requests++;
    recoveries_list(stream->api->domain, &stream->caller.account_id, stream->api->now_ms(),
                    on_recoveries, stream);
}

static const char *bucket_mode(const struct domain *domain)
{
    static const char *const modes[] = { "off", "advise", "enforce" };

    return modes[domain->settings.size_buckets];
}

static void stream_hello(struct stream *stream, const struct stream_start *start)
{
    const struct domain *domain = stream->api->domain;
    struct buf json = { 0 };

    buf_append_format(&json, "{\"event\":\"hello\",\"device_id\":%" PRIu32 ",\"epoch\":%" PRIu64,
                      stream->caller.device_id, start->epoch);
    buf_append_format(&json,
                      ",\"limits\":{\"message_bytes\":%d,\"envelope_bytes\":%d,\"recipients\":%d,"
                      "\"window_envelopes\":%d,\"window_bytes\":%d,\"requests\":%d,"
                      "\"ttl_min\":%d,\"ttl_max\":%d,\"size_buckets\":\"%s\"}",
                      LIMIT_STREAM_MESSAGE_BYTES, LIMIT_ENVELOPE_BYTES, LIMIT_SEND_RECIPIENTS,
                      LIMIT_STREAM_WINDOW_ITEMS, LIMIT_STREAM_WINDOW_BYTES, LIMIT_STREAM_REQUESTS,
                      LIMIT_TTL_MIN_S, LIMIT_TTL_MAX_S, bucket_mode(domain));
    buf_append_text(&json, ",\"keys\":");
    buf_append(&json, start->keys);
    buf_append_format(&json, ",\"pending\":%" PRId64 ",\"generation\":%" PRId64 "}",
                      stream->mailbox->envelope_count, domain->generation);
    stream_event(stream, buf_view(&json));
    buf_clear(&json);
}

void stream_open(struct api *api, struct exchange *exchange, const struct stream_start *start)
{
    struct stream *stream = mem_zeroed(1, sizeof *stream);

    stream->api = api;
    stream->caller = start->caller;
    (void)snprintf(stream->peer, sizeof stream->peer, "%s", exchange_peer(exchange));
    stream->channel =
        ws_channel_accept(exchange, api->loop, "sealpost.v1", &stream_ws, &stream_handler, stream);
    if (stream->channel == NULL) {
        claims_release(api->domain, start->claim);
        free(stream);
        return;
    }
    stream->mailbox = start->mailbox;
    stream->claim = start->claim;
    mailboxes_pin(stream->mailbox);
    stream->expiry = loop_timer_create(api->loop, on_expiry, stream);
    stream->hub = hub_join(api->domain->hub, &stream->caller.device_pub, stream->caller.token_hash,
                           &stream_listener, stream);
    metrics_add(METRIC_streams_open, 1);
    metrics_add(METRIC_streams_opened, 1);
    stream_hello(stream, start);
    stream_tell_holds(stream);
    stream_tell_recoveries(stream);
    stream_watch_session(stream);
    stream_pull(stream);
}

struct refused {
    struct ws_channel *channel;
};

static void on_refused_message(void *arg, struct bytes message)
{
    (void)arg;
    (void)message;
}

static void on_refused_room(void *arg)
{
    (void)arg;
}

static void on_refused_closed(void *arg)
{
    free(arg);
}

void stream_refuse(struct api *api, struct exchange *exchange, enum ws_close_code code)
{
    static const struct ws_handler handler = {
        .on_message = on_refused_message,
        .on_room = on_refused_room,
        .on_closed = on_refused_closed,
    };
    struct refused *refused = mem_zeroed(1, sizeof *refused);

    refused->channel =
        ws_channel_accept(exchange, api->loop, "sealpost.v1", &stream_ws, &handler, refused);
    if (refused->channel == NULL) {
        free(refused);
    } else {
        ws_channel_close(refused->channel, code, "the session is over");
    }
}

static void drain_one(void *arg, void *listener_arg)
{
    static const char draining[] = "{\"event\":\"server.draining\"}";
    struct stream *stream = listener_arg;
    uint32_t spread_ms = *(const uint32_t *)arg;

    stream_event(stream, bytes_of(draining, sizeof draining - 1));
    stream->draining = true;
    loop_timer_start(stream->expiry, random_below(spread_ms + 1));
    stream->drained = spread_ms == 0;
    if (!stream->paused) {
        stream->paused = true;
        ws_channel_pause(stream->channel);
    }
    stream_release(stream);
}

void stream_drain_all(struct api *api, int64_t within_ms)
{
    size_t count = hub_count(api->domain->hub); /* one a millisecond */
    uint32_t spread_ms = (uint32_t)(within_ms < (int64_t)count ? within_ms : (int64_t)count);

    hub_each(api->domain->hub, drain_one, &spread_ms);
}
