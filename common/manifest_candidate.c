/* SPDX-License-Identifier: Apache-2.0 */
#include "common/manifest_candidate.h"

#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/manifest_private.h"

static bool is_unchanged(const struct manifest_device *before, const struct manifest_device *now)
{
    bool same = before->flags == now->flags && before->key_count == now->key_count;

    for (size_t i = 0; same && i < now->key_count; i++) {
        same = before->keys[i].type == now->keys[i].type &&
               bytes_equal(before->keys[i].key, now->keys[i].key);
    }
    return same;
}

uint32_t manifest_candidate_newcomer(const struct manifest *old, const struct manifest *next)
{
    uint32_t newcomer = 0;

    if (next->device_count != old->device_count + 1 || next->flags != 0 ||
        memcmp(old->recovery_pub, next->recovery_pub, sizeof old->recovery_pub) != 0) {
        return 0;
    }
    for (size_t i = 0; i < next->device_count; i++) {
        const struct manifest_device *now = &next->devices[i];
        const struct manifest_device *before = manifest_find(old, now->device_id);

        if (before != NULL ? !is_unchanged(before, now) : newcomer != 0) {
            return 0;
        }
        newcomer = before == NULL ? now->device_id : newcomer;
    }
    return newcomer;
}

enum manifest_verdict manifest_candidate_check(const struct manifest *old,
                                               const struct manifest *next, uint32_t newcomer)
{
    return manifest_check_awaiting(old, next, newcomer);
}

bool manifest_candidate_is_by(const struct manifest *next, uint32_t signer)
{
    const struct manifest_device *device = manifest_find(next, signer);
    struct buf message = { 0 };
    bool is_by = false;

    if (device == NULL || (device->flags & MANIFEST_DEVICE_ADMIN) == 0) {
        return false;
    }
    manifest_signed_message(next->body, &message);
    for (size_t i = 0; i < next->signature_count; i++) {
        is_by = is_by || (next->signatures[i].signer == signer &&
                          crypto_strict_verify(device->pub.raw, buf_view(&message),
                                               next->signatures[i].signature));
    }
    buf_clear(&message);
    return is_by;
}

void manifest_candidate_complete(const struct manifest *next,
                                 const struct manifest_signature *signature, struct buf *out)
{
    struct manifest_signature all[MANIFEST_SIGNERS];
    size_t count = next->signature_count;
    size_t at = 0;

    CHECK(count < MANIFEST_SIGNERS && !manifest_signed_by(next, signature->signer));
    while (at < count && next->signatures[at].signer < signature->signer) {
        at++;
    }
    memcpy(all, next->signatures, at * sizeof *all);
    all[at] = *signature;
    memcpy(all + at + 1, next->signatures + at, (count - at) * sizeof *all);
    buf_append(out, next->body);
    manifest_append_signatures(out, all, count + 1);
}
