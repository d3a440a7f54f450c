/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/soak_load.h"

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/limits.h"
#include "server/ctl/chain.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/outgoing.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/soak_arrivals.h"
#include "server/ctl/soak_flights.h"
#include "server/ctl/stream_client.h"
#include "server/ctl/stream_message.h"

enum {
    TURN_MS = 20,
    RECONNECT_MS = 500,
    STATUS_CREATED = 201,
    STATUS_UNAVAILABLE = 503,
    MS_A_SECOND = 1000,
};

struct load {
    const struct soak_settings *settings;
    struct device *from;
    struct device *to;
    struct chain chain; /* of the receiving account */
    struct stream_client *out_stream;
    struct stream_client *in_stream;
    struct soak_flights flights;
    struct soak_arrivals arrivals;
    struct soak_counts *counts;
    int64_t started_ms;
    int64_t moved_ms; /* when something last moved */
};

/* ---- sending ---- */

/* Seal the next message into its place among the flights. */
static bool message_make(struct load *load)
{
    int64_t number = load->counts->sent;
    struct outgoing outgoing;
    struct buf content = { 0 };

    outgoing_init(&outgoing, LIMIT_TTL_MAX_S);
    soak_arrivals_content(&load->arrivals, number, (size_t)load->settings->size, &content);
    bool is_sealed = outgoing_seal(&outgoing, &load->from->state, &load->chain, buf_view(&content));
    if (is_sealed) {
        outgoing_frame(&outgoing, (uint32_t)number, soak_flights_put(&load->flights));
    }
    outgoing_clear(&outgoing);
    buf_clear(&content);
    return is_sealed;
}

/* Say whether the next message may be sent now. */
static bool may_send(const struct load *load)
{
    const struct soak_settings *settings = load->settings;
    int64_t sent = load->counts->sent;

    if (load->out_stream == NULL || sent == settings->count || soak_flights_full(&load->flights)) {
        return false;
    }
    int64_t elapsed_ms = clock_steady_ms() - load->started_ms;
    return settings->rate == 0 || sent * MS_A_SECOND <= elapsed_ms * settings->rate;
}

static bool frame_send(struct load *load, int64_t number)
{
    const struct buf *frame = soak_flights_frame(&load->flights, number);

    return frame == NULL || stream_client_send(load->out_stream, buf_view(frame));
}

static enum exit_code send_due(struct load *load)
{
    while (may_send(load)) {
        int64_t number = load->counts->sent;
        if (!message_make(load)) {
            return EXIT_CODE_LOCAL;
        }
        soak_arrivals_sent(&load->arrivals, number, clock_steady_ms());
        load->counts->sent++;
        load->moved_ms = clock_steady_ms();
        if (!frame_send(load, number)) {
            return EXIT_CODE_NETWORK;
        }
    }
    return EXIT_CODE_OK;
}

static enum exit_code send_again(struct load *load)
{
    for (int64_t number = load->flights.oldest; number < load->counts->sent; number++) {
        if (!frame_send(load, number)) {
            return EXIT_CODE_NETWORK;
        }
    }
    return EXIT_CODE_OK;
}

/* ---- receiving ---- */

static enum exit_code answer_take(struct load *load, const struct stream_message *message)
{
    if (message->type != STREAM_RESULT) {
        return EXIT_CODE_OK;
    }
    if (message->status == STATUS_UNAVAILABLE) {
        return EXIT_CODE_NETWORK; /* it is going down, or its disk is full: send again later */
    }
    if (message->status != STATUS_CREATED) {
        say_error("the relay answered message %" PRIu32 " with %d: %.*s", message->request,
                  message->status, (int)message->body.size, (const char *)message->body.at);
        return EXIT_CODE_REFUSED;
    }
    load->counts->accepted += soak_flights_take(&load->flights, message->request) ? 1 : 0;
    return EXIT_CODE_OK;
}

static enum exit_code delivery_take(struct load *load, const struct stream_message *message)
{
    if (message->type == STREAM_DELIVER) {
        soak_arrivals_deliver(&load->arrivals, load->to, message);
    } else if (message->type == STREAM_EVENT) {
        soak_arrivals_event(&load->arrivals, message->body);
    }
    return EXIT_CODE_OK;
}

typedef enum exit_code take_fn(struct load *load, const struct stream_message *message);

/* Take all that a stream has now; NETWORK when it has ended. */
static enum exit_code stream_drain(struct load *load, struct stream_client *stream, take_fn *take)
{
    struct stream_message message;
    struct bytes bytes;

    while (stream != NULL) {
        enum stream_result result = stream_client_next(stream, 0, &bytes);
        if (result == STREAM_QUIET) {
            break;
        }
        if (result != STREAM_MESSAGE) {
            return EXIT_CODE_NETWORK;
        }
        load->moved_ms = clock_steady_ms();
        enum exit_code code =
            stream_message_read(bytes, &message) ? take(load, &message) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    return EXIT_CODE_OK;
}

static enum exit_code receive_due(struct load *load)
{
    struct buf acks = { 0 };
    enum exit_code code = stream_drain(load, load->in_stream, delivery_take);

    soak_arrivals_acks(&load->arrivals, &acks);
    if (code == EXIT_CODE_OK && acks.size > 0 &&
        !stream_client_send(load->in_stream, buf_view(&acks))) {
        code = EXIT_CODE_NETWORK;
    }
    buf_clear(&acks);
    return code;
}

/* ---- streams ---- */

static void stream_drop(struct stream_client **stream)
{
    stream_client_destroy(*stream);
    *stream = NULL;
}

static enum exit_code stream_open(struct device *device, struct stream_client **out)
{
    enum exit_code code = device_session(device, false);

    if (code == EXIT_CODE_OK) {
        *out = stream_client_open(device->http, device->token, &code);
    }
    if (code == EXIT_CODE_REFUSED) { /* the session may be over */
        code = device_session(device, true);
        return code == EXIT_CODE_OK ? EXIT_CODE_NETWORK : code;
    }
    return code;
}

/* Open what is not open; what was not answered is sent again. */
static enum exit_code streams_open(struct load *load)
{
    enum exit_code code = EXIT_CODE_OK;

    if (load->in_stream == NULL) {
        code = stream_open(load->to, &load->in_stream);
    }
    if (code == EXIT_CODE_OK && load->out_stream == NULL) {
        code = stream_open(load->from, &load->out_stream);
        code = code == EXIT_CODE_OK ? send_again(load) : code;
    }
    return code;
}

static bool is_stalled(const struct load *load)
{
    return clock_steady_ms() - load->moved_ms > load->settings->stall_ms;
}

/* After a stream ended: drop both and wait a moment.  Gives up after a while. */
static enum exit_code streams_renew(struct load *load)
{
    stream_drop(&load->in_stream);
    stream_drop(&load->out_stream);
    soak_arrivals_reconnected(&load->arrivals);
    load->counts->reconnects++;
    (void)poll(NULL, 0, RECONNECT_MS);
    return is_stalled(load) ? EXIT_CODE_NETWORK : EXIT_CODE_OK;
}

static void wait_input(const struct load *load)
{
    struct pollfd fds[2] = { { .fd = stream_client_fd(load->in_stream), .events = POLLIN },
                             { .fd = stream_client_fd(load->out_stream), .events = POLLIN } };

    (void)poll(fds, 2, may_send(load) ? 0 : TURN_MS);
}

/* One round: send what is due, take what has come. */
static enum exit_code load_turn(struct load *load)
{
    enum exit_code code = streams_open(load);

    if (code == EXIT_CODE_OK) {
        code = send_due(load);
    }
    if (code == EXIT_CODE_OK) {
        wait_input(load);
        code = stream_drain(load, load->out_stream, answer_take);
    }
    if (code == EXIT_CODE_OK) {
        code = receive_due(load);
    }
    return code == EXIT_CODE_NETWORK ? streams_renew(load) : code;
}

static bool is_done(const struct load *load)
{
    const struct soak_counts *counts = load->counts;

    return counts->accepted == load->settings->count &&
           counts->received + counts->lost >= load->settings->count;
}

static enum exit_code load_all(struct load *load)
{
    enum exit_code code = EXIT_CODE_OK;

    load->started_ms = clock_steady_ms();
    load->moved_ms = load->started_ms;
    while (code == EXIT_CODE_OK && !is_done(load) && !is_stalled(load)) {
        code = load_turn(load);
    }
    load->counts->elapsed_ms = clock_steady_ms() - load->started_ms;
    return code;
}

static void load_clear(struct load *load)
{
    stream_drop(&load->in_stream);
    stream_drop(&load->out_stream);
    soak_flights_clear(&load->flights);
    soak_arrivals_clear(&load->arrivals);
    chain_clear(&load->chain);
}

enum exit_code soak_load_run(struct device *from, struct device *to,
                             const struct soak_settings *settings, struct soak_counts *out)
{
    struct load load = { .settings = settings, .from = from, .to = to, .counts = out };

    *out = (struct soak_counts){ .sent = 0 };
    enum exit_code code = people_fetch(from, &to->state.account, &load.chain);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    soak_flights_init(&load.flights, settings->in_flight);
    code = soak_arrivals_init(&load.arrivals, from, to, settings->count, out);
    if (code == EXIT_CODE_OK) {
        code = load_all(&load);
        soak_arrivals_sum_up(&load.arrivals);
    }
    load_clear(&load);
    return code;
}
