/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail to the device.  A pull that returns less than was asked for has seen all
 * that was committed before it; whether more was announced since tells if the
 * stream has caught up.  So no wake-up is lost, and a stream that has caught up
 * gets announced mail without a read.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/api/api.h"
#include "server/api/mail_json.h"
#include "server/api/stream.h"
#include "server/api/stream_codec.h"
#include "server/domain/hub.h"
#include "server/domain/mail.h"
#include "server/ws/channel.h"

bool stream_has_room(const struct stream *stream, int64_t bytes)
{
    return stream->channel != NULL && !stream->closing && !stream->draining &&
           stream->window_count < LIMIT_STREAM_WINDOW_ITEMS &&
           (stream->window_count == 0 ||
            stream->window_bytes + bytes <= LIMIT_STREAM_WINDOW_BYTES) &&
           ws_channel_has_room(stream->channel);
}

void stream_window_take_run(struct stream *stream, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        stream->window_bytes -= stream->window[i].bytes;
    }
    memmove(&stream->window[first], &stream->window[first + count],
            (stream->window_count - first - count) * sizeof stream->window[0]);
    stream->window_count -= count;
    if (stream->window_count == 0) { /* most streams are idle, and then this is most of them */
        free(stream->window);
        stream->window = NULL;
    }
}

void stream_window_take(struct stream *stream, int64_t seq)
{
    for (size_t i = 0; i < stream->window_count; i++) {
        if (stream->window[i].seq == seq) {
            stream_window_take_run(stream, i, 1);
            return;
        }
    }
}

static void stream_sent(struct stream *stream, int64_t seq, int64_t bytes)
{
    if (stream->window == NULL) {
        stream->window = mem_raw(LIMIT_STREAM_WINDOW_ITEMS * sizeof stream->window[0]);
    }
    stream->window[stream->window_count] = (struct stream_item){ .seq = seq, .bytes = bytes };
    stream->window_count++;
    stream->window_bytes += bytes;
    stream->cursor = seq;
    mail_sent(stream->mailbox, seq);
}

static void stream_deliver(struct stream *stream, const struct mail_item *item, bool online_only)
{
    uint8_t head[STREAM_DELIVER_HEAD_BYTES];
    uint8_t flags = 0;

    flags |= item->urgent ? STREAM_DELIVER_URGENT : 0;
    flags |= item->redelivered ? STREAM_DELIVER_REDELIVERED : 0;
    flags |= online_only ? STREAM_DELIVER_ONLINE_ONLY : 0;
    stream_codec_deliver(head, item->seq, &item->id, item->minute, flags);
    ws_channel_send(stream->channel, bytes_of(head, sizeof head), item->body);
    if (!online_only) {
        stream_sent(stream, item->seq, (int64_t)item->body.size);
    }
}

static void stream_send_item(struct stream *stream, const struct mail_item *item)
{
    struct buf json = { 0 };

    if (!item->is_gap) {
        stream_deliver(stream, item, false);
        return;
    }
    mail_json_gap_event(&json, item);
    stream_event(stream, buf_view(&json));
    stream_sent(stream, item->seq, 0);
    buf_clear(&json);
}

/* True when every item of the read went out; else an ack or the socket goes on with it. */
static bool stream_take(struct stream *stream, const struct mail *mail)
{
    for (size_t i = 0; i < mail->count; i++) {
        const struct mail_item *item = &mail->items[i];
        if (!stream_has_room(stream, (int64_t)item->body.size)) {
            return false;
        }
        stream_send_item(stream, item);
        metrics_add(METRIC_envelopes_pulled, item->is_gap ? 0 : 1);
    }
    return true;
}

/* Nothing is there up to seq that is not on the wire. */
static void stream_skip(struct stream *stream, int64_t seq)
{
    stream->cursor = seq > stream->cursor ? seq : stream->cursor;
}

/* Say whether something may have come since the pull began. */
static bool stream_is_behind(const struct stream *stream)
{
    return stream->hub == NULL || hub_announced(stream->hub) != stream->pull_mark ||
           hub_woken(stream->hub) != stream->pull_woken;
}

static void stream_pulled(struct stream *stream, const struct mail *mail)
{
    static const char caught_up[] = "{\"event\":\"caught_up\"}";

    if (!mail->ok) {
        stream_close(stream, WS_CLOSE_INTERNAL, "the store cannot be read now");
        return;
    }
    if (!stream_take(stream, mail)) {
        return;
    }
    if (mail->more) {
        stream_pull(stream);
        return;
    }
    stream_skip(stream, stream->pull_mark); /* what was announced and is gone again */
    stream_skip(stream, mail->horizon);
    if (stream_is_behind(stream)) {
        stream_pull(stream);
        return;
    }
    stream->caught_up = true;
    stream_event(stream, bytes_of(caught_up, sizeof caught_up - 1));
}

static void on_pulled(void *arg, const struct mail *mail)
{
    struct stream *stream = arg;

    stream->pulling = false;
    if (stream->channel != NULL) {
        stream_pulled(stream, mail);
    }
    stream_release(stream);
}

void stream_pull(struct stream *stream)
{
    struct mail_page page;

    if (stream->pulling || stream->caught_up || stream->hub == NULL ||
        !stream_has_room(stream, 1)) {
        return;
    }
    stream->pulling = true;
    stream->pull_mark = hub_announced(stream->hub);
    stream->pull_woken = hub_woken(stream->hub);
    page = (struct mail_page){
        .after = stream->cursor,
        .item_max = LIMIT_STREAM_WINDOW_ITEMS - stream->window_count,
        .byte_max = LIMIT_STREAM_WINDOW_BYTES - stream->window_bytes,
        .now_ms = stream->api->now_ms(),
    };
    mail_read(stream->api->domain, stream->mailbox, &page, on_pulled, stream);
}

void stream_mail(struct stream *stream, const struct hub_mail *mail)
{
    struct mail_item item = {
        .seq = mail->seq,
        .id = mail->id,
        .minute = mail->minute,
        .urgent = mail->urgent,
        .body = mail->body,
    };

    if (mail->online_only) {
        stream_deliver(stream, &item, true);
        return;
    }
    if (!stream->caught_up) {
        stream_pull(stream);
        return;
    }
    if (!mail->is_gap && mail->seq <= stream->cursor) {
        return; /* a pull has seen it already */
    }
    if (mail->is_gap || mail->before > stream->cursor ||
        !stream_has_room(stream, (int64_t)mail->body.size)) {
        stream->caught_up = false;
        stream_pull(stream);
        return;
    }
    stream_deliver(stream, &item, false);
    metrics_add(METRIC_envelopes_direct, 1);
}
