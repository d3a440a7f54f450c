/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's session with its relay, kept in session.json until it is nearly over.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/sigbytes.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/folder.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"

enum {
    SESSION_SPARE_S = 120, /* a session that ends sooner is replaced */
};

static const char session_file[] = "session.json";

void device_session_drop(struct device *device)
{
    if (device->token != NULL) {
        mem_wipe(device->token, strlen(device->token));
        free(device->token);
        device->token = NULL;
    }
}

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
        device_session_drop(device);
    }
    if (device->token != NULL || (!fresh && session_take_kept(device))) {
        return EXIT_CODE_OK;
    }
    enum exit_code code = device_check_relay(device);
    return code == EXIT_CODE_OK ? session_begin(device) : code;
}
