/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the own account holds: changes that take ADMIN from a device, and the erasure, that wait
 * for somebody to object.  A held manifest is verified from the head on, and never believed.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/decimal.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
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

enum {
    TIME_BYTES = 32
};

/* The account's verified head, and what the relay says that it holds. */
struct held {
    struct chain chain;
    json_t *answer;
    const json_t *holds; /* an array in answer */
};

static void held_clear(struct held *held)
{
    chain_clear(&held->chain);
    json_decref(held->answer);
}

/* Ask for both; to be cleared only for EXIT_CODE_OK. */
static enum exit_code held_ask(struct device *device, struct held *out)
{
    struct buf path = { 0 };
    enum exit_code code = people_fetch(device, &device->state.account, &out->chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    char *id = base64url_text(bytes_of(out->chain.account.raw, sizeof out->chain.account.raw));
    buf_append_format(&path, "/v1/accounts/%s?since=%" PRIu64, id, out->chain.head->epoch);
    buf_append_u8(&path, 0);
    free(id);
    const struct http_call call = { .method = "GET", .path = (const char *)path.at };
    code = device_ask(device, &call, &out->answer);
    buf_clear(&path);
    if (code != EXIT_CODE_OK) {
        chain_clear(&out->chain);
        return code;
    }
    out->holds = json_object_get(out->answer, "held");
    return EXIT_CODE_OK;
}

static int64_t number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static bool is_manifest(const json_t *hold)
{
    const char *kind = json_string_value(json_object_get(hold, "kind"));

    return kind != NULL && strcmp(kind, "manifest") == 0;
}

static void time_text(int64_t seconds, char out[TIME_BYTES])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL ||
        strftime(out, TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        (void)snprintf(out, TIME_BYTES, "%" PRId64, seconds);
    }
}

static bool is_admin(const struct manifest_device *device)
{
    return device != NULL && (device->flags & MANIFEST_DEVICE_ADMIN) != 0;
}

static void print_difference(const struct manifest *head, const struct manifest *next)
{
    for (size_t i = 0; i < head->device_count; i++) {
        uint32_t id = head->devices[i].device_id;
        const struct manifest_device *after = manifest_find(next, id);
        if (after == NULL) {
            (void)printf("  removes device %" PRIu32 "%s\n", id,
                         is_admin(&head->devices[i]) ? ", an admin" : "");
        } else if (is_admin(&head->devices[i]) && !is_admin(after)) {
            (void)printf("  lets device %" PRIu32 " be no admin any more\n", id);
        }
    }
    for (size_t i = 0; i < next->device_count; i++) {
        if (manifest_find(head, next->devices[i].device_id) == NULL) {
            (void)printf("  adds device %" PRIu32 "%s\n", next->devices[i].device_id,
                         is_admin(&next->devices[i]) ? ", an admin" : "");
        }
    }
}

static void print_manifest(const struct held *held, const json_t *hold)
{
    const char *text = json_string_value(json_object_get(hold, "manifest"));
    struct manifest *next = mem_zeroed(1, sizeof *next);
    enum manifest_verdict verdict = MANIFEST_RULE_1_FORM;
    struct buf bytes = { 0 };

    if (text != NULL && base64url_decode(bytes_text(text), &bytes)) {
        verdict = manifest_parse(buf_view(&bytes), next);
    }
    if (verdict == MANIFEST_VALID) {
        verdict = manifest_check_next(held->chain.head, next);
    }
    if (verdict == MANIFEST_VALID) {
        print_difference(held->chain.head, next);
    } else {
        (void)printf("  it is no valid list: %s\n", manifest_verdict_text(verdict));
    }
    buf_clear(&bytes);
    free(next);
}

static void print_hold(const struct held *held, const json_t *hold)
{
    char until[TIME_BYTES];

    time_text(number_of(hold, "held_until"), until);
    if (is_manifest(hold)) {
        (void)printf("device %" PRId64 " wants epoch %" PRId64 ", held until %s\n",
                     number_of(hold, "device_id"), number_of(hold, "epoch"), until);
        print_manifest(held, hold);
    } else {
        (void)printf("device %" PRId64 " wants the account erased, held until %s\n",
                     number_of(hold, "device_id"), until);
    }
}

static void print_all(const struct held *held)
{
    for (size_t i = 0; i < json_array_size(held->holds); i++) {
        print_hold(held, json_array_get(held->holds, i));
    }
    if (json_array_size(held->holds) == 0) {
        (void)puts("nothing is held");
    }
}

enum exit_code device_holds_show(const struct arguments *arguments)
{
    struct held held = { .answer = NULL };
    struct device device;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = held_ask(&device, &held);
    if (code == EXIT_CODE_OK) {
        if (arguments_has(arguments, OPTION_JSON)) {
            say_json_steal(held.holds == NULL ? json_array() : json_deep_copy(held.holds));
        } else {
            print_all(&held);
        }
        held_clear(&held);
    }
    device_close(&device);
    return code;
}

static json_t *text_copy(const json_t *hold, const char *member)
{
    const char *text = json_string_value(json_object_get(hold, member));

    return json_string(text == NULL ? "" : text);
}

static enum exit_code veto_one(struct device *device, const json_t *hold)
{
    struct bytes account = bytes_of(device->state.account.raw, sizeof device->state.account.raw);
    struct buf path = { 0 };
    json_t *body = json_pack("{s:o}", "account_id", json_base64url(account));

    if (is_manifest(hold)) {
        char *id = base64url_text(account);
        buf_append_format(&path, "/v1/accounts/%s/manifests/%" PRId64, id,
                          number_of(hold, "epoch"));
        free(id);
        (void)json_object_set_new(body, "epoch", json_integer(number_of(hold, "epoch")));
        (void)json_object_set_new(body, "hash", text_copy(hold, "hash"));
    } else {
        buf_append_text(&path, "/v1/account/erasure");
        (void)json_object_set_new(body, "device_id", json_integer(number_of(hold, "device_id")));
    }
    buf_append_u8(&path, 0);
    enum exit_code code =
        device_command(device, COMMAND_RECOVERY_VETO, "DELETE", (const char *)path.at, body);
    buf_clear(&path);
    if (code == EXIT_CODE_OK) {
        (void)printf("vetoed: %s\n", is_manifest(hold) ? "the new list" : "the erasure");
    }
    return code;
}

/* Veto all that device signer ordered. */
static enum exit_code veto_all(struct device *device, int64_t signer)
{
    struct held held = { .answer = NULL };
    enum exit_code code = held_ask(device, &held);
    size_t found = 0;

    if (code != EXIT_CODE_OK) {
        return code;
    }
    for (size_t i = 0; i < json_array_size(held.holds) && code == EXIT_CODE_OK; i++) {
        const json_t *hold = json_array_get(held.holds, i);
        if (number_of(hold, "device_id") == signer) {
            found++;
            code = veto_one(device, hold);
        }
    }
    if (found == 0) {
        say_error("nothing is held that device %" PRId64 " wants; see sealpost device holds",
                  signer);
        code = EXIT_CODE_REFUSED;
    }
    held_clear(&held);
    return code;
}

enum exit_code device_holds_veto(const struct arguments *arguments)
{
    int64_t signer = 0;
    struct device device;

    if (!decimal_parse(bytes_text(arguments->words[0]), LIMIT_DEVICE_ID, &signer) || signer == 0) {
        say_error("\"%.60s\" is no device number from 1 to %d", arguments->words[0],
                  LIMIT_DEVICE_ID);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = veto_all(&device, signer);
        device_close(&device);
    }
    return code;
}
