/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/follow.h"

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/random.h"
#include "server/ctl/chain.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/inbox.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/stream_client.h"
#include "server/ctl/stream_message.h"
#include "server/ws/channel.h"

enum {
    WAIT_MS = 30000,
    BACK_MIN_MS = 1000,
    BACK_MAX_MS = 15000, /* the relay asks for a random 1 to 15 s after 1012 */
};

struct follow {
    struct inbox *inbox;
    struct stream_client *stream;
    int64_t limit; /* items still to take; below 0: no end */
};

static bool ack(struct follow *follow, uint64_t seq)
{
    struct buf message = { 0 };

    stream_message_ack(0, seq, &message);
    bool is_sent = stream_client_send(follow->stream, buf_view(&message));
    buf_clear(&message);
    follow->limit -= follow->limit > 0 ? 1 : 0;
    return is_sent;
}

static enum exit_code deliver(struct follow *follow, const struct stream_message *message)
{
    const struct inbox_item item = {
        .seq = message->seq,
        .id = message->id,
        .minute = message->minute,
        .is_redelivered = (message->flags & STREAM_REDELIVERED) != 0,
        .body = message->body,
    };

    if (!inbox_print(follow->inbox, &item)) {
        return EXIT_CODE_LOCAL;
    }
    return item.seq == 0 || ack(follow, item.seq) ? EXIT_CODE_OK : EXIT_CODE_NETWORK;
}

static enum exit_code event_gap(struct follow *follow, const json_t *event)
{
    const char *reason = json_string_value(json_object_get(event, "reason"));
    const struct inbox_gap gap = {
        .seq = (uint64_t)json_integer_value(json_object_get(event, "seq")),
        .count = json_integer_value(json_object_get(event, "count")),
        .reason = reason == NULL ? "" : reason,
    };

    if (!inbox_print_gap(follow->inbox, &gap)) {
        return EXIT_CODE_LOCAL;
    }
    return ack(follow, gap.seq) ? EXIT_CODE_OK : EXIT_CODE_NETWORK;
}

/* Events that this program does not know are passed over. */
static enum exit_code event(struct follow *follow, struct bytes text)
{
    json_t *object = json_parse(text, LIMIT_JSON_DEPTH);
    const char *name = json_string_value(json_object_get(object, "event"));
    enum exit_code code = EXIT_CODE_OK;
    struct chain chain;

    if (name != NULL && strcmp(name, "gap") == 0) {
        code = event_gap(follow, object);
    }
    if (name != NULL && strcmp(name, "manifest.changed") == 0) {
        struct device *device = follow->inbox->device;
        code = people_fetch(device, &device->state.account, &chain);
        if (code == EXIT_CODE_OK) {
            chain_clear(&chain);
        }
    }
    if (name != NULL && (strcmp(name, "manifest.held") == 0 || strcmp(name, "erasure.held") == 0)) {
        say_error("device %" JSON_INTEGER_FORMAT " wants %s; see sealpost device holds",
                  json_integer_value(json_object_get(object, "device_id")),
                  strcmp(name, "erasure.held") == 0 ? "the account erased"
                                                    : "to take an admin device's rights");
    }
    json_decref(object);
    return code;
}

static enum exit_code take(struct follow *follow, struct bytes bytes)
{
    struct stream_message message;

    if (!stream_message_read(bytes, &message)) {
        return EXIT_CODE_OK; /* a newer relay's message: clients pass over what they do not know */
    }
    if (message.type == STREAM_DELIVER) {
        return deliver(follow, &message);
    }
    return message.type == STREAM_EVENT ? event(follow, message.body) : EXIT_CODE_OK;
}

/* Take messages until the stream ends (NETWORK: connect again) or there is a reason to stop. */
static enum exit_code stream_take(struct follow *follow)
{
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && follow->limit != 0) {
        struct bytes bytes;
        switch (stream_client_next(follow->stream, WAIT_MS, &bytes)) {
        case STREAM_MESSAGE:
            code = take(follow, bytes);
            break;
        case STREAM_QUIET:
            break;
        case STREAM_CLOSED:
        case STREAM_BROKEN:
            code = EXIT_CODE_NETWORK;
            break;
        }
    }
    return code;
}

/* Judge why the stream ended; OK: connect again. */
static enum exit_code judge_close(struct follow *follow, int code)
{
    switch (code) {
    case WS_CLOSE_SESSION_OVER:
        return device_session(follow->inbox->device, true);
    case WS_CLOSE_REVOKED:
        say_error("this device was removed from its account");
        return EXIT_CODE_REFUSED;
    case WS_CLOSE_REPLACED:
        say_error("another program opened the stream of this device; only one can have it");
        return EXIT_CODE_REFUSED;
    case WS_CLOSE_POLICY:
    case WS_CLOSE_PROTOCOL:
        say_error("the relay says that this program broke the protocol (close code %d)", code);
        return EXIT_CODE_REFUSED;
    default:
        return EXIT_CODE_OK;
    }
}

static void back_off(void)
{
    int wait_ms = BACK_MIN_MS + (int)random_below(BACK_MAX_MS - BACK_MIN_MS);

    (void)poll(NULL, 0, wait_ms);
}

/* Connect and take mail until the stream ends. */
static enum exit_code follow_once(struct follow *follow)
{
    struct device *device = follow->inbox->device;
    enum exit_code code = device_session(device, false);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    follow->stream = stream_client_open(device->http, device->token, &code);
    if (follow->stream == NULL) {
        if (code == EXIT_CODE_REFUSED) { /* most often the session was ended */
            back_off();
            code = device_session(device, true);
        }
        return code;
    }
    code = stream_take(follow);
    int close_code = stream_client_close_code(follow->stream);
    stream_client_destroy(follow->stream);
    follow->stream = NULL;
    if (code != EXIT_CODE_NETWORK) {
        return code;
    }
    code = judge_close(follow, close_code);
    if (code == EXIT_CODE_OK && close_code != WS_CLOSE_SESSION_OVER) {
        back_off();
    }
    return code;
}

enum exit_code follow_run(struct inbox *inbox, int64_t limit)
{
    struct follow follow = { .inbox = inbox, .limit = limit == 0 ? -1 : limit };
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && follow.limit != 0) {
        code = follow_once(&follow);
        if (code == EXIT_CODE_NETWORK) {
            back_off();
            code = EXIT_CODE_OK;
        }
    }
    return code;
}
