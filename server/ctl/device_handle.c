/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: bound by a signature of this device, and believed of others only by one of
 * a device that their account vouches for.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/manifest.h"
#include "common/sigbytes.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup.h"

enum {
    ATTEMPTS = 3,
    STATUS_BOUND_BEFORE = 200,
};

typedef enum exit_code handle_run_fn(const struct arguments *arguments, struct device *device,
                                     const struct handle *handle);

/* Run one of the commands, with the handle that it is given and the device open. */
static enum exit_code handle_run(const struct arguments *arguments, handle_run_fn *run)
{
    const char *name = arguments->words[0];
    struct device device;
    struct handle handle;

    if (!handle_read(bytes_text(name), &handle)) {
        say_error("\"%.60s\" is no handle: it is 2 to 32 of a-z, 0-9, '.', '_' and '-'", name);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = run(arguments, &device, &handle);
        device_close(&device);
    }
    return code;
}

/* ---- set and release ---- */

/* Append the binding of handle to the device's account, by the device. */
static void binding_append(const struct device_state *state, const struct handle *handle,
                           int64_t seq, struct buf *out)
{
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    handle_append_signed(out, handle, seq, &state->account);
    crypto_make_signature(state->seed, buf_view(out), signature);
    buf_append_u32(out, state->device_id);
    buf_append(out, bytes_of(signature, sizeof signature));
}

static enum exit_code binding_put(struct device *device, const struct handle *handle, int64_t seq,
                                  struct http_reply *out)
{
    struct buf binding = { 0 };

    binding_append(&device->state, handle, seq, &binding);
    const struct http_call call = { .method = "POST",
                                    .path = "/v1/handles",
                                    .body =
                                        json_pack("{s:s, s:o}", "handle", handle->text, "binding",
                                                  json_base64url(buf_view(&binding))) };
    enum exit_code code = device_call(device, &call, out);
    buf_clear(&binding);
    return code;
}

/* Take the seq that a refusal names; false when it is none. */
static bool next_seq(const struct http_reply *reply, int64_t *seq)
{
    const json_t *next = json_object_get(reply->json, "seq");

    if (strcmp(http_reply_problem(reply), "handle_seq") != 0 || !json_is_integer(next) ||
        json_integer_value(next) <= *seq || json_integer_value(next) > HANDLE_SEQ_MAX) {
        return false;
    }
    *seq = json_integer_value(next);
    return true;
}

/* Bind with seq 0, and with the one that the relay names when that is not next. */
static enum exit_code bind_next(const struct arguments *arguments, struct device *device,
                                const struct handle *handle)
{
    struct http_reply reply = { .status = 0 };
    enum exit_code code = EXIT_CODE_OK;
    int64_t seq = 0;

    (void)arguments;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        http_reply_clear(&reply);
        code = binding_put(device, handle, seq, &reply);
        if (code != EXIT_CODE_OK || !next_seq(&reply, &seq)) {
            break;
        }
    }
    if (code == EXIT_CODE_OK && http_reply_is_success(&reply)) {
        (void)printf("%s %s\n", handle->text,
                     reply.status == STATUS_BOUND_BEFORE ? "was this account's by the same binding"
                                                         : "is this account's");
    } else if (code == EXIT_CODE_OK) {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    return code;
}

enum exit_code device_handle_set(const struct arguments *arguments)
{
    return handle_run(arguments, bind_next);
}

static enum exit_code release(const struct arguments *arguments, struct device *device,
                              const struct handle *handle)
{
    const struct http_call call = { .method = "DELETE",
                                    .path = "/v1/handles",
                                    .body = json_pack("{s:s}", "handle", handle->text) };
    json_t *answer = NULL;
    enum exit_code code =
        stepup_command_ask(device, arguments, COMMAND_HANDLE_RELEASE, &call, &answer);

    json_decref(answer);
    if (code == EXIT_CODE_OK) {
        (void)printf("%s is nobody's now; for a while only this account can have it back\n",
                     handle->text);
    }
    return code;
}

enum exit_code device_handle_release(const struct arguments *arguments)
{
    return stepup_options_are_valid(arguments) ? handle_run(arguments, release) : EXIT_CODE_USAGE;
}

/* ---- lookup ---- */

/* A binding, and whether a manifest was met whose ADMIN device signed it. */
struct lookup {
    const struct handle_binding *binding;
    bool is_signed;
};

static void on_manifest(void *arg, const struct manifest *manifest)
{
    struct lookup *lookup = arg;
    const struct handle_binding *binding = lookup->binding;
    const struct manifest_device *device = manifest_find(manifest, binding->device_id);

    lookup->is_signed =
        lookup->is_signed ||
        (device != NULL && (device->flags & MANIFEST_DEVICE_ADMIN) != 0 &&
         crypto_strict_verify(device->pub.raw, binding->message, binding->signature));
}

/* Verify by the head; its signer may have left, then by all that led to it. */
static enum exit_code binding_verify(struct device *device, const struct handle_binding *binding)
{
    struct lookup lookup = { .binding = binding };
    struct chain chain;
    enum exit_code code = people_fetch(device, &binding->account_id, &chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    on_manifest(&lookup, chain.head);
    if (!lookup.is_signed) {
        code = people_walk(device, &chain, on_manifest, &lookup);
    }
    chain_clear(&chain);
    if (code == EXIT_CODE_OK && !lookup.is_signed) {
        say_error("do NOT believe the relay: no admin device of the account that it names for %s "
                  "has signed that",
                  binding->handle.text);
        code = EXIT_CODE_UNVERIFIED;
    }
    return code;
}

/* Read what the relay found: the binding, which borrows *bytes, and the account beside it. */
static bool found_read(const json_t *answer, const struct handle *handle, struct buf *bytes,
                       struct handle_binding *out)
{
    const char *id = json_string_value(json_object_get(answer, "account_id"));
    const char *text = json_string_value(json_object_get(answer, "binding"));
    struct account_id account;

    return id != NULL && text != NULL &&
           base64url_decode_exact(bytes_text(id), account.raw, sizeof account.raw) &&
           base64url_decode(bytes_text(text), bytes) && handle_binding_read(buf_view(bytes), out) &&
           strcmp(out->handle.text, handle->text) == 0 &&
           memcmp(out->account_id.raw, account.raw, sizeof account.raw) == 0;
}

static void say_found(const struct arguments *arguments, const struct handle_binding *binding)
{
    struct bytes account = bytes_of(binding->account_id.raw, sizeof binding->account_id.raw);

    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:s, s:o, s:I, s:I}", "handle", binding->handle.text,
                                 "account_id", json_base64url(account), "seq",
                                 (json_int_t)binding->seq, "device_id",
                                 (json_int_t)binding->device_id));
    } else {
        say_base64url(account);
    }
}

static enum exit_code look_up(const struct arguments *arguments, struct device *device,
                              const struct handle *handle)
{
    const struct http_call call = { .method = "POST",
                                    .path = "/v1/handles/lookup",
                                    .body = json_pack("{s:s}", "handle", handle->text) };
    struct handle_binding binding;
    struct buf bytes = { 0 };
    json_t *answer = NULL;
    enum exit_code code = device_ask(device, &call, &answer);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (found_read(answer, handle, &bytes, &binding)) {
        code = binding_verify(device, &binding);
    } else {
        say_error("do NOT believe the relay: what it gave is no binding of %s to that account",
                  handle->text);
        code = EXIT_CODE_UNVERIFIED;
    }
    if (code == EXIT_CODE_OK) {
        say_found(arguments, &binding);
    }
    json_decref(answer);
    buf_clear(&bytes);
    return code;
}

enum exit_code device_handle_lookup(const struct arguments *arguments)
{
    return handle_run(arguments, look_up);
}
