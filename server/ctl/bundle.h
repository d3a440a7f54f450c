/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public keys of one device, as a claim brings them, judged by the account's verified
 * list: the relay could have put in keys of its own.  Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "server/ctl/prekeys.h"

struct manifest;

enum bundle_result {
    BUNDLE_OK = 0,
    BUNDLE_MALFORMED,   /* not as server/api/openapi.yaml has it */
    BUNDLE_FOREIGN,     /* no device of the list has that number and that key */
    BUNDLE_NO_IDENTITY, /* there are signed keys, and the list has no key to verify them with */
    BUNDLE_FORGED,      /* a signature is not by the identity key in the list */
};

struct bundle_key {
    bool is_there;
    bool is_last_resort; /* others were or will be given the same key */
    uint32_t id;
    size_t size; /* of key */
    uint8_t key[PREKEY_KYBER_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES]; /* of slots that are signed */
};

struct bundle {
    const struct manifest_device *device; /* borrowed from the list */
    struct bytes identity;                /* its key of type 1; size 0: it has none.  Borrowed */
    bool has_registration;
    uint32_t registration_id;
    struct bundle_key keys[PREKEY_SLOTS]; /* by the slot that was asked for */
};

/* The slots that are asked for, as a list of their names.  The caller decrefs. */
json_t *bundle_slots(void);

/* Judge one of "devices" of a claim's answer by head.  Fills *out only for BUNDLE_OK. */
enum bundle_result bundle_read(const json_t *object, const struct manifest *head,
                               struct bundle *out);

/* Say whether keys of slot are signed by the identity key. */
bool bundle_is_signed(enum prekey_slot slot);

/* One sentence for a result that is no success.  Static. */
const char *bundle_result_text(enum bundle_result result);
