/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/recovering.h"

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
#include "common/manifest.h"
#include "common/sigbytes.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_register.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/http_client.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"

bool recovering_whom_read(const char *text, struct recovering_whom *out)
{
    *out = (struct recovering_whom){ .is_handle = false };
    if (base64url_decode_exact(bytes_text(text), out->account.raw, sizeof out->account.raw)) {
        return true;
    }
    out->is_handle = handle_read(bytes_text(text), &out->handle);
    if (!out->is_handle) {
        say_error("\"%.60s\" is neither an account id nor a handle", text);
    }
    return out->is_handle;
}

void recovering_whom_put(const struct recovering_whom *whom, json_t *body)
{
    struct bytes account = bytes_of(whom->account.raw, sizeof whom->account.raw);

    (void)json_object_set_new(body, whom->is_handle ? "handle" : "account_id",
                              whom->is_handle ? json_string(whom->handle.text)
                                              : json_base64url(account));
}

/* A challenge, signed by the recovery key: good for some pages. */
struct proof {
    uint8_t challenge[CHALLENGE_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
};

static enum exit_code proof_make(struct device *device, const struct recovering_whom *whom,
                                 const uint8_t seed[32], struct proof *out)
{
    const struct http_call call = { .method = "POST", .path = "/v1/auth/challenge", .raw = "{}" };
    const struct sigbytes_recovery fields = {
        .audience = bytes_text(device->state.url),
        .challenge = out->challenge,
        .is_handle = whom->is_handle,
        .name = whom->is_handle ? bytes_text(whom->handle.text)
                                : bytes_of(whom->account.raw, sizeof whom->account.raw),
    };
    struct buf signed_bytes = { 0 };
    json_t *answer = NULL;
    enum exit_code code = http_client_ask(device->http, &call, &answer);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *text = json_string_value(json_object_get(answer, "challenge"));
    if (text == NULL ||
        !base64url_decode_exact(bytes_text(text), out->challenge, sizeof out->challenge)) {
        say_error("the relay gave no challenge to sign");
        code = EXIT_CODE_NETWORK;
    } else {
        sigbytes_recovery(&signed_bytes, &fields);
        crypto_make_signature(seed, buf_view(&signed_bytes), out->signature);
        buf_clear(&signed_bytes);
    }
    json_decref(answer);
    return code;
}

static enum exit_code say_denied(void)
{
    say_error("the relay has no such account with this recovery key. Compare the account's id or "
              "handle, and the relay's URL");
    return EXIT_CODE_REFUSED;
}

/* Ask for the manifests behind chain's head. */
static enum exit_code page_ask(struct device *device, const struct recovering_whom *whom,
                               const uint8_t seed[32], const struct chain *chain, json_t **out)
{
    struct http_call call = { .method = "POST", .path = "/v1/recovery/chain" };
    struct http_reply reply = { .status = 0 };
    struct proof proof;
    enum exit_code code = proof_make(device, whom, seed, &proof);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    call.body =
        json_pack("{s:o, s:o}", "challenge",
                  json_base64url(bytes_of(proof.challenge, sizeof proof.challenge)), "signature",
                  json_base64url(bytes_of(proof.signature, sizeof proof.signature)));
    recovering_whom_put(whom, call.body);
    if (chain->head != NULL) {
        (void)json_object_set_new(call.body, "since", json_integer((json_int_t)chain->head->epoch));
    }
    if (!http_client_call(device->http, &call, &reply)) {
        return EXIT_CODE_NETWORK;
    }
    if (http_reply_is_success(&reply)) {
        *out = json_incref(reply.json);
    } else if (strcmp(http_reply_problem(&reply), "auth_failed") == 0) {
        code = say_denied();
    } else {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    return code;
}

static enum exit_code refuse(const char *why)
{
    say_error("do NOT trust the device list that the relay shows: %s. Nothing was signed", why);
    return EXIT_CODE_UNVERIFIED;
}

/* Begin the chain of the account that the first page names. */
static bool chain_begin(const struct recovering_whom *whom, const json_t *page, struct chain *chain)
{
    const char *text = json_string_value(json_object_get(page, "account_id"));
    struct account_id account;

    if (text == NULL ||
        !base64url_decode_exact(bytes_text(text), account.raw, sizeof account.raw) ||
        (!whom->is_handle && memcmp(account.raw, whom->account.raw, sizeof account.raw) != 0)) {
        return false;
    }
    chain_init(chain, &account);
    return true;
}

static enum exit_code page_take(struct chain *chain, const json_t *page)
{
    const json_t *manifests = json_object_get(page, "manifests");

    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const char *text = json_string_value(json_array_get(manifests, i));
        struct buf bytes = { 0 };
        enum chain_result result = CHAIN_BROKEN;
        if (text != NULL && base64url_decode(bytes_text(text), &bytes)) {
            result = chain_extend(chain, buf_view(&bytes));
        }
        buf_clear(&bytes);
        if (result != CHAIN_OK) {
            return refuse(chain_result_text(result, chain->rule));
        }
    }
    return EXIT_CODE_OK;
}

/* The head must be the one that the relay names, and its recovery key ours. */
static enum exit_code head_check(const struct chain *chain, const json_t *page,
                                 const uint8_t seed[32])
{
    const char *text = json_string_value(json_object_get(page, "hash"));
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    struct manifest_hash hash;

    crypto_public_of(seed, pub);
    if (chain->head == NULL || text == NULL ||
        !base64url_decode_exact(bytes_text(text), hash.raw, sizeof hash.raw) ||
        memcmp(hash.raw, chain->hash.raw, sizeof hash.raw) != 0) {
        return refuse("its steps do not lead to the head that it names");
    }
    if (!chain->head->has_recovery || memcmp(chain->head->recovery_pub, pub, sizeof pub) != 0) {
        return refuse("its recovery key is another one");
    }
    return EXIT_CODE_OK;
}

/* Fetch and verify; *chain is the caller's to clear, whatever comes. */
static enum exit_code chain_fetch(struct device *device, const struct recovering_whom *whom,
                                  const uint8_t seed[32], struct chain *chain)
{
    bool more = true;
    bool is_begun = false;
    enum exit_code code = EXIT_CODE_OK;

    chain_init(chain, &whom->account);
    while (code == EXIT_CODE_OK && more) {
        json_t *page = NULL;
        code = page_ask(device, whom, seed, chain, &page);
        if (code == EXIT_CODE_OK && !is_begun) {
            is_begun = chain_begin(whom, page, chain);
            code = is_begun ? EXIT_CODE_OK : refuse("it is of another account");
        }
        if (code == EXIT_CODE_OK) {
            more = json_is_true(json_object_get(page, "more")) &&
                   json_array_size(json_object_get(page, "manifests")) > 0;
            code = page_take(chain, page);
        }
        if (code == EXIT_CODE_OK && !more) {
            code = head_check(chain, page, seed);
        }
        json_decref(page);
    }
    return code;
}

/* Sign the list in which the device stands alone, and put it. */
static enum exit_code list_put(struct device *device, struct chain *chain, const uint8_t seed[32])
{
    struct http_call call = { .method = "PUT" };
    struct buf draft = { 0 };
    struct buf path = { 0 };
    json_t *answer = NULL;

    draft_recover(&device->state, chain->head, seed, clock_now_ms() / 1000, &draft);
    char *id = base64url_text(bytes_of(chain->account.raw, sizeof chain->account.raw));
    buf_append_format(&path, "/v1/accounts/%s/manifests/%" PRIu64, id, chain->head->epoch + 1);
    buf_append_u8(&path, 0);
    free(id);
    call.path = (const char *)path.at;
    call.body = json_pack("{s:o}", "manifest", json_base64url(buf_view(&draft)));
    enum exit_code code = http_client_ask(device->http, &call, &answer);
    if (code == EXIT_CODE_OK && chain_extend(chain, buf_view(&draft)) != CHAIN_OK) {
        code = refuse("what this program signed breaks a rule");
    }
    json_decref(answer);
    buf_clear(&path);
    buf_clear(&draft);
    return code;
}

/* Take the account and the number that the head gives this device. */
static enum exit_code account_take(struct device *device, const struct chain *chain)
{
    const struct manifest_device *self = manifest_find_pub(chain->head, &device->state.pub);

    device->state.has_account = true;
    device->state.account = chain->account;
    device->state.device_id = self->device_id;
    return people_pin(&device->state, chain) && device_state_save(&device->state) ? EXIT_CODE_OK
                                                                                  : EXIT_CODE_LOCAL;
}

enum exit_code recovering_run(struct device *device, const struct recovering_whom *whom,
                              const uint8_t seed[32])
{
    struct chain chain;
    enum exit_code code = device_check_relay(device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = chain_fetch(device, whom, seed, &chain);
    if (code == EXIT_CODE_OK && manifest_find_pub(chain.head, &device->state.pub) == NULL) {
        code = list_put(device, &chain, seed);
    }
    if (code == EXIT_CODE_OK) {
        code = account_take(device, &chain);
    }
    chain_clear(&chain);
    return code == EXIT_CODE_OK ? device_session(device, true) : code;
}

enum exit_code recovering_open(const struct arguments *arguments, struct device *device)
{
    enum exit_code code = device_register_open(arguments, device);

    if (code == EXIT_CODE_OK && device->state.has_account) {
        say_error("the device in %s has an account already; name another folder with --dir",
                  device->state.folder);
        device_close(device);
        code = EXIT_CODE_LOCAL;
    }
    return code;
}

void recovering_say(const struct arguments *arguments, const struct device *device)
{
    struct bytes account = bytes_of(device->state.account.raw, sizeof device->state.account.raw);

    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:o, s:I}", "account_id", json_base64url(account), "device_id",
                                 (json_int_t)device->state.device_id));
    } else {
        (void)printf("device %" PRIu32 " is the only one of your account now:\n",
                     device->state.device_id);
        say_base64url(account);
    }
}
