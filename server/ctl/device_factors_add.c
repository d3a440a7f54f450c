/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolling.  What the relay shows once is printed at once, so that nothing is lost when the
 * rest fails; an app whose first code did not come stays pending for an hour and can be
 * confirmed with a command of its own.
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
#include "common/ids.h"
#include "common/mem.h"
#include "common/recovery_code.h"
#include "common/sigbytes.h"
#include "common/totp.h"
#include "server/ctl/answer.h"
#include "server/ctl/arguments.h"
#include "server/ctl/ask.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/factor_enrol.h"
#include "server/ctl/http_client.h"
#include "server/ctl/otpauth.h"
#include "server/ctl/qr.h"
#include "server/ctl/say.h"

enum {
    FIRST_CODES_MAX = 5, /* that are asked for */
    SECRET_GROUP = 4,    /* letters of a secret that are written together */
    ACCOUNT_LETTERS = 8  /* of an account's id, where no name was given */
};

/* ---- an app's first code ---- */

/* Confirm by one code; true when it is over, right or not. */
static bool confirm_once(struct device *device, const char *id, enum exit_code *out_code)
{
    char text[ASK_MAX];
    struct http_reply reply = { .status = 0 };
    uint32_t digits;

    if (!ask_secret("The app's first code: ", text)) {
        *out_code = EXIT_CODE_USAGE;
        return true;
    }
    if (!totp_code_read(bytes_text(text), &digits)) {
        mem_wipe(text, sizeof text);
        say_error("a code is six digits");
        *out_code = EXIT_CODE_REFUSED;
        return false;
    }
    const struct http_call call = { .method = "POST",
                                    .path = "/v1/factors/confirm",
                                    .body =
                                        json_pack("{s:s, s:s}", "factor_id", id, "answer", text) };
    mem_wipe(text, sizeof text);
    bool is_wrong = false;
    *out_code = device_command_call(device, COMMAND_FACTOR_ENROL, &call, &reply);
    if (*out_code == EXIT_CODE_OK && !http_reply_is_success(&reply)) {
        is_wrong = strcmp(http_reply_problem(&reply), "answer_wrong") == 0;
        *out_code = is_wrong ? EXIT_CODE_REFUSED : http_reply_say(&reply);
    }
    if (is_wrong) {
        say_error("that is not the code of now; are the app's clock and secret right?");
    }
    http_reply_clear(&reply);
    return !is_wrong;
}

static enum exit_code confirm(struct device *device, const struct arguments *arguments,
                              const char *id)
{
    enum exit_code code = EXIT_CODE_REFUSED;
    bool is_over = false;

    for (int i = 0; i < FIRST_CODES_MAX && !is_over; i++) {
        is_over = confirm_once(device, id, &code);
    }
    if (code != EXIT_CODE_OK) {
        say_error("the app is not confirmed; within the hour, \"sealpost device factors confirm "
                  "%s\" does it",
                  id);
    } else {
        factor_say_confirmed(arguments, id);
    }
    return code;
}

enum exit_code device_factors_confirm(const struct arguments *arguments)
{
    struct device device;

    if (!device_factors_is_id(arguments->words[0])) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = confirm(&device, arguments, arguments->words[0]);
        device_close(&device);
    }
    return code;
}

/* ---- an app ---- */

/* The URI with a NUL, to be wiped and cleared; false, with the reason said, when it is none. */
static bool uri_make(const struct device *device, const struct arguments *arguments,
                     const char *secret, struct buf *out)
{
    const struct device_state *state = &device->state;
    char *id = base64url_text(bytes_of(state->account.raw, sizeof state->account.raw));
    const char *name = arguments_text(arguments, OPTION_NAME, NULL);
    const struct otpauth parts = {
        .issuer = otpauth_issuer(state->url),
        .account = name == NULL ? bytes_of(id, ACCOUNT_LETTERS) : bytes_text(name),
        .secret = bytes_text(secret),
    };
    bool is_made = otpauth_write(&parts, out);

    free(id);
    if (is_made) {
        buf_append_u8(out, 0);
    }
    return is_made;
}

static void print_app(const struct arguments *arguments, struct bytes uri, const char *secret)
{
    (void)printf("%.*s\n\n", (int)uri.size, (const char *)uri.at);
    (void)qr_print(uri, arguments_has(arguments, OPTION_ASCII));
    (void)printf("\nScan it with an authenticator app, or type its secret there:");
    for (size_t i = 0; i < TOTP_SECRET_CHARS; i += SECRET_GROUP) {
        (void)printf(" %.*s", SECRET_GROUP, secret + i);
    }
    (void)printf("\nIt is shown only now.\n");
}

static enum exit_code on_app(void *arg, struct device *device, const struct arguments *arguments,
                             const json_t *enrolled)
{
    const char *id = answer_id(enrolled, "factor_id");
    const char *secret = answer_text(json_object_get(enrolled, "secret"), ANSWER_BASE32,
                                     TOTP_SECRET_CHARS, TOTP_SECRET_CHARS);
    struct buf uri = { 0 };

    (void)arg;
    if (secret == NULL || !uri_make(device, arguments, secret, &uri)) {
        return answer_say_odd("secret");
    }
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:s, s:s, s:s}", "factor_id", id, "secret", secret, "uri",
                                 (const char *)uri.at));
    } else {
        print_app(arguments, bytes_of(uri.at, uri.size - 1), secret);
    }
    mem_wipe(uri.at, uri.size);
    buf_clear(&uri);
    (void)fflush(stdout); /* whoever reads it has to scan it before there is a code */
    return confirm(device, arguments, id);
}

static enum exit_code add_app(struct device *device, const struct arguments *arguments)
{
    return factor_enrol(device, arguments, json_pack("{s:s}", "kind", "totp"), on_app, NULL);
}

enum exit_code device_factors_add_totp(const struct arguments *arguments)
{
    return factor_add(arguments, add_app);
}

/* ---- recovery codes ---- */

static bool codes_are_right(const json_t *codes)
{
    for (size_t i = 0; i < json_array_size(codes); i++) {
        if (answer_text(json_array_get(codes, i), ANSWER_RECOVERY_CODE, RECOVERY_CODE_TEXT_CHARS,
                        RECOVERY_CODE_TEXT_CHARS) == NULL) {
            return false;
        }
    }
    return json_array_size(codes) == RECOVERY_CODE_COUNT;
}

static enum exit_code on_codes(void *arg, struct device *device, const struct arguments *arguments,
                               const json_t *enrolled)
{
    json_t *codes = json_object_get(enrolled, "codes");

    (void)arg;
    (void)device;
    if (!codes_are_right(codes)) {
        return answer_say_odd("recovery codes");
    }
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(
            json_pack("{s:s, s:O}", "factor_id", answer_id(enrolled, "factor_id"), "codes", codes));
        return EXIT_CODE_OK;
    }
    for (size_t i = 0; i < json_array_size(codes); i++) {
        (void)printf("%s\n", json_string_value(json_array_get(codes, i)));
    }
    (void)fprintf(stderr, "They are shown only now: write them down, each is good once. "
                          "Codes that were made before are good no more.\n");
    return EXIT_CODE_OK;
}

/* How many codes are left of a set that would be replaced; -1: there is none. */
static enum exit_code codes_left(struct device *device, int64_t *out)
{
    const struct http_call call = { .method = "GET", .path = "/v1/factors" };
    json_t *answer = NULL;
    enum exit_code code = device_ask(device, &call, &answer);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    const json_t *list = json_object_get(answer, "factors");
    *out = -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *factor = json_array_get(list, i);
        if (strcmp(answer_word(factor, "kind"), "recovery_code") == 0) {
            *out = answer_number(factor, "codes_left");
        }
    }
    json_decref(answer);
    return EXIT_CODE_OK;
}

static enum exit_code add_codes(struct device *device, const struct arguments *arguments)
{
    int64_t left = -1;
    enum exit_code code = EXIT_CODE_OK;

    if (!arguments_has(arguments, OPTION_REPLACE)) {
        code = codes_left(device, &left);
    }
    if (code == EXIT_CODE_OK && left >= 0) {
        say_error("there are recovery codes, %" PRId64 " of them not used; new ones make them "
                  "worthless: add --replace",
                  left);
        code = EXIT_CODE_USAGE;
    }
    if (code != EXIT_CODE_OK) {
        return code;
    }
    return factor_enrol(device, arguments, json_pack("{s:s}", "kind", "recovery_code"), on_codes,
                        NULL);
}

enum exit_code device_factors_add_recovery_codes(const struct arguments *arguments)
{
    return factor_add(arguments, add_codes);
}
