/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send one message to every device of an account.  When the relay says that the device
 * list has changed, the new list is fetched and verified and the message sealed anew,
 * a few times at most.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/folder.h"
#include "server/ctl/http_client.h"
#include "server/ctl/message.h"
#include "server/ctl/outgoing.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/stream_client.h"
#include "server/ctl/stream_message.h"

enum {
    ATTEMPTS = 4,
    REQUEST = 1,
    RESULT_WAIT_MS = 60000,
};

/* One message to one account. */
struct sending {
    struct device *device;
    struct account_id to;
    struct buf content;
    struct outgoing outgoing;
    bool by_stream;
};

static enum exit_code content_read(const struct arguments *arguments, struct buf *out)
{
    const char *text = arguments->word_count > 1 ? arguments->words[1] : NULL;
    const char *file = arguments_text(arguments, OPTION_FILE, NULL);

    if ((text == NULL) == (file == NULL)) {
        say_error("give either a text, or - for standard input, or --file");
        return EXIT_CODE_USAGE;
    }
    if (text != NULL && strcmp(text, "-") != 0) {
        buf_append_text(out, text);
        return EXIT_CODE_OK;
    }
    return folder_read_path(text == NULL ? file : text, MESSAGE_CONTENT_MAX, out) ? EXIT_CODE_OK
                                                                                  : EXIT_CODE_LOCAL;
}

/* Wait for the RESULT of REQUEST; other messages are for whoever receives. */
static enum exit_code result_wait(struct stream_client *stream, struct http_reply *out)
{
    struct stream_message message;
    struct bytes bytes;

    for (;;) {
        enum stream_result result = stream_client_next(stream, RESULT_WAIT_MS, &bytes);
        if (result != STREAM_MESSAGE) {
            say_error("the stream ended before the relay answered; sending the same again is safe");
            return EXIT_CODE_NETWORK;
        }
        if (stream_message_read(bytes, &message) && message.type == STREAM_RESULT &&
            message.request == REQUEST) {
            out->status = message.status;
            out->json = message.body.size == 0 ? NULL : json_parse(message.body, LIMIT_JSON_DEPTH);
            return EXIT_CODE_OK;
        }
    }
}

static enum exit_code send_by_stream(const struct sending *sending, struct http_reply *out)
{
    struct buf frame = { 0 };
    enum exit_code code = device_session(sending->device, false);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    struct stream_client *stream =
        stream_client_open(sending->device->http, sending->device->token, &code);
    if (stream == NULL) {
        return code;
    }
    outgoing_frame(&sending->outgoing, REQUEST, &frame);
    if (stream_client_send(stream, buf_view(&frame))) {
        code = result_wait(stream, out);
    } else {
        say_error("the connection broke; sending the same again is safe");
        code = EXIT_CODE_NETWORK;
    }
    buf_clear(&frame);
    stream_client_destroy(stream);
    return code;
}

static enum exit_code send_by_http(const struct sending *sending, struct http_reply *out)
{
    const struct http_call call = { .method = "POST",
                                    .path = "/v1/envelopes",
                                    .body = outgoing_json(&sending->outgoing) };

    return device_call(sending->device, &call, out);
}

/* Fetch, verify, seal and send once; a refusal is in *out. */
static enum exit_code send_once(struct sending *sending, struct http_reply *out)
{
    struct chain chain;
    enum exit_code code = people_fetch(sending->device, &sending->to, &chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    bool is_sealed = outgoing_seal(&sending->outgoing, &sending->device->state, &chain,
                                   buf_view(&sending->content));
    chain_clear(&chain);
    if (!is_sealed) {
        return EXIT_CODE_USAGE;
    }
    return sending->by_stream ? send_by_stream(sending, out) : send_by_http(sending, out);
}

static const char *devices_word(json_int_t count)
{
    return say_noun(count, "device", "devices");
}

static void say_sent(const struct arguments *arguments, const struct http_reply *reply)
{
    const json_t *answer = reply->json;
    json_int_t sent = json_integer_value(json_object_get(answer, "sent"));
    json_int_t stored = json_integer_value(json_object_get(answer, "stored"));
    size_t full = json_array_size(json_object_get(answer, "full"));
    size_t closed = json_array_size(json_object_get(answer, "closed"));

    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(reply->json == NULL ? json_object() : json_incref(reply->json));
    } else if (json_object_get(answer, "sent") != NULL) {
        (void)printf("sent to %" JSON_INTEGER_FORMAT " connected %s\n", sent, devices_word(sent));
    } else if (full + closed > 0) {
        (void)printf("stored for %" JSON_INTEGER_FORMAT
                     " %s; %zu had a full mailbox and %zu a closed one\n",
                     stored, devices_word(stored), full, closed);
    } else {
        (void)printf("stored for %" JSON_INTEGER_FORMAT " %s\n", stored, devices_word(stored));
    }
}

static enum exit_code send_all(const struct arguments *arguments, struct sending *sending)
{
    struct http_reply reply = { .status = 0 };
    enum exit_code code = EXIT_CODE_OK;

    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        http_reply_clear(&reply);
        code = send_once(sending, &reply);
        if (code != EXIT_CODE_OK ||
            strcmp(http_reply_problem(&reply), "device_list_mismatch") != 0) {
            break;
        }
    }
    if (code == EXIT_CODE_OK && http_reply_is_success(&reply)) {
        say_sent(arguments, &reply);
    } else if (code == EXIT_CODE_OK) {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    return code;
}

enum exit_code device_send_run(const struct arguments *arguments)
{
    struct sending sending = { .by_stream = arguments_has(arguments, OPTION_STREAM) };
    int64_t ttl_s = LIMIT_TTL_MAX_S;
    struct device device;

    if (arguments_has(arguments, OPTION_TTL) &&
        !arguments_duration(arguments_text(arguments, OPTION_TTL, ""), &ttl_s)) {
        say_error("--ttl wants a time such as 90s, 15m, 12h or 30d");
        return EXIT_CODE_USAGE;
    }
    if (!people_parse_id(arguments->words[0], &sending.to)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = content_read(arguments, &sending.content);
    if (code == EXIT_CODE_OK) {
        code = device_open(arguments, true, &device);
    }
    if (code == EXIT_CODE_OK) {
        outgoing_init(&sending.outgoing, ttl_s);
        sending.outgoing.is_urgent = arguments_has(arguments, OPTION_URGENT);
        sending.outgoing.is_online_only = arguments_has(arguments, OPTION_ONLINE_ONLY);
        sending.device = &device;
        code = send_all(arguments, &sending);
        outgoing_clear(&sending.outgoing);
        device_close(&device);
    }
    buf_clear(&sending.content);
    return code;
}
