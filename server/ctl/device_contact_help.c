/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helping somebody to recover: six digits are compared with what the person says, by voice, and
 * only then is the share sent.  A wrong one ends it: who asks begins another exchange.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

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
#include "server/ctl/arguments.h"
#include "server/ctl/ask.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"
#include "server/ctl/shares.h"
#include "server/ctl/wait.h"

enum {
    PATH_BYTES = 80
};

struct helping {
    struct device *device;
    const char *id_text;
    struct recovery_id id;
    struct recovery_share share;
    uint8_t key[RECOVERY_PUBLIC_BYTES]; /* of who asks, as the relay shows it */
    int64_t exchange;
    struct sas_commit commit;
    struct sas_random mine;
    struct sas_random theirs;
};

static bool take_exact(const json_t *answer, const char *member, void *out, size_t size)
{
    const char *text = json_string_value(json_object_get(answer, member));

    return text != NULL && base64url_decode_exact(bytes_text(text), out, size);
}

/* Steals body; NULL: look. */
static enum exit_code call(const struct helping *helping, const char *what, json_t *body,
                           json_t **out)
{
    char path[PATH_BYTES];
    const struct http_call step = { .method = body == NULL ? "GET" : "POST",
                                    .path = path,
                                    .body = body };

    (void)snprintf(path, sizeof path, "/v1/recoveries/%s%s%s", helping->id_text,
                   what[0] == '\0' ? "" : "/", what);
    return device_ask(helping->device, &step, out);
}

/* See the key and what is committed to, and show ours. */
static enum exit_code answer(struct helping *helping)
{
    json_t *seen = NULL;
    json_t *nothing = NULL;
    enum exit_code code = call(helping, "", NULL, &seen);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    helping->exchange = json_integer_value(json_object_get(seen, "exchange"));
    if (!take_exact(seen, "public_key", helping->key, sizeof helping->key) ||
        !take_exact(seen, "commit", helping->commit.raw, sizeof helping->commit.raw)) {
        say_error("who asks is not ready: let them run \"sealpost device recovery meet\" first");
        code = EXIT_CODE_REFUSED;
    } else {
        random_fill(helping->mine.raw, sizeof helping->mine.raw);
        code =
            call(helping, "answer",
                 json_pack("{s:I, s:o}", "exchange", (json_int_t)helping->exchange, "random",
                           json_base64url(bytes_of(helping->mine.raw, sizeof helping->mine.raw))),
                 &nothing);
        json_decref(nothing);
    }
    json_decref(seen);
    return code;
}

/* Wait until who asks has shown what was committed to. */
static enum exit_code wait_for_reveal(struct helping *helping)
{
    int64_t until_ms = clock_steady_ms() + WAIT_PERSON_MS;
    enum exit_code code = EXIT_CODE_OK;
    bool is_there = false;

    do {
        json_t *seen = NULL;
        code = call(helping, "", NULL, &seen);
        if (code == EXIT_CODE_OK &&
            json_integer_value(json_object_get(seen, "exchange")) != helping->exchange) {
            say_error("who asks has begun another exchange; help again");
            code = EXIT_CODE_REFUSED;
        }
        is_there = code == EXIT_CODE_OK &&
                   take_exact(seen, "random", helping->theirs.raw, sizeof helping->theirs.raw);
        json_decref(seen);
    } while (code == EXIT_CODE_OK && !is_there && wait_a_while(until_ms) > 0);
    if (code == EXIT_CODE_OK && !is_there) {
        say_error("who asks did not go on; help again when they do");
        code = EXIT_CODE_NETWORK;
    }
    return code;
}

static enum exit_code refuse(const char *why)
{
    say_error("do NOT trust this: %s. Nothing was sent. Ask the person to begin another exchange, "
              "with \"sealpost device recovery meet\"",
              why);
    return EXIT_CODE_UNVERIFIED;
}

static enum exit_code compare(const struct helping *helping)
{
    struct link_entry_hash entry;
    struct sas_code code;
    char typed[ASK_MAX];

    recovery_share_entry(&helping->id, helping->key, &entry);
    if (!sas_commit_fits(&helping->commit, &helping->theirs, &entry)) {
        return refuse("what was shown is not what was committed to");
    }
    recovery_share_code(&entry, &helping->theirs, &helping->mine, &code);
    if (!ask_secret("The six digits that the person tells you, by voice: ", typed)) {
        return EXIT_CODE_USAGE;
    }
    return sas_code_matches(&code, bytes_text(typed)) ? EXIT_CODE_OK
                                                      : refuse("these digits are others");
}

static enum exit_code share_send(const struct helping *helping)
{
    uint8_t sealed[RECOVERY_SHARE_BYTES + CRYPTO_SEAL_BYTES];
    struct buf plain = { 0 };
    json_t *nothing = NULL;
    enum exit_code code = EXIT_CODE_OK;

    recovery_share_append(&helping->share, &plain);
    if (!crypto_seal_box(helping->key, buf_view(&plain), sealed)) {
        code = refuse("the key of who asks is none");
    }
    mem_wipe(plain.at, plain.size);
    buf_clear(&plain);
    if (code == EXIT_CODE_OK) {
        code = call(helping, "packet",
                    json_pack("{s:I, s:I, s:o}", "exchange", (json_int_t)helping->exchange, "slot",
                              (json_int_t)helping->share.slot, "packet",
                              json_base64url(bytes_of(sealed, sizeof sealed))),
                    &nothing);
        json_decref(nothing);
    }
    return code;
}

enum exit_code device_contact_help(const struct arguments *arguments)
{
    struct helping helping = { .id_text = arguments->words[0] };
    struct account_id owner;
    struct device device;

    if (!base64url_decode_exact(bytes_text(helping.id_text), helping.id.raw,
                                sizeof helping.id.raw)) {
        say_error("\"%.40s\" is no recovery id: it is 22 characters, which the person tells you",
                  helping.id_text);
        return EXIT_CODE_USAGE;
    }
    if (!people_parse_id(arguments->words[1], &owner)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    helping.device = &device;
    code = shares_load(&device.state, &owner, &helping.share) ? answer(&helping) : EXIT_CODE_LOCAL;
    if (code == EXIT_CODE_OK) {
        code = wait_for_reveal(&helping);
    }
    if (code == EXIT_CODE_OK) {
        code = compare(&helping);
    }
    if (code == EXIT_CODE_OK) {
        code = share_send(&helping);
    }
    if (code == EXIT_CODE_OK) {
        (void)puts("your share was sent; they can go on when the relay's wait is over");
    }
    mem_wipe(&helping, sizeof helping);
    device_close(&device);
    return code;
}
