/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: the kinds of public keys that the directory keeps, and what holds for
 * each.  One line of a table and one validator a slot (slots.c, slots_check.c);
 * an operator may switch on slots of his own, of which only shape and size are
 * checked.  All is fixed once they are created, so any thread may look and check.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/key_slots.h"

struct slots;

enum slot_id_form {
    SLOT_ID_NUMBER = 0, /* u32; four bytes, big-endian, where it is bytes */
    SLOT_ID_REFERENCE   /* 1 to 64 bytes */
};

/* What can be wrong with a key, in the order in which it is looked for. */
enum slot_fault {
    SLOT_FINE = 0,
    SLOT_TOO_MANY,           /* more keys than a call may bring to the slot */
    SLOT_DUPLICATE_ID,       /* the id is there twice in one call */
    SLOT_ID,                 /* the id has not the form of the slot */
    SLOT_LAST_RESORT,        /* last_resort says what the slot cannot be */
    SLOT_LENGTH,             /* the key has not the slot's length */
    SLOT_TYPE,               /* its first byte is not the slot's type */
    SLOT_SIGNATURE_MISSING,  /* the slot's keys are signed, this one is not */
    SLOT_SIGNATURE_UNWANTED, /* the slot's keys are not signed, or sign themselves */
    SLOT_SIGNATURE_LENGTH,   /* not 64 bytes */
    SLOT_IDENTITY_MISSING,  /* the device's entry in the manifest has no key that could verify it */
    SLOT_SIGNATURE_INVALID, /* it does not verify under the device's identity key */
    SLOT_KEYPACKAGE_INVALID, /* no KeyPackage; detail says why */
    SLOT_IDENTITY_FOREIGN,   /* its signature key is not the one in the manifest */
    SLOT_REFERENCE_DIFFERS,  /* the id is not the reference of the KeyPackage */
    SLOT_NOT_YET_VALID,      /* its lifetime has not begun */
    SLOT_EXPIRED,            /* its lifetime is over */
    SLOT_FAULT_COUNT
};

/* A key as its owner gives it; views are borrowed. */
struct slot_object {
    struct bytes id; /* as the column: four bytes, or the reference */
    struct bytes key;
    struct bytes signature; /* size 0: none */
    bool says_last_resort;  /* last_resort was given, and is: */
    bool last_resort;
};

/* The owner's keys in the manifest; size 0: it has none. */
struct slot_identity {
    struct bytes signal; /* 33 bytes, 0x05 first */
    struct bytes mls;    /* 32 bytes */
};

/* What a good key is. */
struct slot_facts {
    enum key_slots_use use;
    bool is_unverified;
    int64_t expires_at; /* Unix seconds; 0: never */
    const char *detail; /* SLOT_KEYPACKAGE_INVALID: a sentence on it; static */
};

struct slot;
typedef enum slot_fault slot_check_fn(const struct slot *slot, const struct slot_object *object,
                                      const struct slot_identity *identity, int64_t now_s,
                                      struct slot_facts *out);

struct slot {
    const char *name;
    const char *stand_in; /* the slot whose last resort is served when this one is empty, or NULL */
    enum key_slots_use use;
    enum slot_id_form id_form;
    uint16_t identity;      /* the manifest's key type to which the keys belong; 0: none */
    uint8_t type;           /* the first byte of a key; 0: any */
    bool takes_last_resort; /* beside those for single use */
    size_t key_min, key_max;
    slot_check_fn *check;
};

enum {
    SLOTS_BUILT_IN = 5,
    SLOTS_MAX = SLOTS_BUILT_IN + KEY_SLOTS_OPAQUE_MAX,
    SLOTS_REFERENCE_MAX_BYTES = 64
};

/* Create the slots; opaque is the operator's list, of good parts, or "". */
struct slots *slots_create(const char *opaque);

/* Free them.  Takes NULL. */
void slots_destroy(struct slots *slots);

/* The slot of that name, or NULL; all of them, ascending by name. */
const struct slot *slots_find(const struct slots *slots, struct bytes name);
size_t slots_count(const struct slots *slots);
const struct slot *slots_at(const struct slots *slots, size_t index);

/* The slot whose last resort stands in for slot: itself, another, or NULL. */
const struct slot *slots_stand_in(const struct slots *slots, const struct slot *slot);

/* Keys that a call may bring to the slot. */
size_t slots_call_max(const struct slot *slot);

/* Check one key alone, which costs some verifications.  A fault fills only detail of *out. */
enum slot_fault slots_check(const struct slot *slot, const struct slot_object *object,
                            const struct slot_identity *identity, int64_t now_s,
                            struct slot_facts *out);

/* A word for the fault, part of the API, and a sentence on it.  Static. */
const char *slots_fault_word(enum slot_fault fault);
const char *slots_fault_text(enum slot_fault fault);

/* The validators. */
slot_check_fn slots_check_plain;      /* length and type, no signature */
slot_check_fn slots_check_signed;     /* and XEdDSA by the Signal identity key over the key */
slot_check_fn slots_check_keypackage; /* a bare KeyPackage */
slot_check_fn slots_check_opaque;     /* length; a signature is kept as it is */
