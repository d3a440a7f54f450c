/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The new device's side of a link (server/api/manifest.md, Links).  It signs only what has its own entry in
 * it, is signed by the device that claimed the link, and is for the account that it was told; by
 * six digits, account and device are in the code that it shows.
 *
 *   begin -> [commit] -> shown -> claimed -> [rE -> rN -> the code is shown]
 *         -> candidate -> looked at -> signed -> done -> the account's chain is verified
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/manifest_candidate.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/sas.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_register.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/link_client.h"
#include "server/ctl/people.h"
#include "server/ctl/qr.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup.h"

struct linking {
    const struct arguments *arguments;
    struct device *device;
    struct link_client client;
    char *token;
    struct buf entry;
    struct link_entry_hash entry_hash;
    bool by_digits;
    bool has_account; /* that it must be */
    struct account_id account;
    bool has_handle; /* that is asked */
    struct handle handle;
    struct sas_random new_random;
    struct account_id agreed_account; /* this and the next, by digits: what is in the code */
    struct device_pub agreed_device;
    bool is_agreed;
};

static bool is_json(const struct linking *linking)
{
    return arguments_has(linking->arguments, OPTION_JSON);
}

/* Say something at once: another program may be waiting for the line. */
static void say_now(const struct linking *linking, json_t *value, const char *text)
{
    if (is_json(linking)) {
        say_json_steal(value);
    } else {
        json_decref(value);
        (void)printf("%s\n", text);
    }
    (void)fflush(stdout);
}

/* Begin the link, and keep its id and token. */
static enum exit_code link_begin(struct linking *linking)
{
    json_t *body = json_pack("{s:o, s:s}", "entry", json_base64url(buf_view(&linking->entry)),
                             "name", linking->device->state.name);
    struct http_call call = { .method = "POST", .path = "/v1/links", .body = body };
    json_t *answer = NULL;

    if (linking->has_handle) {
        (void)json_object_set_new(body, "handle", json_string(linking->handle.text));
    } else if (linking->has_account) {
        (void)json_object_set_new(
            body, "account_id",
            json_base64url(bytes_of(linking->account.raw, sizeof linking->account.raw)));
    }
    enum exit_code code =
        stepup_call_ask(linking->device, linking->arguments, "link", &call, &answer);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *id = json_string_value(json_object_get(answer, "link_id"));
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (id == NULL || token == NULL ||
        !base64url_decode_exact(bytes_text(id), linking->client.link_id.raw,
                                sizeof linking->client.link_id.raw)) {
        say_error("the relay began no link that this program understands");
        code = EXIT_CODE_NETWORK;
    } else {
        linking->token = mem_text(token);
        linking->client.token = linking->token;
        linking->client.device = linking->device;
        linking->client.view.version = 1;
    }
    json_decref(answer);
    return code;
}

/* Show what the other device needs: the QR code and its text, or the link's id. */
static void link_show(const struct linking *linking)
{
    const struct link_uri uri = { .entry_hash = linking->entry_hash,
                                  .link_id = linking->client.link_id };
    char *id = link_client_id_text(&linking->client);
    struct buf text = { 0 };

    if (linking->by_digits) {
        buf_append_text(&text, id);
    } else {
        link_uri_append(&uri, &text);
    }
    buf_append_u8(&text, 0);
    if (!linking->by_digits && !is_json(linking)) { /* without it the text below does as well */
        (void)qr_print(bytes_text((const char *)text.at),
                       arguments_has(linking->arguments, OPTION_ASCII));
    }
    (void)fprintf(stderr, "On a device of your account: sealpost device approve '%s'\n",
                  (const char *)text.at);
    say_now(linking,
            json_pack("{s:s, s:s, s:s}", "event", "link", "link_id", id,
                      linking->by_digits ? "link" : "uri", (const char *)text.at),
            (const char *)text.at);
    buf_clear(&text);
    free(id);
}

/* Wait until the link is in a state, or over. */
static enum exit_code link_await(struct linking *linking, const char *state)
{
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && !link_client_is(&linking->client, state) &&
           !link_client_is_over(&linking->client)) {
        code = link_client_read(&linking->client, true);
    }
    if (code == EXIT_CODE_OK && !link_client_is(&linking->client, state)) {
        code = link_client_say_over(&linking->client);
    }
    return code;
}

static enum exit_code digits_commit(struct linking *linking)
{
    struct sas_commit commit;

    random_fill(linking->new_random.raw, sizeof linking->new_random.raw);
    sas_commit_of(&linking->new_random, &linking->entry_hash, &commit);
    return link_client_say(&linking->client, commit.raw, sizeof commit.raw);
}

/* Hear the other's number, show the code of both, and reveal ours. */
static enum exit_code digits_show(struct linking *linking)
{
    struct link_client_view *view = &linking->client.view;
    struct sas_transcript transcript = { .entry_hash = linking->entry_hash,
                                         .new_random = linking->new_random };
    struct sas_code code_shown;
    enum exit_code code = link_await(linking, "claimed");

    while (code == EXIT_CODE_OK && !view->has_old_random &&
           !link_client_is_over(&linking->client)) {
        code = link_client_read(&linking->client, true);
    }
    if (code == EXIT_CODE_OK && !view->has_old_random) {
        code = link_client_say_over(&linking->client);
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    linking->is_agreed = true;
    linking->agreed_account = view->account;
    linking->agreed_device = view->device_pub;
    transcript.account = view->account;
    transcript.old_device = view->device_pub;
    transcript.old_random = view->old_random;
    sas_code_of(&transcript, &code_shown);
    code =
        link_client_say(&linking->client, linking->new_random.raw, sizeof linking->new_random.raw);
    if (code == EXIT_CODE_OK) {
        (void)fprintf(stderr, "Type these digits on the other device:\n");
        say_now(linking, json_pack("{s:s, s:s}", "event", "digits", "digits", code_shown.digits),
                code_shown.digits);
    }
    return code;
}

/* Why the candidate must not be signed; NULL: it may be. */
static const char *candidate_fault(const struct linking *linking, const struct manifest *next)
{
    const struct link_client_view *view = &linking->client.view;
    const struct manifest_device *self = manifest_find_pub(next, &linking->device->state.pub);
    const struct manifest_device *old = manifest_find_pub(next, &view->device_pub);

    if (self == NULL || !link_entry_is_of(buf_view(&linking->entry), self) ||
        self->added_epoch != next->epoch) {
        return "this device is not in it with its own keys";
    }
    if (memcmp(next->account.raw, view->account.raw, sizeof next->account.raw) != 0 ||
        (linking->has_account &&
         memcmp(next->account.raw, linking->account.raw, sizeof next->account.raw) != 0)) {
        return "it is another account's";
    }
    if (linking->is_agreed &&
        (memcmp(next->account.raw, linking->agreed_account.raw, sizeof next->account.raw) != 0 ||
         memcmp(view->device_pub.raw, linking->agreed_device.raw, sizeof view->device_pub.raw) !=
             0)) {
        return "it is not of the device that the digits were shown for";
    }
    if (old == NULL || !manifest_candidate_is_by(next, old->device_id)) {
        return "no admin device that has claimed the link has signed it";
    }
    return NULL;
}

/* Keep whose device this is, before it can be true; or that it is nobody's. */
static bool keep_account(struct device *device, const struct manifest *next)
{
    device->state.has_account = next != NULL;
    if (next != NULL) {
        device->state.account = next->account;
        device->state.device_id = manifest_find_pub(next, &device->state.pub)->device_id;
    }
    return device_state_save(&device->state);
}

/* Sign, and say whether the link is done; a head that moved lets it wait for another candidate. */
static enum exit_code sign(struct linking *linking, const struct manifest *next, bool *out_done)
{
    struct http_reply reply = { .status = 0 };
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    if (!keep_account(linking->device, next)) {
        return EXIT_CODE_LOCAL;
    }
    manifest_sign(linking->device->state.seed, next->body, signature);
    json_t *fields =
        json_pack("{s:o}", "signature", json_base64url(bytes_of(signature, sizeof signature)));
    enum exit_code code = link_client_try(&linking->client, "signed", fields, &reply);
    if (code != EXIT_CODE_OK) { /* it may be done: the state is kept */
        say_error("whether this device was added is not known; \"sealpost device session\" tells");
        return code;
    }
    *out_done = http_reply_is_success(&reply);
    const char *problem = http_reply_problem(&reply);
    bool goes_on =
        strcmp(problem, "manifest_conflict") == 0 || strcmp(problem, "link_conflict") == 0;
    if (!*out_done && (!keep_account(linking->device, NULL) || !goes_on)) {
        code = http_reply_say(&reply);
    }
    http_reply_clear(&reply);
    return code;
}

/* Look at the candidate that is there, and sign it; or deny the link. */
static enum exit_code look_and_sign(struct linking *linking, bool *out_done)
{
    struct manifest *next = mem_zeroed(1, sizeof *next);
    const char *fault = "it is no manifest";
    enum exit_code code = EXIT_CODE_UNVERIFIED;

    if (manifest_parse(buf_view(&linking->client.view.candidate), next) == MANIFEST_VALID) {
        fault = candidate_fault(linking, next);
    }
    if (fault == NULL) {
        code = sign(linking, next, out_done);
    } else {
        say_error("what was put for this device to sign was not signed: %s", fault);
        link_client_deny(&linking->client);
    }
    free(next);
    return code;
}

static enum exit_code await_and_sign(struct linking *linking)
{
    enum exit_code code = EXIT_CODE_OK;
    bool is_done = false;

    while (code == EXIT_CODE_OK && !is_done) {
        code = link_await(linking, "candidate");
        int64_t seen = linking->client.view.version;
        if (code == EXIT_CODE_OK) {
            code = look_and_sign(linking, &is_done);
        }
        while (code == EXIT_CODE_OK && !is_done && linking->client.view.version == seen &&
               !link_client_is_over(&linking->client)) {
            code = link_client_read(&linking->client, true);
        }
    }
    return code;
}

/* The account's whole chain, from the first manifest that is its id to one with this device. */
static enum exit_code verify(struct linking *linking)
{
    struct device *device = linking->device;
    struct chain chain;
    enum exit_code code = people_fetch(device, &device->state.account, &chain);

    if (code == EXIT_CODE_OK) {
        if (manifest_find_pub(chain.head, &device->state.pub) == NULL) {
            say_error("the relay says that this device was added, but the account's devices have "
                      "not signed that");
            code = EXIT_CODE_UNVERIFIED;
        }
        chain_clear(&chain);
    }
    return code;
}

static void say_linked(const struct linking *linking)
{
    const struct device_state *state = &linking->device->state;
    char *id = base64url_text(bytes_of(state->account.raw, sizeof state->account.raw));
    struct buf text = { 0 };

    buf_append_format(&text, "linked as device %" PRIu32 " of account %s", state->device_id, id);
    buf_append_u8(&text, 0);
    say_now(linking,
            json_pack("{s:s, s:s, s:i}", "event", "linked", "account_id", id, "device_id",
                      (int)state->device_id),
            (const char *)text.at);
    buf_clear(&text);
    free(id);
}

static enum exit_code run(struct linking *linking)
{
    enum exit_code code = device_check_relay(linking->device);

    if (code == EXIT_CODE_OK) {
        code = link_begin(linking);
    }
    if (code == EXIT_CODE_OK && linking->by_digits) {
        code = digits_commit(linking);
    }
    if (code == EXIT_CODE_OK) {
        link_show(linking);
    }
    if (code == EXIT_CODE_OK && linking->by_digits) {
        code = digits_show(linking);
    }
    if (code == EXIT_CODE_OK) {
        code = await_and_sign(linking);
    }
    if (code == EXIT_CODE_OK) {
        code = verify(linking);
    }
    if (code == EXIT_CODE_OK) {
        say_linked(linking);
    }
    return code;
}

/* Read --account, which may be a handle, too; false when it is neither. */
static bool read_account(struct linking *linking)
{
    const char *text = arguments_text(linking->arguments, OPTION_ACCOUNT, NULL);

    if (text == NULL) {
        return true;
    }
    if (handle_read(bytes_text(text), &linking->handle)) {
        linking->has_handle = true;
        return true;
    }
    linking->has_account = people_parse_id(text, &linking->account);
    return linking->has_account;
}

enum exit_code device_link_run(const struct arguments *arguments)
{
    struct device device;
    struct linking linking = { .arguments = arguments,
                               .device = &device,
                               .by_digits = arguments_has(arguments, OPTION_DIGITS) };

    if (!read_account(&linking) || !stepup_options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_register_open(arguments, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    device_state_entry(&device.state, &linking.entry);
    link_entry_hash_of(buf_view(&linking.entry), &linking.entry_hash);
    if (device.state.has_account) {
        say_error("the device in %s belongs to an account already; name another folder with --dir",
                  device.state.folder);
        code = EXIT_CODE_LOCAL;
    } else {
        code = run(&linking);
    }
    link_client_clear(&linking.client);
    if (linking.token != NULL) {
        mem_wipe(linking.token, strlen(linking.token));
    }
    free(linking.token);
    mem_wipe(&linking.new_random, sizeof linking.new_random);
    buf_clear(&linking.entry);
    device_close(&device);
    return code;
}
