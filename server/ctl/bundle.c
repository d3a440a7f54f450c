/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/bundle.h"

#include <string.h>

#include "common/base64url.h"
#include "common/crypto_xeddsa.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/manifest.h"

/* signal.last-kyber is not asked for: its key comes in the place of a one-time one. */
static const struct {
    enum prekey_slot slot;
    size_t size;
    uint8_t type; /* the first byte */
    bool is_signed;
} rows[] = {
    { PREKEY_SIGNED_EC, PREKEY_EC_BYTES, 0x05, true },
    { PREKEY_ONE_TIME_EC, PREKEY_EC_BYTES, 0x05, false },
    { PREKEY_ONE_TIME_KYBER, PREKEY_KYBER_BYTES, 0x08, true },
};

enum {
    ROWS = sizeof rows / sizeof rows[0]
};

json_t *bundle_slots(void)
{
    json_t *names = json_array();

    for (size_t i = 0; i < ROWS; i++) {
        (void)json_array_append_new(names, json_string(prekeys_slot_name(rows[i].slot)));
    }
    return names;
}

bool bundle_is_signed(enum prekey_slot slot)
{
    return slot != PREKEY_ONE_TIME_EC;
}

/* Members that are not known are left alone: the relay may be newer than we are. */
static bool number_read(const json_t *object, const char *member, json_int_t max, uint32_t *out)
{
    const json_t *value = json_object_get(object, member);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > max) {
        return false;
    }
    *out = (uint32_t)json_integer_value(value);
    return true;
}

static bool exact_read(const json_t *object, const char *member, void *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text != NULL && base64url_decode_exact(bytes_text(text), out, size);
}

static bool key_read(const json_t *object, size_t row, struct bundle_key *out)
{
    out->is_there = true;
    out->is_last_resort = json_is_true(json_object_get(object, "last_resort"));
    out->size = rows[row].size;
    return number_read(object, "id", UINT32_MAX, &out->id) &&
           exact_read(object, "key", out->key, out->size) && out->key[0] == rows[row].type &&
           (!rows[row].is_signed ||
            exact_read(object, "signature", out->signature, sizeof out->signature));
}

static bool keys_read(const json_t *keys, struct bundle *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        const json_t *key = json_object_get(keys, prekeys_slot_name(rows[i].slot));
        if (key != NULL && !key_read(key, i, &out->keys[rows[i].slot])) {
            return false;
        }
    }
    return json_is_object(keys);
}

/* Say whether every signed key is signed by the identity. */
static enum bundle_result signatures_judge(const struct bundle *bundle)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct bundle_key *key = &bundle->keys[rows[i].slot];

        if (!rows[i].is_signed || !key->is_there) {
            continue;
        }
        if (bundle->identity.size == 0) {
            return BUNDLE_NO_IDENTITY;
        }
        if (!crypto_xeddsa_verify(bundle->identity.at + 1, bytes_of(key->key, key->size),
                                  key->signature)) {
            return BUNDLE_FORGED;
        }
    }
    return BUNDLE_OK;
}

enum bundle_result bundle_read(const json_t *object, const struct manifest *head,
                               struct bundle *out)
{
    struct bundle bundle = { .has_registration = false };
    struct device_pub pub;
    uint32_t device_id = 0;

    if (!number_read(object, "device_id", LIMIT_DEVICE_ID, &device_id) ||
        !exact_read(object, "device_pub", pub.raw, sizeof pub.raw) ||
        !keys_read(json_object_get(object, "keys"), &bundle)) {
        return BUNDLE_MALFORMED;
    }
    bundle.has_registration =
        number_read(object, "registration_id", UINT32_MAX, &bundle.registration_id);
    bundle.device = manifest_find(head, device_id);
    if (bundle.device == NULL || memcmp(bundle.device->pub.raw, pub.raw, sizeof pub.raw) != 0) {
        return BUNDLE_FOREIGN;
    }
    bundle.identity = manifest_find_key(bundle.device, MANIFEST_KEY_SIGNAL);
    enum bundle_result result = signatures_judge(&bundle);
    if (result == BUNDLE_OK) {
        *out = bundle;
    }
    return result;
}

const char *bundle_result_text(enum bundle_result result)
{
    switch (result) {
    case BUNDLE_OK:
        return "the keys are verified";
    case BUNDLE_MALFORMED:
        return "the keys are malformed";
    case BUNDLE_FOREIGN:
        return "they are of a device that is not in the account's verified list";
    case BUNDLE_NO_IDENTITY:
        return "the account's verified list has no Signal identity key to verify them with";
    case BUNDLE_FORGED:
        return "they are not signed by the Signal identity key in the account's verified list";
    }
    return "";
}
