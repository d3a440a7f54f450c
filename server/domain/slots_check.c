/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validators.  Length, type and id were looked at before.  What a KeyPackage
 * says of its life is capped at what the relay keeps; clients often write that it
 * never ends.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/key_slots.h"
#include "common/keypackage.h"
#include "common/limits.h"
#include "common/mlssuite.h"
#include "server/domain/slots.h"

enum {
    CLOCK_SLACK_S = 3600 /* a device's clock may be ahead by this */
};

enum slot_fault slots_check_plain(const struct slot *slot, const struct slot_object *object,
                                  const struct slot_identity *identity, int64_t now_s,
                                  struct slot_facts *out)
{
    (void)slot;
    (void)identity;
    (void)now_s;
    (void)out;
    return object->signature.size > 0 ? SLOT_SIGNATURE_UNWANTED : SLOT_FINE;
}

enum slot_fault slots_check_signed(const struct slot *slot, const struct slot_object *object,
                                   const struct slot_identity *identity, int64_t now_s,
                                   struct slot_facts *out)
{
    (void)slot;
    (void)now_s;
    (void)out;
    if (object->signature.size == 0) {
        return SLOT_SIGNATURE_MISSING;
    }
    if (object->signature.size != CRYPTO_SIGNATURE_BYTES) {
        return SLOT_SIGNATURE_LENGTH;
    }
    if (identity->signal.size != CRYPTO_PUBLIC_BYTES + 1) {
        return SLOT_IDENTITY_MISSING;
    }
    return crypto_xeddsa_verify(identity->signal.at + 1, object->key, object->signature.at)
               ? SLOT_FINE
               : SLOT_SIGNATURE_INVALID;
}

static bool is_reference(struct bytes id, const struct mls_reference *reference)
{
    return bytes_equal(id, bytes_of(reference->raw, reference->size));
}

/* When the relay lets go of it. */
static int64_t end_of_life(const struct keypackage *package, int64_t now_s)
{
    int64_t cap = now_s + LIMIT_KEYPACKAGE_DAYS * INT64_C(86400);

    return package->is_verified && package->not_after < (uint64_t)cap ? (int64_t)package->not_after
                                                                      : cap;
}

static enum slot_fault check_verified(const struct keypackage *package,
                                      const struct slot_identity *identity, int64_t now_s)
{
    if (identity->mls.size != sizeof package->signature_key) {
        return SLOT_IDENTITY_MISSING;
    }
    if (memcmp(package->signature_key, identity->mls.at, identity->mls.size) != 0) {
        return SLOT_IDENTITY_FOREIGN;
    }
    if (package->not_before > (uint64_t)now_s + CLOCK_SLACK_S) {
        return SLOT_NOT_YET_VALID;
    }
    return package->not_after <= (uint64_t)now_s ? SLOT_EXPIRED : SLOT_FINE;
}

enum slot_fault slots_check_keypackage(const struct slot *slot, const struct slot_object *object,
                                       const struct slot_identity *identity, int64_t now_s,
                                       struct slot_facts *out)
{
    enum keypackage_verdict verdict = KEYPACKAGE_VALID;
    struct keypackage package;
    enum slot_fault fault = SLOT_FINE;

    (void)slot;
    if (object->signature.size > 0) {
        return SLOT_SIGNATURE_UNWANTED;
    }
    verdict = keypackage_read(object->key, &package);
    if (verdict != KEYPACKAGE_VALID) {
        out->detail = keypackage_verdict_text(verdict);
        return SLOT_KEYPACKAGE_INVALID;
    }
    if (package.is_verified) {
        fault = check_verified(&package, identity, now_s);
    }
    if (fault == SLOT_FINE && package.is_verified &&
        !is_reference(object->id, &package.reference)) {
        fault = SLOT_REFERENCE_DIFFERS;
    }
    out->use = package.is_last_resort ? KEY_SLOTS_LAST : out->use;
    out->is_unverified = !package.is_verified;
    out->expires_at = end_of_life(&package, now_s);
    return fault;
}

enum slot_fault slots_check_opaque(const struct slot *slot, const struct slot_object *object,
                                   const struct slot_identity *identity, int64_t now_s,
                                   struct slot_facts *out)
{
    (void)slot;
    (void)identity;
    (void)now_s;
    out->is_unverified = true;
    return object->signature.size == 0 || object->signature.size == CRYPTO_SIGNATURE_BYTES
               ? SLOT_FINE
               : SLOT_SIGNATURE_LENGTH;
}
