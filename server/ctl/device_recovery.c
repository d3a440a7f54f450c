/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering an account with a recovery contact, and what the account's own devices see of it:
 *
 *   new device                              the contact, on the telephone
 *   device recovery ask WHO                 is told the recovery id
 *   device recovery meet                    device contact help ID ACCOUNT
 *     shows six digits                        types them
 *   device recovery finish                  once the relay's wait is over
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
#include "common/clock.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/link_entry.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/recovery_share.h"
#include "common/sas.h"
#include "common/sigbytes.h"
#include "server/ctl/arguments.h"
#include "server/ctl/asking.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/recovering.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup.h"
#include "server/ctl/wait.h"

enum {
    PATH_BYTES = 80,
    TIME_BYTES = 32
};

static void time_text(int64_t seconds, char out[TIME_BYTES])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL ||
        strftime(out, TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        (void)snprintf(out, TIME_BYTES, "%" PRId64, seconds);
    }
}

static int64_t number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static bool take_exact(const json_t *answer, const char *member, void *out, size_t size)
{
    const char *text = json_string_value(json_object_get(answer, member));

    return text != NULL && base64url_decode_exact(bytes_text(text), out, size);
}

/* A step of who asks; body, stolen, gets the token. */
static enum exit_code step(struct device *device, const struct asking *asking, const char *what,
                           json_t *body, json_t **out)
{
    char path[PATH_BYTES];
    char *id = base64url_text(bytes_of(asking->id.raw, sizeof asking->id.raw));
    const struct http_call call = { .method = "POST", .path = path, .body = body };

    (void)snprintf(path, sizeof path, "/v1/recoveries/%s/%s", id, what);
    free(id);
    (void)json_object_set_new(body, "token",
                              json_base64url(bytes_of(asking->token, sizeof asking->token)));
    return http_client_ask(device->http, &call, out);
}

/* ---- ask ---- */

static enum exit_code begin(const struct arguments *arguments, struct device *device,
                            struct asking *asking)
{
    struct http_call call = { .method = "POST", .path = "/v1/recoveries" };
    char until[TIME_BYTES];
    json_t *answer = NULL;

    crypto_make_box_pair(asking->public_key, asking->secret_key);
    call.body = json_pack("{s:o}", "public_key",
                          json_base64url(bytes_of(asking->public_key, sizeof asking->public_key)));
    recovering_whom_put(&asking->whom, call.body);
    enum exit_code code = stepup_call_ask(device, arguments, "recover", &call, &answer);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!take_exact(answer, "recovery_id", asking->id.raw, sizeof asking->id.raw) ||
        !take_exact(answer, "token", asking->token, sizeof asking->token)) {
        say_error("the relay gave no recovery id");
        code = EXIT_CODE_NETWORK;
    } else if (!asking_save(device->state.folder, asking)) {
        code = EXIT_CODE_LOCAL;
    } else if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:O, s:O, s:O}", "recovery_id",
                                 json_object_get(answer, "recovery_id"), "wait_until",
                                 json_object_get(answer, "wait_until"), "expires_at",
                                 json_object_get(answer, "expires_at")));
    } else {
        time_text(number_of(answer, "wait_until"), until);
        (void)printf("tell your recovery contact this id, then run \"sealpost device recovery "
                     "meet\" while you speak:\n%s\nthe relay waits until %s\n",
                     json_string_value(json_object_get(answer, "recovery_id")), until);
    }
    json_decref(answer);
    return code;
}

enum exit_code device_recovery_ask(const struct arguments *arguments)
{
    struct asking asking = { .has_seed = false };
    struct device device;

    if (!recovering_whom_read(arguments->words[0], &asking.whom) ||
        !stepup_options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = recovering_open(arguments, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (asking_exists(device.state.folder) && !arguments_has(arguments, OPTION_REPLACE)) {
        say_error("a recovery was begun in %s; go on with it, or give --replace",
                  device.state.folder);
        code = EXIT_CODE_LOCAL;
    } else {
        code = device_check_relay(&device);
    }
    if (code == EXIT_CODE_OK) {
        code = begin(arguments, &device, &asking);
    }
    mem_wipe(&asking, sizeof asking);
    device_close(&device);
    return code;
}

/* ---- meet ---- */

struct meeting {
    struct device *device;
    struct asking asking;
    int64_t exchange;
    struct sas_random mine;
    struct sas_random theirs;
    struct link_entry_hash entry;
};

static enum exit_code exchange_begin(struct meeting *meeting)
{
    struct sas_commit commit;
    json_t *seen = NULL;
    json_t *nothing = NULL;
    enum exit_code code = step(meeting->device, &meeting->asking, "poll", json_object(), &seen);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    meeting->exchange = number_of(seen, "exchange") + 1;
    json_decref(seen);
    random_fill(meeting->mine.raw, sizeof meeting->mine.raw);
    recovery_share_entry(&meeting->asking.id, meeting->asking.public_key, &meeting->entry);
    sas_commit_of(&meeting->mine, &meeting->entry, &commit);
    code = step(meeting->device, &meeting->asking, "exchange",
                json_pack("{s:I, s:o}", "exchange", (json_int_t)meeting->exchange, "commit",
                          json_base64url(bytes_of(commit.raw, sizeof commit.raw))),
                &nothing);
    json_decref(nothing);
    return code;
}

/* Wait until a poll has member, or until its packet is there where that is NULL. */
static enum exit_code wait_for(struct meeting *meeting, const char *member)
{
    int64_t until_ms = clock_steady_ms() + WAIT_PERSON_MS;
    enum exit_code code = EXIT_CODE_OK;
    bool is_there = false;

    do {
        json_t *seen = NULL;
        code = step(meeting->device, &meeting->asking, "poll", json_object(), &seen);
        if (code == EXIT_CODE_OK && member == NULL) {
            is_there = json_is_true(json_object_get(seen, "packet"));
        } else if (code == EXIT_CODE_OK) {
            is_there = take_exact(seen, member, meeting->theirs.raw, sizeof meeting->theirs.raw);
        }
        const char *state = json_string_value(json_object_get(seen, "state"));
        if (code == EXIT_CODE_OK && (state == NULL || strcmp(state, "open") != 0)) {
            say_error("the recovery is over: %.20s", state == NULL ? "" : state);
            code = EXIT_CODE_REFUSED;
        }
        json_decref(seen);
    } while (code == EXIT_CODE_OK && !is_there && wait_a_while(until_ms) > 0);
    if (code == EXIT_CODE_OK && !is_there) {
        say_error("your contact did not go on; meet again when they do");
        code = EXIT_CODE_NETWORK;
    }
    return code;
}

static enum exit_code reveal(struct meeting *meeting)
{
    struct sas_code digits;
    json_t *nothing = NULL;
    enum exit_code code =
        step(meeting->device, &meeting->asking, "reveal",
             json_pack("{s:I, s:o}", "exchange", (json_int_t)meeting->exchange, "random",
                       json_base64url(bytes_of(meeting->mine.raw, sizeof meeting->mine.raw))),
             &nothing);

    json_decref(nothing);
    if (code == EXIT_CODE_OK) {
        recovery_share_code(&meeting->entry, &meeting->mine, &meeting->theirs, &digits);
        (void)printf("tell your contact these digits: %.3s %s\n", digits.digits, digits.digits + 3);
        (void)fflush(stdout);
    }
    return code;
}

static enum exit_code meet(struct meeting *meeting)
{
    enum exit_code code = exchange_begin(meeting);

    if (code == EXIT_CODE_OK) {
        (void)puts("ready: your contact can help now");
        (void)fflush(stdout);
        code = wait_for(meeting, "contact_random");
    }
    if (code == EXIT_CODE_OK) {
        code = reveal(meeting);
    }
    if (code == EXIT_CODE_OK) {
        code = wait_for(meeting, NULL);
    }
    if (code == EXIT_CODE_OK) {
        (void)puts("your contact has sent its share; when the relay's wait is over run \"sealpost "
                   "device recovery finish\"");
    }
    return code;
}

enum exit_code device_recovery_meet(const struct arguments *arguments)
{
    struct device device;
    struct meeting meeting = { .device = &device };
    enum exit_code code = device_open(arguments, false, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = asking_load(device.state.folder, &meeting.asking) ? meet(&meeting) : EXIT_CODE_LOCAL;
    mem_wipe(&meeting, sizeof meeting);
    device_close(&device);
    return code;
}

/* ---- finish ---- */

/* Open what was released into the seed. */
static bool released_open(const json_t *answer, struct asking *asking)
{
    const char *text = json_string_value(json_object_get(answer, "packet"));
    uint8_t a[RECOVERY_A_BYTES];
    uint8_t plain[RECOVERY_SHARE_BYTES];
    struct buf sealed = { 0 };
    struct recovery_share share;
    bool is_open =
        text != NULL && base64url_decode(bytes_text(text), &sealed) &&
        sealed.size == sizeof plain + CRYPTO_SEAL_BYTES &&
        take_exact(answer, "share", a, sizeof a) &&
        crypto_open_box(asking->public_key, asking->secret_key, buf_view(&sealed), plain) &&
        recovery_share_read(bytes_of(plain, sizeof plain), &share) &&
        recovery_share_open(&share, a, asking->seed);

    mem_wipe(a, sizeof a);
    mem_wipe(plain, sizeof plain);
    mem_wipe(&share, sizeof share);
    buf_clear(&sealed);
    asking->has_seed = is_open;
    return is_open;
}

/* Have the seed: once released it is kept before anything else is done. */
static enum exit_code release(struct device *device, struct asking *asking)
{
    json_t *answer = NULL;
    enum exit_code code = EXIT_CODE_OK;

    if (asking->has_seed) {
        return EXIT_CODE_OK;
    }
    code = step(device, asking, "release", json_object(), &answer);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!released_open(answer, asking)) {
        say_error("the two shares do not belong together: the contact has an old one, or the relay "
                  "has none in that slot. Begin another recovery, with another contact");
        code = EXIT_CODE_REFUSED;
    } else if (!asking_save(device->state.folder, asking)) {
        code = EXIT_CODE_LOCAL;
    }
    json_decref(answer);
    return code;
}

enum exit_code device_recovery_finish(const struct arguments *arguments)
{
    struct asking asking;
    struct device device;
    enum exit_code code = recovering_open(arguments, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = asking_load(device.state.folder, &asking) ? release(&device, &asking) : EXIT_CODE_LOCAL;
    if (code == EXIT_CODE_OK) {
        code = recovering_run(&device, &asking.whom, asking.seed);
    }
    mem_wipe(&asking, sizeof asking);
    if (code == EXIT_CODE_OK) {
        recovering_say(arguments, &device);
        (void)fputs("make a new recovery key now: the relay and your contact have helped with this "
                    "one\n",
                    stderr);
        code = asking_forget(device.state.folder) ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
    }
    device_close(&device);
    return code;
}

/* ---- the account's own devices ---- */

static void print_recovery(const json_t *entry)
{
    char until[TIME_BYTES];
    const char *id = json_string_value(json_object_get(entry, "recovery_id"));
    const char *state = json_string_value(json_object_get(entry, "state"));

    time_text(number_of(entry, "wait_until"), until);
    (void)printf("%.22s %.20s, waits until %s\n", id == NULL ? "" : id, state == NULL ? "" : state,
                 until);
}

enum exit_code device_recovery_show(const struct arguments *arguments)
{
    const struct http_call call = { .method = "GET", .path = "/v1/recoveries" };
    struct device device;
    json_t *answer = NULL;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = device_ask(&device, &call, &answer);
    const json_t *list = json_object_get(answer, "recoveries");
    if (code == EXIT_CODE_OK && arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_deep_copy(list));
    } else if (code == EXIT_CODE_OK) {
        for (size_t i = 0; i < json_array_size(list); i++) {
            print_recovery(json_array_get(list, i));
        }
        if (json_array_size(list) == 0) {
            (void)puts("nobody has asked to recover your account");
        }
    }
    json_decref(answer);
    device_close(&device);
    return code;
}

enum exit_code device_recovery_cancel(const struct arguments *arguments)
{
    struct device device;
    enum exit_code code = device_open(arguments, true, &device);

    if (code == EXIT_CODE_OK) {
        code = device_command(&device, COMMAND_RECOVERY_VETO, "DELETE", "/v1/recoveries",
                              json_pack("{s:s}", "recovery_id", arguments->words[0]));
        device_close(&device);
    }
    if (code == EXIT_CODE_OK) {
        (void)puts("cancelled; nothing will be released");
    }
    return code;
}
