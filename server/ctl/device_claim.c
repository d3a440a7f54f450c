/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Take the keys with which messages to an account's devices begin.  The list of devices is
 * verified before, so that no key is used up for a lie, and again as the answer shows it.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/ctl/arguments.h"
#include "server/ctl/bundle.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/people.h"
#include "server/ctl/prekeys.h"
#include "server/ctl/say.h"

struct claim {
    struct device *device;
    struct account_id account;
    uint32_t only; /* number of the device that was asked for; 0: all */
    struct chain chain;
    struct bundle *bundles;
    size_t count;
};

/* ---- what is said ---- */

static json_t *key_json(enum prekey_slot slot, const struct bundle_key *key)
{
    json_t *object = json_pack("{s:I, s:o, s:b, s:b}", "id", (json_int_t)key->id, "key",
                               json_base64url(bytes_of(key->key, key->size)), "last_resort",
                               key->is_last_resort, "verified", bundle_is_signed(slot));

    if (bundle_is_signed(slot)) {
        (void)json_object_set_new(object, "signature",
                                  json_base64url(bytes_of(key->signature, sizeof key->signature)));
    }
    return object;
}

static json_t *bundle_json(const struct bundle *bundle)
{
    const struct manifest_device *device = bundle->device;
    json_t *keys = json_object();
    json_t *object =
        json_pack("{s:i, s:o, s:o}", "device_id", (int)device->device_id, "device_pub",
                  json_base64url(bytes_of(device->pub.raw, sizeof device->pub.raw)), "keys", keys);

    for (int i = 0; i < PREKEY_SLOTS; i++) {
        if (bundle->keys[i].is_there) {
            (void)json_object_set_new(keys, prekeys_slot_name((enum prekey_slot)i),
                                      key_json((enum prekey_slot)i, &bundle->keys[i]));
        }
    }
    if (bundle->identity.size > 0) {
        (void)json_object_set_new(object, "identity", json_base64url(bundle->identity));
    }
    if (bundle->has_registration) {
        (void)json_object_set_new(object, "registration_id", json_integer(bundle->registration_id));
    }
    return object;
}

static void show_json(const struct claim *claim)
{
    json_t *devices = json_array();

    for (size_t i = 0; i < claim->count; i++) {
        (void)json_array_append_new(devices, bundle_json(&claim->bundles[i]));
    }
    say_json_steal(
        json_pack("{s:o, s:I, s:o}", "account_id",
                  json_base64url(bytes_of(claim->account.raw, sizeof claim->account.raw)), "epoch",
                  (json_int_t)claim->chain.head->epoch, "devices", devices));
}

static void show_key(uint32_t device_id, enum prekey_slot slot, const struct bundle_key *key)
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct bytes bytes = bytes_of(key->key, key->size);
    bool is_short = key->size <= PREKEY_EC_BYTES;

    crypto_sha256(&bytes, 1, hash);
    char *text = base64url_text(is_short ? bytes : bytes_of(hash, sizeof hash));
    (void)printf("device %3" PRIu32 "  %-24s %5" PRIu32 "  %s%s, %s%s\n", device_id,
                 prekeys_slot_name(slot), key->id, is_short ? "" : "SHA-256 ", text,
                 bundle_is_signed(slot) ? "verified" : "not signed",
                 key->is_last_resort ? ", last resort" : "");
    free(text);
}

static void show_bundle(const struct bundle *bundle)
{
    uint32_t device_id = bundle->device->device_id;
    bool has_keys = false;

    for (int i = 0; i < PREKEY_SLOTS; i++) {
        if (bundle->keys[i].is_there) {
            show_key(device_id, (enum prekey_slot)i, &bundle->keys[i]);
            has_keys = true;
        }
    }
    if (!has_keys) {
        (void)printf("device %3" PRIu32 "  has no keys\n", device_id);
    }
}

static void show_plain(const struct claim *claim)
{
    for (size_t i = 0; i < claim->count; i++) {
        show_bundle(&claim->bundles[i]);
    }
    if (claim->count == 0) {
        (void)puts("that account has no other device");
    }
}

/* ---- the claim ---- */

static enum exit_code refuse(enum bundle_result result)
{
    say_error("do NOT use the keys that the relay gave: %s", bundle_result_text(result));
    return EXIT_CODE_UNVERIFIED;
}

/* Whether the relay answered for the device that was asked for, and no device twice. */
static bool is_wanted(const struct claim *claim, const struct bundle *bundle)
{
    uint32_t device_id = bundle->device->device_id;

    for (size_t i = 0; i < claim->count; i++) {
        if (claim->bundles[i].device == bundle->device) {
            return false;
        }
    }
    return claim->only == 0 || claim->only == device_id;
}

static enum exit_code bundles_read(struct claim *claim, const json_t *answer)
{
    const json_t *devices = json_object_get(answer, "devices");
    size_t count = json_array_size(devices);

    if (!json_is_array(devices) || count > LIMIT_MANIFEST_DEVICES) {
        return refuse(BUNDLE_MALFORMED);
    }
    claim->bundles = mem_zeroed(count + 1, sizeof claim->bundles[0]);
    for (size_t i = 0; i < count; i++) {
        struct bundle *bundle = &claim->bundles[claim->count];
        enum bundle_result result =
            bundle_read(json_array_get(devices, i), claim->chain.head, bundle);
        if (result != BUNDLE_OK) {
            return refuse(result);
        }
        if (!is_wanted(claim, bundle)) {
            return refuse(BUNDLE_MALFORMED);
        }
        claim->count++;
    }
    return EXIT_CODE_OK;
}

static json_t *request_of(const struct claim *claim)
{
    json_t *request =
        json_pack("{s:o, s:o, s:I}", "account_id",
                  json_base64url(bytes_of(claim->account.raw, sizeof claim->account.raw)), "slots",
                  bundle_slots(), "since", (json_int_t)claim->chain.head->epoch);

    if (claim->only != 0) {
        (void)json_object_set_new(request, "devices", json_pack("[i]", (int)claim->only));
    }
    return request;
}

/* With the verified chain: ask, and judge the answer. */
static enum exit_code claim_ask(struct claim *claim)
{
    json_t *answer = NULL;

    if (claim->only != 0 && manifest_find(claim->chain.head, claim->only) == NULL) {
        say_error("that account has no device %" PRIu32 "; \"sealpost device manifest show "
                  "ACCOUNT\" lists them",
                  claim->only);
        return EXIT_CODE_USAGE;
    }
    const struct http_call call = { .method = "POST",
                                    .path = "/v1/keys/claim",
                                    .body = request_of(claim) };
    enum exit_code code = device_ask(claim->device, &call, &answer);
    if (code == EXIT_CODE_OK) {
        code = people_extend(claim->device, &claim->chain, answer);
    }
    if (code == EXIT_CODE_OK) {
        code = bundles_read(claim, answer);
    }
    json_decref(answer);
    return code;
}

static enum exit_code claim_run(const struct arguments *arguments, struct claim *claim)
{
    enum exit_code code = people_fetch(claim->device, &claim->account, &claim->chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = claim_ask(claim);
    if (code == EXIT_CODE_OK && arguments_has(arguments, OPTION_JSON)) {
        show_json(claim);
    } else if (code == EXIT_CODE_OK) {
        show_plain(claim);
    }
    free(claim->bundles);
    chain_clear(&claim->chain);
    return code;
}

enum exit_code device_claim_run(const struct arguments *arguments)
{
    struct device device;
    struct claim claim = { .device = &device };
    int64_t only = 0;

    if (!people_parse_id(arguments->words[0], &claim.account) ||
        !arguments_number(arguments, OPTION_DEVICE, 1, LIMIT_DEVICE_ID, &only)) {
        return EXIT_CODE_USAGE;
    }
    claim.only = (uint32_t)only;
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = claim_run(arguments, &claim);
        device_close(&device);
    }
    return code;
}
