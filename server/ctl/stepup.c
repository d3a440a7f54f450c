/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   command -> done
 *           -> 403 stepup_required -> txn -> challenge -> answer, again while it is wrong -> grant
 *           -> command with the grant -> done
 *
 * What is asked without a session hears grant_required, and else goes the same way.
 */
#include "server/ctl/stepup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/totp.h"
#include "server/ctl/answer.h"
#include "server/ctl/arguments.h"
#include "server/ctl/ask.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup_private.h"

typedef enum exit_code earn_fn(const struct stepup *stepup, json_t **out_grant);

static earn_fn earn_by_text;

/* What this program can answer, in the order in which it is tried. */
static const struct kind {
    const char *name;
    const char *question;
    earn_fn *earn;
} kinds[] = {
    { "totp", "Your authenticator app's code: ", earn_by_text },
    { "password", "Your account's password: ", stepup_by_password },
    { "recovery_code", "A recovery code that was not used yet: ", earn_by_text },
    { "code", "The six digits that the account's devices show: ", earn_by_text },
};

enum {
    KINDS = sizeof kinds / sizeof kinds[0]
};

static const struct kind *kind_named(const char *name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

bool stepup_options_are_valid(const struct arguments *arguments)
{
    const char *code = arguments_text(arguments, OPTION_CODE, NULL);
    const char *kind = arguments_text(arguments, OPTION_KIND, NULL);
    uint32_t digits;

    if (code != NULL && !totp_code_read(bytes_text(code), &digits)) {
        say_error("--code wants the six digits of an authenticator app; whatever is secret for "
                  "longer is asked for, since others can read the arguments of a program");
        return false;
    }
    if (kind != NULL && kind_named(kind) == NULL) {
        say_error("--kind wants totp, password, recovery_code or code, not \"%.40s\"", kind);
        return false;
    }
    if (code != NULL && kind != NULL && strcmp(kind, kinds[0].name) != 0) {
        say_error("--code gives the digits of an authenticator app, and --kind names another");
        return false;
    }
    return true;
}

/* ---- transactions: nobody needs a session for them ---- */

static enum exit_code post(const struct device *device, const char *path, json_t *body,
                           json_t **out_json)
{
    const struct http_call call = { .method = "POST", .path = path, .body = body };

    return http_client_ask(device->http, &call, out_json);
}

/* A transaction of purpose, for whom: "account_id" or "handle" of an object. */
static enum exit_code txn_begin(const struct device *device, const char *purpose,
                                const json_t *whom, json_t **out_txn)
{
    json_t *body = json_pack("{s:s}", "purpose", purpose);

    (void)json_object_set(body, "account_id", json_object_get(whom, "account_id"));
    (void)json_object_set(body, "handle", json_object_get(whom, "handle"));
    return post(device, "/v1/txns", body, out_txn);
}

enum exit_code stepup_challenge(const struct stepup *stepup, json_t *body,
                                struct stepup_challenge *out)
{
    struct buf path = { 0 };
    json_t *answer = NULL;

    buf_append_format(&path, "/v1/txns/%s/challenges", stepup->txn_id);
    buf_append_u8(&path, 0);
    enum exit_code code = post(stepup->device, (const char *)path.at, body, &answer);
    buf_clear(&path);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *id = answer_id(answer, "challenge_id");
    if (id == NULL) {
        json_decref(answer);
        return answer_say_odd("challenge");
    }
    (void)snprintf(out->id, sizeof out->id, "%s", id);
    out->answer = answer;
    return EXIT_CODE_OK;
}

/* Say why an answer was refused; true when another one may be given. */
static bool say_wrong(const struct stepup *stepup, const struct http_reply *reply,
                      enum exit_code *out_code)
{
    bool is_form = strcmp(http_reply_problem(reply), "value_invalid") == 0;
    bool is_wrong = strcmp(http_reply_problem(reply), "answer_wrong") == 0;
    int64_t left = answer_number(reply->json, "attempts_left");

    if (!is_form && !is_wrong) {
        *out_code = http_reply_say(reply);
        return false;
    }
    *out_code = EXIT_CODE_REFUSED;
    if (is_form) {
        say_error("that has not the form of a %s", stepup->kind);
    } else {
        say_error("that is wrong, or was used before (each is good once); %" PRId64 " %s left",
                  left, say_noun(left, "try is", "tries are"));
    }
    return stepup->given == NULL && (is_form || left > 0);
}

bool stepup_answer(const struct stepup *stepup, const char *challenge_id, const char *text,
                   json_t **out_grant, enum exit_code *out_code)
{
    struct buf path = { 0 };
    struct http_reply reply = { .status = 0 };
    bool is_over = true;

    buf_append_format(&path, "/v1/txns/%s/challenges/%s", stepup->txn_id, challenge_id);
    buf_append_u8(&path, 0);
    const struct http_call call = { .method = "POST",
                                    .path = (const char *)path.at,
                                    .body = json_pack("{s:s}", "answer", text) };
    if (call.body == NULL) {
        say_error("that is no text of UTF-8");
        *out_code = EXIT_CODE_USAGE;
    } else if (!http_client_call(stepup->device->http, &call, &reply)) {
        *out_code = EXIT_CODE_NETWORK;
    } else if (!http_reply_is_success(&reply)) {
        is_over = !say_wrong(stepup, &reply, out_code);
    } else if (answer_secret(reply.json, "grant") == NULL) {
        *out_code = answer_say_odd("grant");
    } else {
        *out_grant = json_incref(json_object_get(reply.json, "grant"));
        *out_code = EXIT_CODE_OK;
    }
    http_reply_clear(&reply);
    buf_clear(&path);
    return is_over;
}

/* ---- by a text that a person has before him ---- */

/* Ask and answer once; true when that is the end, see stepup_answer. */
static bool ask_once(const struct stepup *stepup, const char *challenge_id, json_t **out_grant,
                     enum exit_code *out_code)
{
    char text[ASK_MAX] = "";

    if (stepup->given != NULL) {
        (void)snprintf(text, sizeof text, "%s", stepup->given);
    } else if (!ask_secret(stepup->question, text)) {
        *out_code = EXIT_CODE_USAGE;
        return true;
    }
    bool is_over = stepup_answer(stepup, challenge_id, text, out_grant, out_code);
    mem_wipe(text, sizeof text);
    return is_over;
}

static enum exit_code earn_by_text(const struct stepup *stepup, json_t **out_grant)
{
    struct stepup_challenge challenge;
    enum exit_code code =
        stepup_challenge(stepup, json_pack("{s:s}", "kind", stepup->kind), &challenge);
    bool is_over = code != EXIT_CODE_OK;

    if (is_over) {
        return code;
    }
    while (!is_over) {
        is_over = ask_once(stepup, challenge.id, out_grant, &code);
    }
    json_decref(challenge.answer);
    return code;
}

/* ---- the command ---- */

static bool has_kind(const json_t *txn, const char *name)
{
    const json_t *list = json_object_get(txn, "kinds");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text != NULL && strcmp(text, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The kind that --kind or --code names, else the first of the transaction's; NULL, and said. */
static const struct kind *kind_choose(const struct arguments *arguments, const json_t *txn)
{
    const char *implied = arguments_has(arguments, OPTION_CODE) ? kinds[0].name : NULL;
    const char *wanted = arguments_text(arguments, OPTION_KIND, implied);

    if (wanted != NULL && !has_kind(txn, wanted)) {
        say_error("no %s is enrolled; see \"sealpost device factors\"", wanted);
        return NULL;
    }
    if (wanted != NULL) {
        return kind_named(wanted);
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (has_kind(txn, kinds[i].name)) {
            return &kinds[i];
        }
    }
    say_error("this wants a second factor that only a browser can show (webauthn); do it there");
    return NULL;
}

/* Have a grant: a text of JSON, to be decref'd for EXIT_CODE_OK alone. */
static enum exit_code grant_earn(struct device *device, const struct arguments *arguments,
                                 const char *purpose, const json_t *whom, json_t **out_grant)
{
    struct stepup stepup = { .device = device,
                             .given = arguments_text(arguments, OPTION_CODE, NULL) };
    json_t *txn = NULL;
    enum exit_code code = txn_begin(device, purpose, whom, &txn);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    const char *txn_id = answer_id(txn, "txn_id");
    const struct kind *kind = txn_id == NULL ? NULL : kind_choose(arguments, txn);
    if (txn_id == NULL) {
        code = answer_say_odd("transaction");
    } else if (kind == NULL) {
        code = EXIT_CODE_USAGE;
    } else {
        stepup.kind = kind->name;
        stepup.question = kind->question;
        (void)snprintf(stepup.txn_id, sizeof stepup.txn_id, "%s", txn_id);
        code = kind->earn(&stepup, out_grant);
    }
    json_decref(txn);
    return code;
}

static enum exit_code command_again(struct device *device, const struct arguments *arguments,
                                    enum command_op op, const struct http_call *call,
                                    json_t **out_json)
{
    struct bytes account = bytes_of(device->state.account.raw, sizeof device->state.account.raw);
    json_t *whom = json_pack("{s:o}", "account_id", json_base64url(account));
    json_t *grant = NULL;
    enum exit_code code = grant_earn(device, arguments, "stepup", whom, &grant);

    json_decref(whom);
    if (code != EXIT_CODE_OK) {
        json_decref(call->body);
        return code;
    }
    (void)json_object_set_new(call->body, "grant", grant);
    return device_command_ask(device, op, call, out_json);
}

static enum exit_code call_again(struct device *device, const struct arguments *arguments,
                                 const char *purpose, const struct http_call *call,
                                 json_t **out_json)
{
    json_t *grant = NULL;
    enum exit_code code = grant_earn(device, arguments, purpose, call->body, &grant);

    if (code != EXIT_CODE_OK) {
        json_decref(call->body);
        return code;
    }
    (void)json_object_set_new(call->body, "grant", grant);
    return http_client_ask(device->http, call, out_json);
}

/* Take a reply that may be a refusal, and release it. */
static enum exit_code reply_take(struct http_reply *reply, json_t **out_json)
{
    enum exit_code code = EXIT_CODE_OK;

    if (!http_reply_is_success(reply)) {
        code = http_reply_say(reply);
    } else {
        *out_json = reply->json == NULL ? json_object() : json_incref(reply->json);
    }
    http_reply_clear(reply);
    return code;
}

enum exit_code stepup_call_ask(struct device *device, const struct arguments *arguments,
                               const char *purpose, const struct http_call *call, json_t **out_json)
{
    const struct http_call again = { .method = call->method,
                                     .path = call->path,
                                     .body = json_deep_copy(call->body) };
    struct http_reply reply = { .status = 0 };
    bool is_heard = http_client_call(device->http, call, &reply);

    if (is_heard && strcmp(http_reply_problem(&reply), "grant_required") == 0) {
        http_reply_clear(&reply);
        return call_again(device, arguments, purpose, &again, out_json);
    }
    json_decref(again.body);
    if (!is_heard) {
        http_reply_clear(&reply);
        return EXIT_CODE_NETWORK;
    }
    return reply_take(&reply, out_json);
}

enum exit_code stepup_command_ask(struct device *device, const struct arguments *arguments,
                                  enum command_op op, const struct http_call *call,
                                  json_t **out_json)
{
    const struct http_call again = { .method = call->method,
                                     .path = call->path,
                                     .body = json_deep_copy(call->body) };
    struct http_reply reply = { .status = 0 };
    enum exit_code code = device_command_call(device, op, call, &reply);

    if (code == EXIT_CODE_OK && strcmp(http_reply_problem(&reply), "stepup_required") == 0) {
        http_reply_clear(&reply);
        return command_again(device, arguments, op, &again, out_json);
    }
    json_decref(again.body);
    if (code != EXIT_CODE_OK) {
        http_reply_clear(&reply);
        return code;
    }
    return reply_take(&reply, out_json);
}
