/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/say.h"

enum {
    FOLDER_BYTES = 4096
};

enum exit_code device_folder(const struct arguments *arguments, const char **out_folder)
{
    static char folder[FOLDER_BYTES];
    const char *given = arguments_text(arguments, OPTION_DIR, secure_getenv("SEALPOST_DEVICE_DIR"));
    const char *home = secure_getenv("HOME");

    if (given == NULL && home == NULL) {
        say_error("name the device's folder with --dir");
        return EXIT_CODE_USAGE;
    }
    if (given != NULL) {
        (void)snprintf(folder, sizeof folder, "%s", given);
    } else {
        (void)snprintf(folder, sizeof folder, "%s/.sealpost", home);
    }
    *out_folder = folder;
    return EXIT_CODE_OK;
}

void device_open_state(struct device *device, struct device_state *state)
{
    *device = (struct device){ .state = *state };
    memset(state, 0, sizeof *state);
    device->http = http_client_create(device->state.url, NULL, device->state.ca);
}

enum exit_code device_open(const struct arguments *arguments, bool needs_account,
                           struct device *device)
{
    struct device_state state;
    const char *folder = NULL;
    enum exit_code code = device_folder(arguments, &folder);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!device_state_load(&state, folder)) {
        return EXIT_CODE_LOCAL;
    }
    if (needs_account && !state.has_account) {
        say_error("the device in %s belongs to no account yet; register it, or have another "
                  "device of yours add its entry",
                  folder);
        device_state_clear(&state);
        return EXIT_CODE_LOCAL;
    }
    device_open_state(device, &state);
    return EXIT_CODE_OK;
}

void device_close(struct device *device)
{
    device_session_drop(device);
    http_client_destroy(device->http);
    device->http = NULL;
    device_state_clear(&device->state);
}

enum exit_code device_check_relay(struct device *device)
{
    const struct http_call call = { .method = "GET", .path = "/v1/server" };
    json_t *server = NULL;
    enum exit_code code = http_client_ask(device->http, &call, &server);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *base_url = json_string_value(json_object_get(server, "base_url"));
    if (base_url == NULL || strcmp(base_url, device->state.url) != 0) {
        say_error("this device was given the URL %s, but the relay there says it is %s. It may be "
                  "a wrong address or an impostor; nothing was signed. Compare with your invite",
                  device->state.url, base_url == NULL ? "no Sealpost relay" : base_url);
        code = EXIT_CODE_UNVERIFIED;
    }
    json_decref(server);
    return code;
}

/* ---- calls ---- */

static bool is_session_over(const struct http_reply *reply)
{
    return strcmp(http_reply_problem(reply), "session_invalid") == 0;
}

enum exit_code device_call(struct device *device, const struct http_call *call,
                           struct http_reply *out_reply)
{
    struct http_call with_token = *call;
    enum exit_code code = EXIT_CODE_OK;

    for (int attempt = 0; attempt < 2; attempt++) {
        code = device_session(device, attempt > 0);
        if (code != EXIT_CODE_OK) {
            break;
        }
        with_token.token = device->token;
        with_token.body = json_incref(call->body); /* for the second attempt */
        if (!http_client_call(device->http, &with_token, out_reply)) {
            code = EXIT_CODE_NETWORK;
            break;
        }
        if (attempt > 0 || !is_session_over(out_reply)) {
            break;
        }
        http_reply_clear(out_reply);
    }
    json_decref(call->body);
    return code;
}

/* What a call brought, when success is wanted. */
static enum exit_code take_success(enum exit_code code, struct http_reply *reply, json_t **out_json)
{
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!http_reply_is_success(reply)) {
        code = http_reply_say(reply);
        http_reply_clear(reply);
        return code;
    }
    *out_json = reply->json == NULL ? json_object() : reply->json;
    return EXIT_CODE_OK;
}

enum exit_code device_ask(struct device *device, const struct http_call *call, json_t **out_json)
{
    struct http_reply reply = { .status = 0 };

    return take_success(device_call(device, call, &reply), &reply, out_json);
}

/* Use up the next command number and write the header's value for payload. */
static bool command_sign(struct device_state *state, enum command_op op, struct bytes payload,
                         struct buf *out)
{
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf signed_bytes = { 0 };
    int64_t now_ms = clock_now_ms();

    state->command_seq = now_ms > state->command_seq ? now_ms : state->command_seq + 1;
    if (!device_state_save(state)) {
        return false;
    }
    const struct sigbytes_command command = {
        .audience = bytes_text(state->url),
        .account = &state->account,
        .device_id = state->device_id,
        .seq = (uint64_t)state->command_seq,
        .op = op,
        .payload = payload,
    };
    sigbytes_command(&signed_bytes, &command);
    crypto_make_signature(state->seed, buf_view(&signed_bytes), signature);
    buf_clear(&signed_bytes);
    buf_append_format(out, "seq=%" PRId64 ", sig=", state->command_seq);
    base64url_encode(bytes_of(signature, sizeof signature), out);
    buf_append_u8(out, 0);
    return true;
}

enum exit_code device_command_call(struct device *device, enum command_op op,
                                   const struct http_call *call, struct http_reply *out_reply)
{
    struct buf text = { 0 };
    struct buf header = { 0 };
    enum exit_code code = EXIT_CODE_LOCAL;

    json_append_steal(&text, call->body);
    if (command_sign(&device->state, op, buf_view(&text), &header)) {
        buf_append_u8(&text, 0);
        const struct http_call signed_call = { .method = call->method,
                                               .path = call->path,
                                               .raw = (const char *)text.at,
                                               .command = (const char *)header.at };
        code = device_call(device, &signed_call, out_reply);
    }
    buf_clear(&header);
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    return code;
}

enum exit_code device_command_ask(struct device *device, enum command_op op,
                                  const struct http_call *call, json_t **out_json)
{
    struct http_reply reply = { .status = 0 };

    return take_success(device_command_call(device, op, call, &reply), &reply, out_json);
}

enum exit_code device_command(struct device *device, enum command_op op, const char *method,
                              const char *path, json_t *payload)
{
    const struct http_call call = { .method = method, .path = path, .body = payload };
    json_t *answer = NULL;
    enum exit_code code = device_command_ask(device, op, &call, &answer);

    json_decref(answer);
    return code;
}
