/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys into the directory.  Their secrets are in the device's folder before the
 * relay hears of them.  When the answer is lost, the next publish sends the same again,
 * which the relay takes as a repeat; when the relay refuses, they are forgotten.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/sigbytes.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/folder.h"
#include "server/ctl/http_client.h"
#include "server/ctl/kyber_file.h"
#include "server/ctl/people.h"
#include "server/ctl/pools.h"
#include "server/ctl/prekeys.h"
#include "server/ctl/say.h"

/* One upload in the making. */
struct publishing {
    struct device *device;
    struct prekeys prekeys;
    size_t one_time; /* how many there are to be */
    bool is_replacing;
    json_t *slots; /* uploads by slot */
};

/* Claimants verify keys by the identity in the verified list, so it must be there. */
static enum exit_code check_identity(struct device *device)
{
    const struct device_state *state = &device->state;
    struct bytes identity = bytes_of(state->identity, sizeof state->identity);
    struct chain chain;

    if (!state->has_identity) {
        say_error("the device in %s was made before devices had a Signal identity key, and its "
                  "entry in your account's list has none, so nobody could verify its keys. Make a "
                  "new device in another folder with \"sealpost device init\", add it to your "
                  "account, and publish from there",
                  state->folder);
        return EXIT_CODE_LOCAL;
    }
    enum exit_code code = people_fetch(device, &state->account, &chain);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const struct manifest_device *entry = manifest_find_pub(chain.head, &state->pub);
    bool is_there =
        entry != NULL && bytes_equal(manifest_find_key(entry, MANIFEST_KEY_SIGNAL), identity);
    chain_clear(&chain);
    if (!is_there) {
        say_error("your account's list does not have this device with its Signal identity key; "
                  "have an admin device add the entry that \"sealpost device entry\" prints");
        return EXIT_CODE_LOCAL;
    }
    return EXIT_CODE_OK;
}

/*
 * Each publish leaves a signed key in the file.  Where it has none, the relay's keys would stay the
 * ones to write to, and nobody could read that.
 */
static bool has_secrets(const struct publishing *publishing, const json_t *slots)
{
    const char *folder = publishing->device->state.folder;

    if (publishing->prekeys.pools[PREKEY_SIGNED_EC].count > 0 ||
        (pools_count(slots, prekeys_slot_name(PREKEY_SIGNED_EC)) == 0 &&
         pools_count(slots, prekeys_slot_name(PREKEY_ONE_TIME_EC)) == 0)) {
        return true;
    }
    say_error("the relay holds keys of this device, and their secrets are not in %s: take its "
              "prekeys.json from a backup, or put new keys in their place with --replace",
              folder);
    return false;
}

/* How many keys for single use to make, so that with those that are there it is enough. */
static enum exit_code missing_count(struct publishing *publishing, size_t *out_count)
{
    const struct http_call call = { .method = "GET", .path = "/v1/keys" };
    size_t there = prekeys_pending(&publishing->prekeys, PREKEY_ONE_TIME_EC);
    json_t *stock = NULL;
    enum exit_code code = EXIT_CODE_OK;

    if (!publishing->is_replacing) {
        code = device_ask(publishing->device, &call, &stock);
        const json_t *slots = json_object_get(stock, "slots");
        there += pools_count(slots, prekeys_slot_name(PREKEY_ONE_TIME_EC));
        if (code == EXIT_CODE_OK && !has_secrets(publishing, slots)) {
            code = EXIT_CODE_LOCAL;
        }
        json_decref(stock);
    }
    *out_count = there < publishing->one_time ? publishing->one_time - there : 0;
    return code;
}

static json_t *upload_of(const struct device_state *state, enum prekey_slot slot,
                         const struct prekey *prekey)
{
    struct bytes key = bytes_of(prekey->key, sizeof prekey->key);
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    json_t *upload =
        json_pack("{s:I, s:o}", "id", (json_int_t)prekey->id, "key", json_base64url(key));

    if (slot == PREKEY_SIGNED_EC) {
        crypto_xeddsa_sign(state->identity_seed, key, signature);
        (void)json_object_set_new(upload, "signature",
                                  json_base64url(bytes_of(signature, sizeof signature)));
    }
    return upload;
}

/* Add what is pending of a slot whose keys are made here. */
static void add_made(struct publishing *publishing, enum prekey_slot slot)
{
    const struct prekey_pool *pool = &publishing->prekeys.pools[slot];
    json_t *uploads = json_array();

    for (size_t i = 0; i < pool->count; i++) {
        if (pool->at[i].is_pending) {
            (void)json_array_append_new(uploads,
                                        upload_of(&publishing->device->state, slot, &pool->at[i]));
        }
    }
    if (json_array_size(uploads) > 0) {
        (void)json_object_set(publishing->slots, prekeys_slot_name(slot), uploads);
    }
    json_decref(uploads);
}

/* Make the keys, or take those whose upload had no answer. */
static void make_keys(struct publishing *publishing, size_t one_time)
{
    struct prekeys *prekeys = &publishing->prekeys;
    size_t signed_count = prekeys_pending(prekeys, PREKEY_SIGNED_EC) == 0 ? 1 : 0;

    prekeys_make(prekeys, PREKEY_SIGNED_EC, signed_count);
    prekeys_make(prekeys, PREKEY_ONE_TIME_EC, one_time);
    add_made(publishing, PREKEY_SIGNED_EC);
    add_made(publishing, PREKEY_ONE_TIME_EC);
}

static json_t *payload_of(const struct publishing *publishing)
{
    json_t *replace = json_array();
    json_t *payload =
        json_pack("{s:I, s:O}", "registration_id", (json_int_t)publishing->prekeys.registration_id,
                  "slots", publishing->slots);
    void *at = json_object_iter(publishing->slots);

    while (publishing->is_replacing && at != NULL) {
        (void)json_array_append_new(replace, json_string(json_object_iter_key(at)));
        at = json_object_iter_next(publishing->slots, at);
    }
    if (json_array_size(replace) > 0) {
        (void)json_object_set(payload, "replace", replace);
    }
    json_decref(replace);
    return payload;
}

/* Write down, upload, and write down what became of it; before is what was there until now. */
static enum exit_code keys_put(struct publishing *publishing, const struct prekeys *before,
                               json_t **out_stock)
{
    struct device *device = publishing->device;
    const char *folder = device->state.folder;

    if (!prekeys_save(&publishing->prekeys, folder)) {
        return EXIT_CODE_LOCAL;
    }
    const struct http_call call = { .method = "PUT",
                                    .path = "/v1/keys",
                                    .body = payload_of(publishing) };
    enum exit_code code = device_command_ask(device, COMMAND_KEYS_PUT, &call, out_stock);
    if (code == EXIT_CODE_OK) {
        prekeys_settle(&publishing->prekeys, publishing->is_replacing);
        return prekeys_save(&publishing->prekeys, folder) ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
    }
    if (code == EXIT_CODE_REFUSED) {
        (void)prekeys_save(before, folder);
    } else {
        say_error("the keys are kept; the same command sends them again");
    }
    return code;
}

static enum exit_code publish(struct publishing *publishing, json_t **out_stock)
{
    struct prekeys before;
    size_t missing = 0;
    enum exit_code code = missing_count(publishing, &missing);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    prekeys_copy(&publishing->prekeys, &before);
    make_keys(publishing, missing);
    code = kyber_file_note(publishing->slots, publishing->is_replacing, &publishing->prekeys)
               ? keys_put(publishing, &before, out_stock)
               : EXIT_CODE_USAGE;
    prekeys_clear(&before);
    return code;
}

/* From reading the file to writing it: of two at once, one would lose the other's secrets. */
static enum exit_code publish_alone(struct publishing *publishing, json_t **out_stock)
{
    const struct device_state *state = &publishing->device->state;
    int lock = folder_lock(state->folder, "prekeys.lock");
    enum exit_code code = EXIT_CODE_LOCAL;

    if (lock < 0) {
        return code;
    }
    if (prekeys_load(&publishing->prekeys, state->folder, &state->pub)) {
        code = publish(publishing, out_stock);
        prekeys_clear(&publishing->prekeys);
    }
    folder_unlock(lock);
    return code;
}

static void say_stock(const struct arguments *arguments, json_t *stock)
{
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_incref(stock));
    } else {
        pools_print("", json_object_get(stock, "slots"));
    }
}

/* With the device open: check, publish, say what there is. */
static enum exit_code run(const struct arguments *arguments, struct publishing *publishing)
{
    const struct device_state *state = &publishing->device->state;
    const char *kyber = arguments_text(arguments, OPTION_KYBER, NULL);
    json_t *stock = NULL;
    enum exit_code code = check_identity(publishing->device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (kyber == NULL) {
        publishing->slots = json_object();
    } else if (!kyber_file_read(kyber, state, &publishing->slots)) {
        return EXIT_CODE_USAGE;
    }
    code = publish_alone(publishing, &stock);
    if (code == EXIT_CODE_OK) {
        say_stock(arguments, stock);
    }
    json_decref(stock);
    json_decref(publishing->slots);
    return code;
}

enum exit_code device_publish_run(const struct arguments *arguments)
{
    struct device device;
    struct publishing publishing = { .device = &device,
                                     .is_replacing = arguments_has(arguments, OPTION_REPLACE) };
    int64_t one_time = LIMIT_KEYS_PER_CALL;

    if (!arguments_number(arguments, OPTION_COUNT, 0, LIMIT_KEYS_PER_CALL, &one_time)) {
        return EXIT_CODE_USAGE;
    }
    publishing.one_time = (size_t)one_time;
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = run(arguments, &publishing);
        device_close(&device);
    }
    return code;
}
