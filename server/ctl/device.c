/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/ctl/arguments.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

enum {
    FOLDER_BYTES = 4096,
    SESSION_SPARE_S = 120, /* a session that ends sooner is replaced */
    STATUS_SUCCESS_END = 300,
};

static const char session_file[] = "session.json";

enum exit_code device_folder(const struct arguments *arguments, const char **out_folder)
{
    static char folder[FOLDER_BYTES];
    const char *given = arguments_text(arguments, OPTION_DIR, getenv("SEALPOST_DEVICE_DIR"));
    const char *home = getenv("HOME");

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

static void token_drop(struct device *device)
{
    if (device->token != NULL) {
        mem_wipe(device->token, strlen(device->token));
        free(device->token);
        device->token = NULL;
    }
}

void device_close(struct device *device)
{
    token_drop(device);
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

/* ---- sessions ---- */

static bool session_keep(const struct device *device, int64_t expires_at)
{
    json_t *object = json_pack(
        "{s:s, s:I, s:o}", "token", device->token, "expires_at", (json_int_t)expires_at,
        "account_id",
        json_base64url(bytes_of(device->state.account.raw, sizeof device->state.account.raw)));
    struct buf text = { 0 };

    json_append_steal(&text, object);
    bool is_kept = folder_write(device->state.folder, session_file, buf_view(&text));
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    return is_kept;
}

/* Take the kept session when it is good for a while longer. */
static bool session_take_kept(struct device *device)
{
    struct buf text = { 0 };

    if (!folder_has(device->state.folder, session_file) ||
        !folder_read(device->state.folder, session_file, &text)) {
        return false;
    }
    json_t *object = json_parse(buf_view(&text), 2);
    const char *token = json_string_value(json_object_get(object, "token"));
    int64_t expires_at = json_integer_value(json_object_get(object, "expires_at"));
    bool is_good = token != NULL && expires_at > clock_now_ms() / 1000 + SESSION_SPARE_S;
    if (is_good) {
        device->token = mem_text(token);
    }
    json_decref(object);
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    return is_good;
}

static bool challenge_read(const json_t *answer, uint8_t out[CHALLENGE_BYTES])
{
    const char *text = json_string_value(json_object_get(answer, "challenge"));

    return text != NULL && base64url_decode_exact(bytes_text(text), out, CHALLENGE_BYTES);
}

static json_t *session_body(const struct device_state *state,
                            const uint8_t challenge[CHALLENGE_BYTES])
{
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf signed_bytes = { 0 };

    sigbytes_auth(&signed_bytes, bytes_text(state->url), &state->account, state->device_id,
                  challenge);
    crypto_make_signature(state->seed, buf_view(&signed_bytes), signature);
    buf_clear(&signed_bytes);
    return json_pack("{s:o, s:i, s:o, s:o}", "account_id",
                     json_base64url(bytes_of(state->account.raw, sizeof state->account.raw)),
                     "device_id", (int)state->device_id, "challenge",
                     json_base64url(bytes_of(challenge, CHALLENGE_BYTES)), "signature",
                     json_base64url(bytes_of(signature, sizeof signature)));
}

static enum exit_code session_begin(struct device *device)
{
    const struct http_call challenge_call = { .method = "POST",
                                              .path = "/v1/auth/challenge",
                                              .raw = "{}" };
    struct http_call session_call = { .method = "POST", .path = "/v1/auth/session" };
    uint8_t challenge[CHALLENGE_BYTES];
    json_t *answer = NULL;

    enum exit_code code = http_client_ask(device->http, &challenge_call, &answer);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    bool is_read = challenge_read(answer, challenge);
    json_decref(answer);
    if (!is_read) {
        say_error("the relay gave no challenge to sign");
        return EXIT_CODE_NETWORK;
    }
    session_call.body = session_body(&device->state, challenge);
    code = http_client_ask(device->http, &session_call, &answer);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *token = json_string_value(json_object_get(answer, "token"));
    device->token = mem_text(token == NULL ? "" : token);
    bool is_kept = session_keep(device, json_integer_value(json_object_get(answer, "expires_at")));
    json_decref(answer);
    return is_kept ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
}

enum exit_code device_session(struct device *device, bool fresh)
{
    if (fresh) {
        token_drop(device);
    }
    if (device->token != NULL || (!fresh && session_take_kept(device))) {
        return EXIT_CODE_OK;
    }
    enum exit_code code = device_check_relay(device);
    return code == EXIT_CODE_OK ? session_begin(device) : code;
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

enum exit_code device_ask(struct device *device, const struct http_call *call, json_t **out_json)
{
    struct http_reply reply = { .status = 0 };
    enum exit_code code = device_call(device, call, &reply);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (reply.status >= STATUS_SUCCESS_END) {
        code = http_reply_say(&reply);
        http_reply_clear(&reply);
        return code;
    }
    *out_json = reply.json == NULL ? json_object() : reply.json;
    return EXIT_CODE_OK;
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

enum exit_code device_command(struct device *device, enum command_op op, const char *method,
                              const char *path, json_t *payload)
{
    struct buf text = { 0 };
    struct buf header = { 0 };
    json_t *answer = NULL;
    enum exit_code code = EXIT_CODE_LOCAL;

    json_append_steal(&text, payload);
    if (command_sign(&device->state, op, buf_view(&text), &header)) {
        buf_append_u8(&text, 0);
        const struct http_call call = { .method = method,
                                        .path = path,
                                        .raw = (const char *)text.at,
                                        .command = (const char *)header.at };
        code = device_ask(device, &call, &answer);
    }
    json_decref(answer);
    buf_clear(&header);
    buf_clear(&text);
    return code;
}
