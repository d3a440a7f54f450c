/* SPDX-License-Identifier: Apache-2.0 */
/* prekeys.json: from text and back. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/ctl/folder.h"
#include "server/ctl/prekeys.h"
#include "server/ctl/say.h"

static const char file_name[] = "prekeys.json";

static json_t *key_json(enum prekey_slot slot, const struct prekey *key)
{
    json_t *object = json_pack("{s:I}", "id", (json_int_t)key->id);

    if (prekeys_slot_is_made(slot)) {
        (void)json_object_set_new(object, "key",
                                  json_base64url(bytes_of(key->key, sizeof key->key)));
        (void)json_object_set_new(object, "secret",
                                  json_base64url(bytes_of(key->secret, sizeof key->secret)));
    } else {
        (void)json_object_set_new(object, "hash",
                                  json_base64url(bytes_of(key->hash, sizeof key->hash)));
    }
    if (key->is_pending) {
        (void)json_object_set_new(object, "pending", json_true());
    }
    return object;
}

static json_t *pool_json(enum prekey_slot slot, const struct prekey_pool *pool)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < pool->count; i++) {
        (void)json_array_append_new(keys, key_json(slot, &pool->at[i]));
    }
    return keys;
}

bool prekeys_save(const struct prekeys *prekeys, const char *folder)
{
    json_t *slots = json_object();
    struct buf text = { 0 };

    for (int i = 0; i < PREKEY_SLOTS; i++) {
        (void)json_object_set_new(slots, prekeys_slot_name((enum prekey_slot)i),
                                  pool_json((enum prekey_slot)i, &prekeys->pools[i]));
    }
    json_append_steal(
        &text, json_pack("{s:o, s:I, s:I, s:o}", "device_pub",
                         json_base64url(bytes_of(prekeys->device.raw, sizeof prekeys->device.raw)),
                         "registration_id", (json_int_t)prekeys->registration_id, "next_id",
                         (json_int_t)prekeys->next_id, "slots", slots));
    buf_append_text(&text, "\n");
    bool is_saved = folder_write(folder, file_name, buf_view(&text));
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    return is_saved;
}

static bool key_parse(enum prekey_slot slot, json_t *object, struct prekey *out)
{
    struct json_reader reader;
    struct bytes key = bytes_of(out->key, sizeof out->key);
    int64_t id = 0;

    (void)json_reader_begin_value(&reader, object);
    json_need_int(&reader, "id", 0, UINT32_MAX, &id);
    (void)json_may_bool(&reader, "pending", &out->is_pending);
    out->id = (uint32_t)id;
    if (prekeys_slot_is_made(slot)) {
        json_need_exact(&reader, "key", out->key, sizeof out->key);
        json_need_exact(&reader, "secret", out->secret, sizeof out->secret);
        crypto_sha256(&key, 1, out->hash);
    } else {
        json_need_exact(&reader, "hash", out->hash, sizeof out->hash);
    }
    return json_reader_end(&reader);
}

static bool pool_parse(enum prekey_slot slot, const json_t *keys, struct prekey_pool *pool)
{
    size_t count = json_array_size(keys);

    pool->room = count;
    pool->at = count == 0 ? NULL : mem_zeroed(count, sizeof pool->at[0]);
    for (size_t i = 0; i < count; i++) {
        if (!key_parse(slot, json_array_get(keys, i), &pool->at[i])) {
            return false;
        }
    }
    pool->count = count;
    return true;
}

static bool slots_parse(json_t *object, struct prekeys *prekeys)
{
    struct json_reader reader;
    bool is_good = true;

    (void)json_reader_begin_value(&reader, object);
    for (int i = 0; is_good && i < PREKEY_SLOTS; i++) {
        json_t *keys = NULL;
        json_need_array(&reader, prekeys_slot_name((enum prekey_slot)i), &keys);
        is_good = pool_parse((enum prekey_slot)i, keys, &prekeys->pools[i]);
    }
    return json_reader_end(&reader) && is_good;
}

static bool prekeys_parse(struct bytes text, struct prekeys *prekeys)
{
    struct json_reader reader;
    int64_t registration_id = 0;
    int64_t next_id = 0;
    json_t *slots = NULL;

    if (!json_reader_begin(&reader, text)) {
        return false;
    }
    json_need_exact(&reader, "device_pub", prekeys->device.raw, sizeof prekeys->device.raw);
    json_need_int(&reader, "registration_id", 1, PREKEYS_REGISTRATIONS, &registration_id);
    json_need_int(&reader, "next_id", 1, PREKEYS_ID_MAX, &next_id);
    json_need_object(&reader, "slots", &slots);
    prekeys->registration_id = (uint32_t)registration_id;
    prekeys->next_id = (uint32_t)next_id;
    bool is_good = slots == NULL || slots_parse(slots, prekeys);
    return json_reader_end(&reader) && is_good;
}

bool prekeys_load(struct prekeys *prekeys, const char *folder, const struct device_pub *device)
{
    struct buf text = { 0 };

    prekeys_init(prekeys, device);
    if (!folder_has(folder, file_name)) {
        return true;
    }
    bool is_read = folder_read(folder, file_name, &text);
    bool is_good = is_read && prekeys_parse(buf_view(&text), prekeys);
    mem_wipe(text.at, text.size);
    buf_clear(&text);
    bool is_own = is_good && memcmp(prekeys->device.raw, device->raw, sizeof device->raw) == 0;
    if (!is_own) {
        if (is_read) {
            say_error("%s/%s is %s; take it from a backup. Without it what is written to "
                      "this device with its old keys cannot be read: move it away, and publish "
                      "with --replace",
                      folder, file_name, is_good ? "another device's" : "damaged");
        }
        prekeys_clear(prekeys);
    }
    return is_own;
}
