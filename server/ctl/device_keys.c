/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay holds of this device's keys, and whether these are the keys that the
 * device put there.  It asks how many there are first: the relay hands out the oldest
 * first, so those must be the newest that the device knows.  The relay compares: older
 * copies of its database or of this folder are found, a relay that lies is not; what it
 * hands out is verified by whoever claims it.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/json.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/pools.h"
#include "server/ctl/prekeys.h"
#include "server/ctl/say.h"

enum judgement {
    KEYS_MATCH = 0,
    KEYS_DIFFER
};

static enum exit_code ask_digest(struct device *device, const uint8_t digest[CRYPTO_SHA256_BYTES],
                                 enum judgement *out)
{
    const struct http_call call = {
        .method = "POST",
        .path = "/v1/keys/check",
        .body = json_pack("{s:o}", "digest", json_base64url(bytes_of(digest, CRYPTO_SHA256_BYTES))),
    };
    struct http_reply reply = { .status = 0 };
    enum exit_code code = device_call(device, &call, &reply);

    if (code == EXIT_CODE_OK) {
        bool differs = strcmp(http_reply_problem(&reply), "keys_differ") == 0;
        *out = differs ? KEYS_DIFFER : KEYS_MATCH;
        if (!differs && !http_reply_is_success(&reply)) {
            code = http_reply_say(&reply);
        }
    }
    http_reply_clear(&reply);
    return code;
}

static bool has_pending(const struct prekeys *prekeys)
{
    for (int i = 0; i < PREKEY_SLOTS; i++) {
        if (prekeys_pending(prekeys, (enum prekey_slot)i) > 0) {
            return true;
        }
    }
    return false;
}

/* Judge without and with the keys of an upload that had no answer. */
static enum exit_code judge(struct device *device, const struct prekeys *prekeys,
                            const json_t *slots, enum judgement *out)
{
    size_t held[PREKEY_SLOTS];
    uint8_t digest[CRYPTO_SHA256_BYTES];

    for (int i = 0; i < PREKEY_SLOTS; i++) {
        held[i] = pools_count(slots, prekeys_slot_name((enum prekey_slot)i));
    }
    prekeys_digest(prekeys, held, false, digest);
    enum exit_code code = ask_digest(device, digest, out);
    if (code == EXIT_CODE_OK && *out == KEYS_DIFFER && has_pending(prekeys)) {
        prekeys_digest(prekeys, held, true, digest);
        code = ask_digest(device, digest, out);
    }
    return code;
}

static void say_judgement(enum judgement judgement, bool is_pending)
{
    if (judgement == KEYS_MATCH) {
        (void)puts("these are the keys that this device put there");
    } else {
        (void)puts(
            "these are NOT the newest keys that this device remembers. That is normal when "
            "somebody claimed one just now, or when another program or a copy of this folder "
            "uploads for this device. Ask again; if it stays so, the relay's database or "
            "this folder may be an older copy: \"sealpost device publish --replace\" puts "
            "new keys in their place");
    }
    if (is_pending) {
        (void)puts("an upload had no answer; the same \"sealpost device publish\" sends it again");
    }
}

static enum exit_code show(const struct arguments *arguments, struct device *device,
                           const struct prekeys *prekeys)
{
    const struct http_call call = { .method = "GET", .path = "/v1/keys" };
    enum judgement judgement = KEYS_MATCH;
    json_t *stock = NULL;
    enum exit_code code = device_ask(device, &call, &stock);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    json_t *slots = json_object_get(stock, "slots");
    code = judge(device, prekeys, slots, &judgement);
    if (code == EXIT_CODE_OK && arguments_has(arguments, OPTION_JSON)) {
        (void)json_object_set_new(stock, "matches", json_boolean(judgement == KEYS_MATCH));
        (void)json_object_set_new(stock, "pending", json_boolean(has_pending(prekeys)));
        say_json_steal(json_incref(stock));
    } else if (code == EXIT_CODE_OK) {
        if (json_object_size(slots) == 0) {
            (void)puts("the relay holds no keys of this device; \"sealpost device publish\" puts "
                       "some there");
        }
        pools_print("", slots);
        say_judgement(judgement, has_pending(prekeys));
    }
    json_decref(stock);
    return code;
}

enum exit_code device_keys_run(const struct arguments *arguments)
{
    struct device device;
    struct prekeys prekeys;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = EXIT_CODE_LOCAL;
    if (prekeys_load(&prekeys, device.state.folder, &device.state.pub)) {
        code = show(arguments, &device, &prekeys);
        prekeys_clear(&prekeys);
    }
    device_close(&device);
    return code;
}
