/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules 2 to 7: which manifest may stand first, and which may follow which.  The
 * checks run in the order of the rules, because the lowest broken one is named;
 * inside a rule the cheap ones come before the signatures.
 *
 * A signer is found by its number, as everywhere "absent" and "present" are
 * meant by device_id; after rule 5 every signature that is there is a good one,
 * so rules 6 and 7 ask only whether a signer signed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "common/manifest_private.h"

/* A manifest under test: old is NULL for the first one. */
struct trial {
    const struct manifest *old;
    const struct manifest *next;
    struct bytes message; /* what each signature of next is over */
    uint32_t awaited;     /* the newcomer that has not signed yet; 0: none */
};

static const struct manifest_signature *signature_by(const struct manifest *manifest,
                                                     uint32_t signer)
{
    for (size_t i = 0; i < manifest->signature_count; i++) {
        if (manifest->signatures[i].signer == signer) {
            return &manifest->signatures[i];
        }
    }
    return NULL;
}

bool manifest_signed_by(const struct manifest *manifest, uint32_t signer)
{
    return signature_by(manifest, signer) != NULL;
}

static bool verifies(const struct trial *trial, uint32_t signer, const uint8_t *pub)
{
    const struct manifest_signature *signature = signature_by(trial->next, signer);

    return signature != NULL && crypto_strict_verify(pub, trial->message, signature->signature);
}

static bool same_recovery(const struct manifest *a, const struct manifest *b)
{
    return memcmp(a->recovery_pub, b->recovery_pub, sizeof a->recovery_pub) == 0;
}

static bool pubs_are_unique(const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->device_count; i++) {
        const struct manifest_device *device = &manifest->devices[i];

        if (manifest_find_pub(manifest, &device->pub) != device) {
            return false;
        }
    }
    return true;
}

/* Rule 2, less the signatures. */
static bool stands_first(const struct manifest *first)
{
    static const struct manifest_hash none;
    struct account_id account;

    if (first->epoch != 0 || first->flags != 0 ||
        memcmp(first->prev.raw, none.raw, sizeof none.raw) != 0) {
        return false;
    }
    for (size_t i = 0; i < first->device_count; i++) {
        if (first->devices[i].added_epoch != 0) {
            return false;
        }
    }
    manifest_account_of(first->body, &account);
    return memcmp(first->account.raw, account.raw, sizeof account.raw) == 0;
}

/* Rule 2: every device and the recovery key sign, and the other recovery signer does not. */
static bool all_sign_first(const struct trial *trial)
{
    const struct manifest *first = trial->next;

    if (manifest_signed_by(first, MANIFEST_SIGNER_NEW_RECOVERY) ||
        manifest_signed_by(first, MANIFEST_SIGNER_RECOVERY) != first->has_recovery) {
        return false;
    }
    if (first->has_recovery && !verifies(trial, MANIFEST_SIGNER_RECOVERY, first->recovery_pub)) {
        return false;
    }
    for (size_t i = 0; i < first->device_count; i++) {
        if (!verifies(trial, first->devices[i].device_id, first->devices[i].pub.raw)) {
            return false;
        }
    }
    return true;
}

/* Rule 5 for the first: no signer that is not in it. */
static bool signers_stand_in_first(const struct manifest *first)
{
    for (size_t i = 0; i < first->signature_count; i++) {
        uint32_t signer = first->signatures[i].signer;

        if (signer != MANIFEST_SIGNER_RECOVERY && manifest_find(first, signer) == NULL) {
            return false;
        }
    }
    return true;
}

enum manifest_verdict manifest_check_first(const struct manifest *first)
{
    struct buf message = { 0 };
    enum manifest_verdict verdict = MANIFEST_VALID;

    manifest_signed_message(first->body, &message);
    const struct trial trial = { .next = first, .message = buf_view(&message) };
    if (!stands_first(first) || !all_sign_first(&trial)) {
        verdict = MANIFEST_RULE_2_FIRST;
    } else if (!pubs_are_unique(first) || !signers_stand_in_first(first)) {
        verdict = MANIFEST_RULE_5_SIGNATURES;
    }
    buf_clear(&message);
    return verdict;
}

/* Rule 3. */
static bool continues_chain(const struct manifest *old, const struct manifest *next)
{
    struct manifest_hash hash;

    manifest_hash_of(old->body, &hash);
    return memcmp(next->account.raw, old->account.raw, sizeof next->account.raw) == 0 &&
           next->epoch != 0 && next->epoch - 1 == old->epoch &&
           memcmp(next->prev.raw, hash.raw, sizeof hash.raw) == 0;
}

/*
 * Rule 4.  Of an ADMIN device only the presence counts here: whether its
 * signature is a good one is a question of rule 5.
 */
static bool has_authority(const struct trial *trial)
{
    const struct manifest *old = trial->old;

    if (old->has_recovery && verifies(trial, MANIFEST_SIGNER_RECOVERY, old->recovery_pub)) {
        return true;
    }
    if ((trial->next->flags & MANIFEST_FLAG_RECOVERY) != 0) {
        return false;
    }
    for (size_t i = 0; i < old->device_count; i++) {
        if ((old->devices[i].flags & MANIFEST_DEVICE_ADMIN) != 0 &&
            manifest_signed_by(trial->next, old->devices[i].device_id)) {
            return true;
        }
    }
    return false;
}

/* Rule 5: the key under which signer's signature must verify; NULL where none may stand. */
static const uint8_t *key_of(const struct trial *trial, uint32_t signer)
{
    const struct manifest *old = trial->old;
    const struct manifest *next = trial->next;

    if (signer == MANIFEST_SIGNER_RECOVERY) {
        return old->has_recovery ? old->recovery_pub : NULL;
    }
    if (signer == MANIFEST_SIGNER_NEW_RECOVERY) {
        return next->has_recovery && !same_recovery(old, next) ? next->recovery_pub : NULL;
    }
    const struct manifest_device *device = manifest_find(old, signer);
    if (device == NULL) {
        device = manifest_find(next, signer);
    }
    return device != NULL ? device->pub.raw : NULL;
}

/* Rule 5: newcomers sign and say when they came; survivors stay who they are. */
static bool is_carried_over(const struct trial *trial, const struct manifest_device *now)
{
    const struct manifest_device *before = manifest_find(trial->old, now->device_id);

    if (before == NULL) {
        return now->added_epoch == trial->next->epoch &&
               (now->device_id == trial->awaited ||
                manifest_signed_by(trial->next, now->device_id));
    }
    return now->added_epoch == before->added_epoch &&
           memcmp(now->pub.raw, before->pub.raw, sizeof now->pub.raw) == 0;
}

static bool devices_are_carried_over(const struct trial *trial)
{
    for (size_t i = 0; i < trial->next->device_count; i++) {
        if (!is_carried_over(trial, &trial->next->devices[i])) {
            return false;
        }
    }
    return true;
}

/* Rule 5: who may sign is asked of all before the first signature is verified. */
static bool signatures_hold(const struct trial *trial)
{
    const struct manifest *next = trial->next;

    for (size_t i = 0; i < next->signature_count; i++) {
        if (key_of(trial, next->signatures[i].signer) == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < next->signature_count; i++) {
        uint32_t signer = next->signatures[i].signer;

        if (!verifies(trial, signer, key_of(trial, signer))) {
            return false;
        }
    }
    return true;
}

static bool same_keys(const struct manifest_device *a, const struct manifest_device *b)
{
    if (a->key_count != b->key_count) {
        return false;
    }
    for (size_t i = 0; i < a->key_count; i++) {
        if (a->keys[i].type != b->keys[i].type || !bytes_equal(a->keys[i].key, b->keys[i].key)) {
            return false;
        }
    }
    return true;
}

/* Rule 6. */
static bool keys_change_by_their_device(const struct manifest *old, const struct manifest *next)
{
    for (size_t i = 0; i < next->device_count; i++) {
        const struct manifest_device *now = &next->devices[i];
        const struct manifest_device *before = manifest_find(old, now->device_id);

        if (before != NULL && !same_keys(before, now) &&
            !manifest_signed_by(next, now->device_id)) {
            return false;
        }
    }
    return true;
}

static bool all_admins_sign(const struct manifest *old, const struct manifest *next)
{
    for (size_t i = 0; i < old->device_count; i++) {
        if ((old->devices[i].flags & MANIFEST_DEVICE_ADMIN) != 0 &&
            !manifest_signed_by(next, old->devices[i].device_id)) {
            return false;
        }
    }
    return true;
}

/* Rule 7. */
static bool recovery_changes_by_right(const struct manifest *old, const struct manifest *next)
{
    bool by_old = manifest_signed_by(next, MANIFEST_SIGNER_RECOVERY);
    bool by_new = manifest_signed_by(next, MANIFEST_SIGNER_NEW_RECOVERY);

    if (same_recovery(old, next)) {
        return true;
    }
    if (!old->has_recovery) {
        return by_new && all_admins_sign(old, next);
    }
    return by_old && (by_new || !next->has_recovery);
}

static enum manifest_verdict verdict_on(const struct trial *trial)
{
    const struct manifest *old = trial->old;
    const struct manifest *next = trial->next;

    if (!continues_chain(old, next)) {
        return MANIFEST_RULE_3_CHAIN;
    }
    if (!has_authority(trial)) {
        return MANIFEST_RULE_4_AUTHORITY;
    }
    if (!pubs_are_unique(next) || !devices_are_carried_over(trial) || !signatures_hold(trial)) {
        return MANIFEST_RULE_5_SIGNATURES;
    }
    if (!keys_change_by_their_device(old, next)) {
        return MANIFEST_RULE_6_KEYS;
    }
    return recovery_changes_by_right(old, next) ? MANIFEST_VALID : MANIFEST_RULE_7_RECOVERY;
}

enum manifest_verdict manifest_check_awaiting(const struct manifest *old,
                                              const struct manifest *next, uint32_t newcomer)
{
    struct buf message = { 0 };

    manifest_signed_message(next->body, &message);
    const struct trial trial = {
        .old = old, .next = next, .message = buf_view(&message), .awaited = newcomer
    };
    enum manifest_verdict verdict = verdict_on(&trial);
    buf_clear(&message);
    return verdict;
}

enum manifest_verdict manifest_check_next(const struct manifest *old, const struct manifest *next)
{
    return manifest_check_awaiting(old, next, 0);
}
