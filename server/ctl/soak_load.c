/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/soak_load.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/ctl/device.h"
#include "server/ctl/outgoing.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/soak_arrivals.h"
#include "server/ctl/stream_client.h"
#include "server/ctl/stream_message.h"

enum {
    TURN_MS = 20,
    RECONNECT_MS = 500,
    STATUS_CREATED = 201,
    MS_A_SECOND = 1000,
};

/* A message that was sent and is not answered; its frame is kept to be sent again. */
struct flight {
    int64_t number; /* -1: the place is free */
    struct buf frame;
};

struct load {
    const struct soak_settings *settings;
    struct device *from;
    struct device *to;
    struct chain chain; /* of the receiving account */
    struct stream_client *out_stream;
    struct stream_client *in_stream;
    struct flight *flights; /* number modulo in_flight is its place */
    struct soak_arrivals arrivals;
    struct soak_counts *counts;
    int64_t oldest; /* the lowest number that is not answered */
    int64_t started_ms;
    int64_t moved_ms; /* when something last moved */
};

static struct flight *flight_of(const struct load *load, int64_t number)
{
    return &load->flights[number % load->settings->in_flight];
}

/* ---- sending ---- */

static bool message_make(struct load *load, int64_t number)
{
    struct flight *flight = flight_of(load, number);
    struct outgoing outgoing;
    struct buf content = { 0 };

    outgoing_init(&outgoing, LIMIT_TTL_MAX_S);
    soak_arrivals_content(&load->arrivals, number, (size_t)load->settings->size, &content);
    bool is_sealed = outgoing_seal(&outgoing, &load->from->state, &load->chain, buf_view(&content));
    if (is_sealed) {
        buf_empty(&flight->frame);
        flight->number = number;
        outgoing_frame(&outgoing, (uint32_t)number, &flight->frame);
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

    if (load->out_stream == NULL || sent == settings->count ||
        sent - load->oldest >= settings->in_flight) {
        return false;
    }
    int64_t elapsed_ms = clock_steady_ms() - load->started_ms;
    return settings->rate == 0 || sent * MS_A_SECOND <= elapsed_ms * settings->rate;
}

static enum exit_code send_due(struct load *load)
{
    while (may_send(load)) {
        int64_t number = load->counts->sent;
        if (!message_make(load, number)) {
            return EXIT_CODE_LOCAL;
        }
        soak_arrivals_sent(&load->arrivals, number, clock_steady_ms());
        load->counts->sent++;
        load->moved_ms = clock_steady_ms();
        if (!stream_client_send(load->out_stream, buf_view(&flight_of(load, number)->frame))) {
            return EXIT_CODE_NETWORK;
        }
    }
    return EXIT_CODE_OK;
}

static enum exit_code send_again(struct load *load)
{
    for (int64_t number = load->oldest; number < load->counts->sent; number++) {
        const struct flight *flight = flight_of(load, number);
        if (flight->number == number &&
            !stream_client_send(load->out_stream, buf_view(&flight->frame))) {
            return EXIT_CODE_NETWORK;
        }
    }
    return EXIT_CODE_OK;
}

/* ---- receiving ---- */

static enum exit_code answer_take(struct load *load, const struct stream_message *message)
{
    struct flight *flight = flight_of(load, message->request);

    if (message->type != STREAM_RESULT || flight->number != message->request) {
        return EXIT_CODE_OK;
    }
    if (message->status != STATUS_CREATED) {
        say_error("the relay answered message %" PRIu32 " with %d: %.*s", message->request,
                  message->status, (int)message->body.size, (const char *)message->body.at);
        return EXIT_CODE_REFUSED;
    }
    flight->number = -1;
    load->counts->accepted++;
    while (load->oldest < load->counts->sent &&
           flight_of(load, load->oldest)->number != load->oldest) {
        load->oldest++;
    }
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

static void stream_drop(struct stream_client **stream)
{
    stream_client_destroy(*stream);
    *stream = NULL;
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
    struct pollfd fds[2] = {
        { .fd = stream_client_fd(load->in_stream), .events = POLLIN },
        { .fd = stream_client_fd(load->out_stream), .events = POLLIN },
    };

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
    for (int64_t i = 0; i < load->settings->in_flight; i++) {
        buf_clear(&load->flights[i].frame);
    }
    free(load->flights);
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
    load.flights = mem_zeroed((size_t)settings->in_flight, sizeof *load.flights);
    for (int64_t i = 0; i < settings->in_flight; i++) {
        load.flights[i].number = -1;
    }
    code = soak_arrivals_init(&load.arrivals, from, to, settings->count, out);
    if (code == EXIT_CODE_OK) {
        code = load_all(&load);
        soak_arrivals_sum_up(&load.arrivals);
    }
    load_clear(&load);
    return code;
}
