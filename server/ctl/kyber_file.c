/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/kyber_file.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/json.h"
#include "common/limits.h"
#include "server/ctl/device_state.h"
#include "server/ctl/folder.h"
#include "server/ctl/prekeys.h"
#include "server/ctl/say.h"

enum {
    FILE_MAX_BYTES = 1048576,
    KYBER_TYPE = 0x08
};

/* One key of the file. */
struct kyber_key {
    uint32_t id;
    uint8_t key[PREKEY_KYBER_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
};

/* What is being read, for what is said of it. */
struct kyber_place {
    const char *file;
    const char *slot;
    size_t index;
};

static bool refuse(const struct kyber_place *place, const char *why)
{
    say_error("%s: %s, key %zu: %s", place->file, place->slot, place->index + 1, why);
    return false;
}

static bool is_signed(const struct kyber_key *key, const struct device_state *state)
{
    return crypto_xeddsa_verify(state->identity + 1, bytes_of(key->key, sizeof key->key),
                                key->signature);
}

static bool key_read(const struct kyber_place *place, json_t *object,
                     const struct device_state *state, struct kyber_key *out)
{
    struct json_reader reader;
    int64_t id = 0;

    (void)json_reader_begin_value(&reader, object);
    json_need_int(&reader, "id", 0, UINT32_MAX, &id);
    json_need_exact(&reader, "key", out->key, sizeof out->key);
    bool has_signature =
        json_may_exact(&reader, "signature", out->signature, sizeof out->signature);
    if (!json_reader_end(&reader)) {
        return refuse(place, "it wants an id of 32 bits, a key of 1569 bytes and, if it is signed, "
                             "a signature of 64, as base64url, and nothing else");
    }
    out->id = (uint32_t)id;
    if (out->key[0] != KYBER_TYPE) {
        return refuse(place, "the first byte of a Kyber1024 key is 0x08");
    }
    if (!has_signature) {
        crypto_xeddsa_sign(state->identity_seed, bytes_of(out->key, sizeof out->key),
                           out->signature);
    }
    return is_signed(out, state) ||
           refuse(place, "the signature is not by this device's Signal identity key; leave it out, "
                         "and the device signs");
}

static bool has_id(const json_t *uploads, uint32_t id)
{
    for (size_t i = 0; i < json_array_size(uploads); i++) {
        const json_t *upload = json_array_get(uploads, i);
        if (json_integer_value(json_object_get(upload, "id")) == (json_int_t)id) {
            return true;
        }
    }
    return false;
}

static json_t *upload_of(const struct kyber_key *key)
{
    return json_pack("{s:I, s:o, s:o}", "id", (json_int_t)key->id, "key",
                     json_base64url(bytes_of(key->key, sizeof key->key)), "signature",
                     json_base64url(bytes_of(key->signature, sizeof key->signature)));
}

/* Append the uploads of one slot to uploads. */
static bool slot_read(struct kyber_place place, const json_t *keys,
                      const struct device_state *state, json_t *uploads)
{
    struct kyber_key key;

    for (place.index = 0; place.index < json_array_size(keys); place.index++) {
        if (!key_read(&place, json_array_get(keys, place.index), state, &key)) {
            return false;
        }
        if (has_id(uploads, key.id)) {
            return refuse(&place, "its id is there twice");
        }
        (void)json_array_append_new(uploads, upload_of(&key));
    }
    return true;
}

static bool is_few_enough(const char *name, const json_t *one_time, const json_t *last)
{
    if (json_array_size(one_time) > LIMIT_KEYS_PER_CALL || json_array_size(last) > 1) {
        say_error("%s: a call takes at most %d keys for single use and one last resort; use "
                  "several files",
                  name, (int)LIMIT_KEYS_PER_CALL);
        return false;
    }
    return true;
}

bool kyber_file_parse(struct bytes text, const char *name, const struct device_state *state,
                      json_t **out_slots)
{
    static const enum prekey_slot kinds[] = { PREKEY_ONE_TIME_KYBER, PREKEY_LAST_KYBER };
    json_t *lists[] = { NULL, NULL };
    json_t *slots = json_object();
    json_t *object = json_parse(text, LIMIT_JSON_DEPTH);
    struct json_reader reader;

    (void)json_reader_begin_value(&reader, object);
    for (size_t i = 0; i < 2; i++) {
        (void)json_may_array(&reader, prekeys_slot_name(kinds[i]), &lists[i]);
    }
    bool is_good = json_reader_end(&reader);
    if (!is_good) {
        say_error("%s is no JSON object with lists \"%s\" and \"%s\"", name,
                  prekeys_slot_name(kinds[0]), prekeys_slot_name(kinds[1]));
    }
    is_good = is_good && is_few_enough(name, lists[0], lists[1]);
    for (size_t i = 0; is_good && i < 2; i++) {
        const struct kyber_place place = { .file = name, .slot = prekeys_slot_name(kinds[i]) };
        json_t *uploads = json_array();

        is_good = slot_read(place, lists[i], state, uploads);
        if (json_array_size(uploads) > 0) {
            (void)json_object_set(slots, place.slot, uploads);
        }
        json_decref(uploads);
    }
    json_decref(object);
    if (!is_good) {
        json_decref(slots);
        return false;
    }
    *out_slots = slots;
    return true;
}

bool kyber_file_read(const char *path, const struct device_state *state, json_t **out_slots)
{
    struct buf text = { 0 };
    bool is_good = folder_read_path(path, FILE_MAX_BYTES, &text) &&
                   kyber_file_parse(buf_view(&text), path, state, out_slots);

    buf_clear(&text);
    return is_good;
}

/* Note the uploads of one slot. */
static bool slot_note(enum prekey_slot slot, const json_t *uploads, bool moved,
                      struct prekeys *prekeys)
{
    uint8_t key[PREKEY_KYBER_BYTES];

    for (size_t i = 0; i < json_array_size(uploads); i++) {
        const json_t *upload = json_array_get(uploads, i);
        const char *text = json_string_value(json_object_get(upload, "key"));
        uint32_t id = (uint32_t)json_integer_value(json_object_get(upload, "id"));

        if (text == NULL || !base64url_decode_exact(bytes_text(text), key, sizeof key) ||
            !prekeys_note(prekeys, slot, id, bytes_of(key, sizeof key), moved)) {
            say_error("id %" PRIu32 " of %s is that of another key that this device published; "
                      "give the new keys ids of their own",
                      id, prekeys_slot_name(slot));
            return false;
        }
    }
    return true;
}

bool kyber_file_note(const json_t *slots, bool moved, struct prekeys *prekeys)
{
    static const enum prekey_slot kinds[] = { PREKEY_ONE_TIME_KYBER, PREKEY_LAST_KYBER };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const json_t *uploads = json_object_get(slots, prekeys_slot_name(kinds[i]));
        if (!slot_note(kinds[i], uploads, moved, prekeys)) {
            return false;
        }
    }
    return true;
}
