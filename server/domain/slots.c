/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/slots.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"

enum {
    EC_BYTES = 33,      /* 0x05 and a Curve25519 point */
    KYBER_BYTES = 1569, /* 0x08 and a Kyber1024 key */
    EC_TYPE = 0x05,
    KYBER_TYPE = 0x08
};

#define NUMBER SLOT_ID_NUMBER
#define REFERENCE SLOT_ID_REFERENCE
#define SIGNAL MANIFEST_KEY_SIGNAL
#define MLS MANIFEST_KEY_MLS
#define SINGLE KEY_SLOTS_SINGLE
#define LAST KEY_SLOTS_LAST
#define STATIC KEY_SLOTS_STATIC
#define OBJECT LIMIT_KEY_OBJECT_BYTES

/* Ascending by name. */
static const struct slot built_in[SLOTS_BUILT_IN] = {
    /* clang-format off */
    { "mls.keypackage",         "mls.keypackage",    SINGLE, REFERENCE, MLS,    0,          true,  1,           OBJECT,      slots_check_keypackage },
    { "signal.last-kyber",      "signal.last-kyber", LAST,   NUMBER,    SIGNAL, KYBER_TYPE, false, KYBER_BYTES, KYBER_BYTES, slots_check_signed },
    { "signal.one-time-ec",     NULL,                SINGLE, NUMBER,    SIGNAL, EC_TYPE,    false, EC_BYTES,    EC_BYTES,    slots_check_plain },
    { "signal.one-time-kyber",  "signal.last-kyber", SINGLE, NUMBER,    SIGNAL, KYBER_TYPE, false, KYBER_BYTES, KYBER_BYTES, slots_check_signed },
    { "signal.signed-ec",       NULL,                STATIC, NUMBER,    SIGNAL, EC_TYPE,    false, EC_BYTES,    EC_BYTES,    slots_check_signed },
    /* clang-format on */
};

struct slots {
    size_t count;
    struct slot at[SLOTS_MAX];
    struct key_slots_part parts[KEY_SLOTS_OPAQUE_MAX]; /* where names of opaque slots live */
    size_t part_count;
};

static int compare(const void *a, const void *b)
{
    const struct slot *left = a;
    const struct slot *right = b;

    return strcmp(left->name, right->name);
}

static void add_opaque(struct slots *slots, const char *text)
{
    struct key_slots_part *part = &slots->parts[slots->part_count];
    struct slot slot = {
        .id_form = NUMBER, .key_min = 1, .key_max = OBJECT, .check = slots_check_opaque
    };

    CHECK(slots->part_count < KEY_SLOTS_OPAQUE_MAX && key_slots_read(text, part) == NULL);
    if (slots_find(slots, bytes_text(part->name)) != NULL) {
        return; /* it was named twice */
    }
    slots->part_count++;
    slot.name = part->name;
    slot.use = part->use;
    slot.takes_last_resort = part->use == SINGLE;
    slot.stand_in = part->use == STATIC ? NULL : part->name;
    slots->at[slots->count] = slot;
    slots->count++;
}

struct slots *slots_create(const char *opaque)
{
    struct slots *slots = mem_zeroed(1, sizeof *slots);
    char *copy = mem_text(opaque);
    char *rest = copy;

    memcpy(slots->at, built_in, sizeof built_in);
    slots->count = SLOTS_BUILT_IN;
    while (rest != NULL) {
        char *part = strsep(&rest, ", ");
        if (part[0] != '\0') {
            add_opaque(slots, part);
        }
    }
    free(copy);
    qsort(slots->at, slots->count, sizeof slots->at[0], compare);
    return slots;
}

void slots_destroy(struct slots *slots)
{
    free(slots);
}

const struct slot *slots_find(const struct slots *slots, struct bytes name)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (bytes_equal(name, bytes_text(slots->at[i].name))) {
            return &slots->at[i];
        }
    }
    return NULL;
}

size_t slots_count(const struct slots *slots)
{
    return slots->count;
}

const struct slot *slots_at(const struct slots *slots, size_t index)
{
    return &slots->at[index];
}

const struct slot *slots_stand_in(const struct slots *slots, const struct slot *slot)
{
    return slot->stand_in == NULL ? NULL : slots_find(slots, bytes_text(slot->stand_in));
}

size_t slots_call_max(const struct slot *slot)
{
    return slot->use == SINGLE ? LIMIT_KEYS_PER_CALL : 1;
}

static const struct fault {
    const char *word;
    const char *text;
} faults[SLOT_FAULT_COUNT] = {
    [SLOT_FINE] = { "", "" },
    [SLOT_TOO_MANY] = { "too_many", "A call brings at most 100 keys to a slot, and one last resort"
                                    " or static key." },
    [SLOT_DUPLICATE_ID] = { "duplicate_id", "The id is there twice in this call." },
    [SLOT_ID] = { "id", "The id is a number of 32 bits, or for mls.keypackage the KeyPackageRef." },
    [SLOT_LAST_RESORT] = { "last_resort", "last_resort contradicts the slot." },
    [SLOT_LENGTH] = { "length", "The key has not the length of the slot's keys." },
    [SLOT_TYPE] = { "type", "The key's first byte is not the slot's type: 0x05 for Curve25519, 0x08"
                            " for Kyber1024." },
    [SLOT_SIGNATURE_MISSING] = { "signature_missing", "Keys of this slot are signed by the device's"
                                                      " Signal identity key." },
    [SLOT_SIGNATURE_UNWANTED] = { "signature_unwanted",
                                  "Keys of this slot carry no signature beside"
                                  " them." },
    [SLOT_SIGNATURE_LENGTH] = { "signature_length", "A signature has 64 bytes." },
    [SLOT_IDENTITY_MISSING] = { "identity_missing", "The manifest gives this device no identity key"
                                                    " for the slot." },
    [SLOT_SIGNATURE_INVALID] = { "signature_invalid", "The signature does not verify under the"
                                                      " identity key in the manifest." },
    [SLOT_KEYPACKAGE_INVALID] = { "keypackage_invalid", "The key is not a valid bare KeyPackage." },
    [SLOT_IDENTITY_FOREIGN] = { "identity_foreign", "The KeyPackage's signature key is not the one"
                                                    " in the manifest." },
    [SLOT_REFERENCE_DIFFERS] = { "reference_differs",
                                 "The id is not the KeyPackageRef of the key." },
    [SLOT_NOT_YET_VALID] = { "not_yet_valid", "The KeyPackage's lifetime has not begun: look at the"
                                              " device's clock." },
    [SLOT_EXPIRED] = { "expired", "The KeyPackage's lifetime is over." },
};

const char *slots_fault_word(enum slot_fault fault)
{
    return faults[fault].word;
}

const char *slots_fault_text(enum slot_fault fault)
{
    return faults[fault].text;
}

static bool id_has_form(const struct slot *slot, struct bytes id)
{
    return slot->id_form == NUMBER ? id.size == sizeof(uint32_t)
                                   : id.size >= 1 && id.size <= SLOTS_REFERENCE_MAX_BYTES;
}

/* Whether the owner's word fits the slot; where both uses are possible it fits. */
static bool word_fits(const struct slot *slot, const struct slot_object *object)
{
    return !object->says_last_resort || slot->takes_last_resort ||
           object->last_resort == (slot->use == LAST);
}

enum slot_fault slots_check(const struct slot *slot, const struct slot_object *object,
                            const struct slot_identity *identity, int64_t now_s,
                            struct slot_facts *out)
{
    struct slot_facts facts = { .use = slot->use };
    enum slot_fault fault = SLOT_FINE;

    if (!id_has_form(slot, object->id)) {
        return SLOT_ID;
    }
    if (!word_fits(slot, object)) {
        return SLOT_LAST_RESORT;
    }
    if (object->key.size < slot->key_min || object->key.size > slot->key_max) {
        return SLOT_LENGTH;
    }
    if (slot->type != 0 && object->key.at[0] != slot->type) {
        return SLOT_TYPE;
    }
    if (object->last_resort && slot->takes_last_resort) {
        facts.use = LAST;
    }
    fault = slot->check(slot, object, identity, now_s, &facts);
    *out = facts;
    return fault;
}
