/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the device.  Each is under way until it is answered; at
 * LIMIT_STREAM_REQUESTS of them the channel stops reading.  It also stops while a
 * SEND waits for its place, so that envelopes keep the order of their sender.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/api/api.h"
#include "server/api/outcome.h"
#include "server/api/rates.h"
#include "server/api/stream.h"
#include "server/api/stream_codec.h"
#include "server/domain/envelopes.h"
#include "server/domain/mail.h"
#include "server/http/problem.h"
#include "server/ws/channel.h"

struct request {
    struct stream *stream;
    uint32_t number;
    bool answer;
};

enum {
    FEW_RECIPIENTS = 4,
    RETRY_UNAVAILABLE_S = 2 /* as problem_of_store says over HTTP */
};

static void stream_read_no_more(struct stream *stream)
{
    if (!stream->paused) {
        stream->paused = true;
        ws_channel_pause(stream->channel);
    }
}

static void stream_read_on(struct stream *stream)
{
    if (stream->paused && !stream->draining && stream->unplaced == 0 &&
        stream->requests < LIMIT_STREAM_REQUESTS / 2) {
        stream->paused = false;
        if (stream->channel != NULL) {
            ws_channel_resume(stream->channel);
        }
    }
}

static struct request *request_begin(struct stream *stream, uint32_t number, bool answer)
{
    struct request *request = mem_raw(sizeof *request);

    *request = (struct request){ .stream = stream, .number = number, .answer = answer };
    stream->requests++;
    if (stream->requests >= LIMIT_STREAM_REQUESTS) {
        stream_read_no_more(stream);
    }
    return request;
}

static void result_send(struct stream *stream, uint32_t number, int status, struct bytes json)
{
    uint8_t head[STREAM_RESULT_HEAD_BYTES];

    if (stream->channel != NULL) {
        stream_codec_result(head, number, status);
        ws_channel_send(stream->channel, bytes_of(head, sizeof head), json);
    }
}

static void request_end(struct request *request, int status, struct bytes json)
{
    struct stream *stream = request->stream;

    if (request->answer) {
        result_send(stream, request->number, status, json);
    }
    free(request);
    stream->requests--;
    stream_read_on(stream);
    stream_release(stream);
}

static void request_fail(struct request *request, enum problem problem, int retry_s,
                         const char *members)
{
    struct buf json = { 0 };

    problem_append(&json, problem, retry_s, members);
    request_end(request, problem_status(problem), buf_view(&json));
    buf_clear(&json);
}

static void on_sent(void *arg, const struct envelope_outcome *outcome)
{
    struct request *request = arg;
    struct buf json = { 0 };
    struct buf members = { 0 };
    enum problem problem = PROBLEM_internal;

    if (outcome_is_success(outcome, &problem)) {
        int status = outcome_append_success(outcome, &json);
        request_end(request, status, buf_view(&json));
    } else {
        outcome_append_members(outcome, &members);
        buf_append_u8(&members, '\0');
        request_fail(request, problem, outcome_retry_s(outcome, problem), (const char *)members.at);
    }
    buf_clear(&members);
    buf_clear(&json);
}

static void on_placed(void *arg)
{
    struct stream *stream = ((struct request *)arg)->stream;

    stream->unplaced--;
    stream_read_on(stream);
}

static void stream_send(struct stream *stream, struct stream_message *message)
{
    struct request *request = request_begin(stream, message->request, true);
    struct envelope_recipient few[FEW_RECIPIENTS];
    struct envelope_recipient *recipients = few;
    int wait_s = rates_take_caller(stream->api, stream->peer, &stream->caller);

    if (wait_s > 0) {
        request_fail(request, PROBLEM_rate_limited, wait_s, "");
        return;
    }
    if (message->count < 1 || message->count > LIMIT_SEND_RECIPIENTS) {
        request_fail(request, PROBLEM_value_invalid, 0, ",\"member\":\"recipients\"");
        return;
    }
    if (message->count > FEW_RECIPIENTS) {
        recipients = mem_raw(message->count * sizeof recipients[0]);
    }
    for (size_t i = 0; i < message->count; i++) {
        stream_codec_recipient(message, &recipients[i]);
    }
    message->send.recipients = recipients;
    message->send.count = message->count;
    message->send.sender_account = stream->caller.account_id;
    message->send.sender = stream->caller.device_pub;
    message->send.placed = on_placed;
    if (!envelopes_send(stream->api->domain, &message->send, stream->api->now_ms(), on_sent,
                        request)) {
        stream->unplaced++;
        stream_read_no_more(stream);
    }
    if (recipients != few) {
        free(recipients);
    }
}

static void on_acked(void *arg, enum mail_ack_result result, int64_t acknowledged)
{
    struct request *request = arg;
    struct buf json = { 0 };

    if (result != MAIL_ACKED) {
        request_fail(request, PROBLEM_unavailable, RETRY_UNAVAILABLE_S, "");
        return;
    }
    if (request->answer) {
        buf_append_format(&json, "{\"acknowledged\":%lld}", (long long)acknowledged);
    }
    request_end(request, 200, buf_view(&json));
    buf_clear(&json);
}

static int seq_order(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

/* Find seqs, ascending, as neighbours in the window: then one range names them all. */
static bool find_run(const struct stream *stream, const int64_t *seqs, size_t count,
                     size_t *out_first)
{
    size_t first = 0;

    while (first < stream->window_count && stream->window[first].seq != seqs[0]) {
        first++;
    }
    if (first + count > stream->window_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (stream->window[first + i].seq != seqs[i]) {
            return false;
        }
    }
    *out_first = first;
    return true;
}

/* Acknowledge count neighbours of the window from place first on. */
static void stream_ack_run(struct stream *stream, struct request *request, size_t first,
                           size_t count)
{
    int64_t seqs[LIMIT_STREAM_WINDOW_ITEMS];
    struct mail_run run = { .seqs = seqs, .count = count };

    for (size_t i = 0; i < count; i++) {
        const struct stream_item *item = &stream->window[first + i];
        seqs[i] = item->seq;
        run.envelopes += item->bytes > 0 ? 1 : 0;
        run.bytes += item->bytes;
    }
    stream_window_take_run(stream, first, count);
    mail_ack_run(stream->api->domain, stream->mailbox, &run, on_acked, request);
}

static void stream_ack_seqs(struct stream *stream, struct request *request, int64_t *seqs,
                            size_t count)
{
    size_t first = 0;

    qsort(seqs, count, sizeof seqs[0], seq_order);
    if (find_run(stream, seqs, count, &first)) {
        stream_ack_run(stream, request, first, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        stream_window_take(stream, seqs[i]);
    }
    mail_ack(stream->api->domain, stream->mailbox, seqs, count, on_acked, request);
}

static void stream_ack(struct stream *stream, struct stream_message *message)
{
    struct request *request = request_begin(stream, message->request, message->request != 0);
    int64_t seqs[LIMIT_ACK_SEQS];

    if (message->count < 1 || message->count > LIMIT_ACK_SEQS) {
        request_fail(request, PROBLEM_value_invalid, 0, ",\"member\":\"seqs\"");
        return;
    }
    for (size_t i = 0; i < message->count; i++) {
        uint64_t seq = stream_codec_seq(message);
        seqs[i] = seq <= INT64_MAX ? (int64_t)seq : INT64_MAX; /* neither stands anywhere */
    }
    stream_ack_seqs(stream, request, seqs, message->count);
    stream_pull(stream);
}

/* What this stream delivered and is not acknowledged yet, up to seq. */
static void stream_ack_upto(struct stream *stream, const struct stream_message *message)
{
    struct request *request = request_begin(stream, message->request, message->request != 0);
    size_t count = 0;

    while (count < stream->window_count && (uint64_t)stream->window[count].seq <= message->seq) {
        count++;
    }
    if (count == 0) {
        on_acked(request, MAIL_ACKED, 0);
        return;
    }
    stream_ack_run(stream, request, 0, count);
    stream_pull(stream);
}

void stream_message(struct stream *stream, struct bytes bytes)
{
    struct stream_message message;

    if (!stream_codec_parse(bytes, &message)) {
        stream_close(stream, WS_CLOSE_POLICY, "a message that stream.md does not know");
        return;
    }
    if (message.type == STREAM_SEND) {
        stream_send(stream, &message);
    } else if (message.type == STREAM_ACK) {
        stream_ack(stream, &message);
    } else {
        stream_ack_upto(stream, &message);
    }
}
