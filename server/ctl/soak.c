/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command around a soak run: two devices of its own, each with its own account, in
 * the folders sender and receiver; they are registered when they are not there yet.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/sigbytes.h"
#include "server/ctl/admin.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/enrol.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/folder.h"
#include "server/ctl/message.h"
#include "server/ctl/say.h"
#include "server/ctl/soak_load.h"

enum {
    COUNT_DEFAULT = 1000,
    COUNT_MAX = 100000000,
    IN_FLIGHT_DEFAULT = 64,
    IN_FLIGHT_MAX = 256,
    SIZE_DEFAULT = 100,
    SIZE_MIN = 16,
    RATE_MAX = 1000000,
    STALL_MS = 60000,
    PATH_BYTES = 4096,
};

static bool settings_read(const struct arguments *arguments, struct soak_settings *out)
{
    *out = (struct soak_settings){ .count = COUNT_DEFAULT,
                                   .in_flight = IN_FLIGHT_DEFAULT,
                                   .size = SIZE_DEFAULT,
                                   .stall_ms = STALL_MS };
    return arguments_number(arguments, OPTION_COUNT, 1, COUNT_MAX, &out->count) &&
           arguments_number(arguments, OPTION_RATE, 0, RATE_MAX, &out->rate) &&
           arguments_number(arguments, OPTION_IN_FLIGHT, 1, IN_FLIGHT_MAX, &out->in_flight) &&
           arguments_number(arguments, OPTION_SIZE, SIZE_MIN, MESSAGE_CONTENT_MAX, &out->size);
}

/* Open the device in base/name, making and registering it when it is not there. */
static enum exit_code member_open(const struct arguments *arguments, const char *base,
                                  const char *name, struct device *out)
{
    char folder[PATH_BYTES];
    struct device_state state;
    const char *url = arguments_text(arguments, OPTION_URL, NULL);
    const char *invite = arguments_text(arguments, OPTION_INVITE, "");
    size_t url_size = 0;

    (void)snprintf(folder, sizeof folder, "%s/%s", base, name);
    if (device_state_exists(folder)) {
        if (!device_state_load(&state, folder)) {
            return EXIT_CODE_LOCAL;
        }
    } else {
        if (url == NULL || !device_state_url_check(url, &url_size)) {
            say_error("which relay? Give --url https://relay.example");
            return EXIT_CODE_USAGE;
        }
        char *trimmed = mem_text_of(url, url_size);
        device_state_init(&state, folder, trimmed, name,
                          arguments_text(arguments, OPTION_CA, NULL));
        free(trimmed);
        if (!device_state_save(&state)) {
            device_state_clear(&state);
            return EXIT_CODE_LOCAL;
        }
    }
    device_open_state(out, &state);
    if (out->state.has_account) {
        return EXIT_CODE_OK;
    }
    char *fresh = invite[0] == '\0' ? admin_invite(arguments) : NULL;
    enum exit_code code = enrol_run(out, fresh == NULL ? invite : fresh, NULL);
    free(fresh);
    if (code != EXIT_CODE_OK) {
        device_close(out);
    }
    return code;
}

static void say_counts(bool as_json, const struct soak_counts *counts)
{
    int64_t ms = counts->elapsed_ms > 0 ? counts->elapsed_ms : 1;
    int64_t a_second = counts->received * 1000 / ms;

    if (as_json) {
        json_t *object = json_pack(
            "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)counts->sent,
            "accepted", (json_int_t)counts->accepted, "received", (json_int_t)counts->received,
            "again", (json_int_t)counts->again, "duplicates", (json_int_t)counts->duplicates,
            "out_of_order", (json_int_t)counts->out_of_order, "lost", (json_int_t)counts->lost,
            "unopened", (json_int_t)counts->unopened, "reconnects", (json_int_t)counts->reconnects);
        json_t *times =
            json_pack("{s:I, s:I, s:I, s:I, s:I}", "elapsed_ms", (json_int_t)counts->elapsed_ms,
                      "a_second", (json_int_t)a_second, "p50_ms", (json_int_t)counts->p50_ms,
                      "p99_ms", (json_int_t)counts->p99_ms, "max_ms", (json_int_t)counts->max_ms);
        (void)json_object_update(object, times);
        json_decref(times);
        say_json_steal(object);
        return;
    }
    (void)printf("%" PRId64 " sent, %" PRId64 " accepted, %" PRId64 " received, %" PRId64
                 " again after %" PRId64 " reconnects\n",
                 counts->sent, counts->accepted, counts->received, counts->again,
                 counts->reconnects);
    (void)printf("%" PRId64 " duplicates, %" PRId64 " out of order, %" PRId64 " lost, %" PRId64
                 " not verified\n",
                 counts->duplicates, counts->out_of_order, counts->lost, counts->unopened);
    (void)printf("%" PRId64 " ms, %" PRId64 " a second; half within %" PRId64
                 " ms, 99 of 100 within %" PRId64 " ms, all within %" PRId64 " ms\n",
                 counts->elapsed_ms, a_second, counts->p50_ms, counts->p99_ms, counts->max_ms);
}

/* Judge a run that came to its end. */
static enum exit_code judge(const struct soak_settings *settings, const struct soak_counts *counts)
{
    if (counts->duplicates > 0 || counts->out_of_order > 0 || counts->lost > 0 ||
        counts->unopened > 0) {
        say_error("the relay broke its promise: each message once, in order, unchanged");
        return EXIT_CODE_UNVERIFIED;
    }
    if (counts->received != settings->count) {
        say_error("nothing moved for %d s; the run was given up", STALL_MS / 1000);
        return EXIT_CODE_NETWORK;
    }
    return EXIT_CODE_OK;
}

/* Erase the account of a device that was made for this run only. */
static void member_erase(struct device *device)
{
    struct bytes id = bytes_of(device->state.account.raw, sizeof device->state.account.raw);

    (void)device_command(device, COMMAND_ACCOUNT_DELETE, "DELETE", "/v1/account",
                         json_pack("{s:o}", "account_id", json_base64url(id)));
}

/* The devices, and whether they are for this run only. */
struct members {
    struct device from;
    struct device to;
    bool is_for_once;
};

static enum exit_code run_between(const struct arguments *arguments,
                                  const struct soak_settings *settings, struct members *members)
{
    struct soak_counts counts;
    enum exit_code code = soak_load_run(&members->from, &members->to, settings, &counts);

    say_counts(arguments_has(arguments, OPTION_JSON), &counts);
    if (members->is_for_once) {
        member_erase(&members->from);
        member_erase(&members->to);
    }
    return code == EXIT_CODE_OK ? judge(settings, &counts) : code;
}

static enum exit_code run_in(const struct arguments *arguments,
                             const struct soak_settings *settings, const char *base)
{
    struct members members = { .is_for_once = !arguments_has(arguments, OPTION_DIR) };
    enum exit_code code = member_open(arguments, base, "sender", &members.from);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = member_open(arguments, base, "receiver", &members.to);
    if (code == EXIT_CODE_OK) {
        code = run_between(arguments, settings, &members);
        device_close(&members.to);
    }
    device_close(&members.from);
    return code;
}

enum exit_code soak_run(const struct arguments *arguments)
{
    char base[] = "/tmp/sealpost-soak-XXXXXX";
    const char *given = arguments_text(arguments, OPTION_DIR, NULL);
    struct soak_settings settings;

    if (!settings_read(arguments, &settings)) {
        return EXIT_CODE_USAGE;
    }
    if (given != NULL) {
        return run_in(arguments, &settings, given);
    }
    if (mkdtemp(base) == NULL) {
        say_error("cannot make a folder for the two devices; name one with --dir");
        return EXIT_CODE_LOCAL;
    }
    enum exit_code code = run_in(arguments, &settings, base);
    folder_remove(base);
    return code;
}
