/* SPDX-License-Identifier: Apache-2.0 */
/* The account's second factors: what is enrolled, what is asked for, what has happened. */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/sigbytes.h"
#include "server/ctl/answer.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/factor_name.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup.h"

enum {
    LOG_PAGES_MAX = 100, /* of a relay that has no end of them */
    CODE_DIGITS = 6
};

typedef void show_fn(const struct device *device, json_t *entry);

/* What is asked for, and how its array `list` is printed, an entry a line. */
struct showing {
    const char *path;
    const char *list;
    const char *none; /* what is said when it is empty */
    show_fn *show;
    show_fn *complete; /* adds to an entry what this device knows, or NULL */
};

static enum exit_code show_list(struct device *device, const struct arguments *arguments,
                                const struct showing *order)
{
    const struct http_call call = { .method = "GET", .path = order->path };
    json_t *answer = NULL;
    enum exit_code code = device_ask(device, &call, &answer);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    json_t *list = json_object_get(answer, order->list);
    for (size_t i = 0; order->complete != NULL && i < json_array_size(list); i++) {
        order->complete(device, json_array_get(list, i));
    }
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(list == NULL ? json_array() : json_incref(list));
    } else {
        for (size_t i = 0; i < json_array_size(list); i++) {
            order->show(device, json_array_get(list, i));
        }
        if (json_array_size(list) == 0) {
            (void)puts(order->none);
        }
    }
    json_decref(answer);
    return EXIT_CODE_OK;
}

static enum exit_code open_and_show(const struct arguments *arguments, const struct showing *order)
{
    struct device device;
    enum exit_code code = device_open(arguments, true, &device);

    if (code == EXIT_CODE_OK) {
        code = show_list(&device, arguments, order);
        device_close(&device);
    }
    return code;
}

/* ---- list ---- */

static void name_factor(const struct device *device, json_t *factor)
{
    char name[FACTOR_NAME_MAX + 1];

    if (factor_name_open(&device->state, json_object_get(factor, "label"), name)) {
        (void)json_object_set_new(factor, "name", json_string(name));
    }
}

static void show_factor(const struct device *device, json_t *factor)
{
    const char *id = answer_id(factor, "factor_id");
    const char *name = json_string_value(json_object_get(factor, "name"));
    int64_t left = answer_number(factor, "codes_left");
    char since[SAY_TIME_BYTES];

    (void)device;
    (void)printf("%s  %s", id == NULL ? "?" : id, answer_word(factor, "kind"));
    if (json_object_get(factor, "codes_left") != NULL) {
        (void)printf(", %" PRId64 " %s left", left, say_noun(left, "code is", "codes are"));
    }
    if (!json_is_true(json_object_get(factor, "confirmed"))) {
        (void)printf(", not confirmed yet");
    }
    (void)printf(", since %s%s%s\n", say_minute(answer_number(factor, "created_at"), since),
                 name == NULL ? "" : "  ", name == NULL ? "" : name);
}

enum exit_code device_factors_list(const struct arguments *arguments)
{
    static const struct showing order = { "/v1/factors", "factors", "no second factor is enrolled",
                                          show_factor, name_factor };

    return open_and_show(arguments, &order);
}

/* ---- code ---- */

static void show_code(const struct device *device, json_t *challenge)
{
    const char *code =
        answer_text(json_object_get(challenge, "code"), ANSWER_DIGITS, CODE_DIGITS, CODE_DIGITS);
    char until[SAY_TIME_BYTES];

    (void)device;
    (void)printf("%s  for whoever wants to %s, until %s\n", code == NULL ? "?" : code,
                 answer_word(challenge, "purpose"),
                 say_minute(answer_number(challenge, "expires_at"), until));
}

enum exit_code device_factors_code(const struct arguments *arguments)
{
    static const struct showing order = { "/v1/account/challenges", "challenges",
                                          "nobody asks for a code", show_code, NULL };

    return open_and_show(arguments, &order);
}

/* ---- log ---- */

static void show_entry(const json_t *entry)
{
    int64_t device_id = answer_number(entry, "device_id");
    char when[SAY_TIME_BYTES];

    (void)printf("%6" PRId64 "  %s  %s %s", answer_number(entry, "entry"),
                 say_minute(answer_number(entry, "at"), when), answer_word(entry, "factor_kind"),
                 answer_word(entry, "change"));
    if (device_id != 0) {
        (void)printf(" by device %" PRId64, device_id);
    }
    if (json_object_get(entry, "by") != NULL) {
        (void)printf(" by the %s", answer_word(entry, "by"));
    }
    if (json_object_get(entry, "purpose") != NULL) {
        (void)printf(" to %s", answer_word(entry, "purpose"));
    }
    (void)putchar('\n');
}

/* Append the entries behind *after to entries; *after moves to the last, *out_more: there are more. */
static enum exit_code log_page(struct device *device, json_t *entries, int64_t *after,
                               bool *out_more)
{
    struct buf path = { 0 };
    json_t *answer = NULL;

    buf_append_format(&path, "/v1/account/log?after=%" PRId64, *after);
    buf_append_u8(&path, 0);
    const struct http_call call = { .method = "GET", .path = (const char *)path.at };
    enum exit_code code = device_ask(device, &call, &answer);
    buf_clear(&path);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const json_t *page = json_object_get(answer, "entries");
    int64_t last = *after;
    for (size_t i = 0; i < json_array_size(page); i++) {
        json_t *entry = json_array_get(page, i);
        last = answer_number(entry, "entry");
        (void)json_array_append(entries, entry);
    }
    *out_more = json_is_true(json_object_get(answer, "more")) && last > *after;
    *after = last;
    json_decref(answer);
    return EXIT_CODE_OK;
}

static enum exit_code log_show(struct device *device, const struct arguments *arguments,
                               int64_t after)
{
    json_t *entries = json_array();
    bool more = true;
    enum exit_code code = EXIT_CODE_OK;

    for (int page = 0; code == EXIT_CODE_OK && more && page < LOG_PAGES_MAX; page++) {
        code = log_page(device, entries, &after, &more);
    }
    if (code != EXIT_CODE_OK) {
        json_decref(entries);
        return code;
    }
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(entries);
        return EXIT_CODE_OK;
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        show_entry(json_array_get(entries, i));
    }
    if (json_array_size(entries) == 0) {
        (void)puts("nothing has happened");
    }
    json_decref(entries);
    return EXIT_CODE_OK;
}

enum exit_code device_factors_log(const struct arguments *arguments)
{
    int64_t after = 0;
    struct device device;

    if (!arguments_number(arguments, OPTION_AFTER, 0, INT64_MAX, &after)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = log_show(&device, arguments, after);
        device_close(&device);
    }
    return code;
}

/* ---- remove ---- */

bool device_factors_is_id(const char *text)
{
    if (!answer_is_id(text)) {
        say_error("\"%.60s\" is no factor's id; copy it from \"sealpost device factors\"", text);
        return false;
    }
    return true;
}

static enum exit_code remove_factor(struct device *device, const struct arguments *arguments)
{
    const char *id = arguments->words[0];
    const struct http_call call = { .method = "DELETE",
                                    .path = "/v1/factors",
                                    .body = json_pack("{s:s}", "factor_id", id) };
    json_t *answer = NULL;
    enum exit_code code =
        stepup_command_ask(device, arguments, COMMAND_FACTOR_REMOVE, &call, &answer);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    json_decref(answer);
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:s, s:b}", "factor_id", id, "removed", 1));
    } else {
        (void)printf("%s is removed\n", id);
    }
    return EXIT_CODE_OK;
}

enum exit_code device_factors_remove(const struct arguments *arguments)
{
    struct device device;

    if (!device_factors_is_id(arguments->words[0]) || !stepup_options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = remove_factor(&device, arguments);
        device_close(&device);
    }
    return code;
}
