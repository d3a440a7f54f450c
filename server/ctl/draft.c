/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/draft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/limits.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/ctl/device_state.h"

static_assert((int)DEVICE_STATE_KEYS_MAX <= (int)LIMIT_DEVICE_KEYS, "they fit into an entry");

enum {
    CREATED_STEP_S = 3600
};

static uint64_t created_of(int64_t now_s)
{
    return (uint64_t)(now_s - now_s % CREATED_STEP_S);
}

/* Append body and signatures, ascending. */
static void draft_write(struct bytes body, const struct manifest_signature *signatures,
                        size_t count, struct buf *out)
{
    buf_append(out, body);
    manifest_append_signatures(out, signatures, count);
}

void draft_first(const struct device_state *state, const uint8_t *recovery_seed, int64_t now_s,
                 struct buf *out)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);
    struct manifest_device *device = &manifest->devices[0];
    uint8_t made[2][CRYPTO_SIGNATURE_BYTES]; /* by the recovery key, by the device */
    struct manifest_signature signatures[2];
    struct buf body = { 0 };
    size_t count = 0;

    manifest->created = created_of(now_s);
    manifest->device_count = 1;
    device->device_id = 1;
    device->flags = MANIFEST_DEVICE_ADMIN;
    device->pub = state->pub;
    device->key_count = (uint8_t)device_state_keys(state, device->keys);
    if (recovery_seed != NULL) {
        manifest->has_recovery = true;
        crypto_public_of(recovery_seed, manifest->recovery_pub);
    }
    manifest_build_body(manifest, &body);
    if (recovery_seed != NULL) {
        manifest_sign(recovery_seed, buf_view(&body), made[0]);
        signatures[count++] = (struct manifest_signature){ MANIFEST_SIGNER_RECOVERY, made[0] };
    }
    manifest_sign(state->seed, buf_view(&body), made[1]);
    signatures[count++] = (struct manifest_signature){ 1, made[1] };
    draft_write(buf_view(&body), signatures, count, out);
    buf_clear(&body);
    free(manifest);
}

/* A copy of head as its own successor, to be changed, built and freed. */
static struct manifest *successor_of(const struct manifest *head, int64_t now_s)
{
    struct manifest *next = mem_zeroed(1, sizeof *next);

    *next = *head;
    next->flags = 0;
    next->epoch = head->epoch + 1;
    next->created = created_of(now_s);
    manifest_hash_of(head->body, &next->prev);
    return next;
}

static void successor_write(struct manifest *next, struct buf *out)
{
    struct buf body = { 0 };

    manifest_build_body(next, &body);
    draft_write(buf_view(&body), NULL, 0, out);
    buf_clear(&body);
    free(next);
}

void draft_recovery_key(const struct manifest *head, const uint8_t recovery_pub[32], int64_t now_s,
                        struct buf *out)
{
    struct manifest *next = successor_of(head, now_s);

    next->has_recovery = true;
    memcpy(next->recovery_pub, recovery_pub, sizeof next->recovery_pub);
    successor_write(next, out);
}

static uint32_t lowest_free(const struct manifest *head)
{
    uint32_t device_id = 1;

    while (manifest_find(head, device_id) != NULL) {
        device_id++;
    }
    return device_id;
}

void draft_recover(const struct device_state *state, const struct manifest *head,
                   const uint8_t recovery_seed[32], int64_t now_s, struct buf *out)
{
    struct manifest *next = successor_of(head, now_s);
    struct manifest_device *device = &next->devices[0];
    uint8_t made[2][CRYPTO_SIGNATURE_BYTES]; /* by the recovery key, by the device */
    struct manifest_signature signatures[2];
    struct buf body = { 0 };

    next->flags = MANIFEST_FLAG_RECOVERY;
    next->device_count = 1;
    *device = (struct manifest_device){ .device_id = lowest_free(head),
                                        .flags = MANIFEST_DEVICE_ADMIN,
                                        .added_epoch = next->epoch,
                                        .pub = state->pub };
    device->key_count = (uint8_t)device_state_keys(state, device->keys);
    manifest_build_body(next, &body);
    manifest_sign(recovery_seed, buf_view(&body), made[0]);
    manifest_sign(state->seed, buf_view(&body), made[1]);
    signatures[0] = (struct manifest_signature){ MANIFEST_SIGNER_RECOVERY, made[0] };
    signatures[1] = (struct manifest_signature){ device->device_id, made[1] };
    draft_write(buf_view(&body), signatures, 2, out);
    buf_clear(&body);
    free(next);
}

/* Put device in its place by ascending number; there is room. */
static void device_insert(struct manifest *manifest, const struct manifest_device *device)
{
    size_t at = manifest->device_count;

    while (at > 0 && manifest->devices[at - 1].device_id > device->device_id) {
        manifest->devices[at] = manifest->devices[at - 1];
        at--;
    }
    manifest->devices[at] = *device;
    manifest->device_count++;
}

enum draft_result draft_add(const struct manifest *head, const struct draft_entry *entry,
                            int64_t now_s, struct buf *out)
{
    struct manifest_device device;

    if (!link_entry_parse(entry->bytes, &device)) {
        return DRAFT_ENTRY_BAD;
    }
    if (head->device_count == LIMIT_MANIFEST_DEVICES) {
        return DRAFT_FULL;
    }
    device.flags = entry->is_admin ? MANIFEST_DEVICE_ADMIN : 0;
    device.device_id = entry->device_id == 0 ? lowest_free(head) : entry->device_id;
    if (manifest_find(head, device.device_id) != NULL ||
        manifest_find_pub(head, &device.pub) != NULL) {
        return DRAFT_DEVICE_TAKEN;
    }
    struct manifest *next = successor_of(head, now_s);
    device.added_epoch = next->epoch;
    device_insert(next, &device);
    successor_write(next, out);
    return DRAFT_OK;
}

enum draft_result draft_remove(const struct manifest *head, uint32_t device_id, int64_t now_s,
                               struct buf *out)
{
    const struct manifest_device *device = manifest_find(head, device_id);

    if (device == NULL) {
        return DRAFT_DEVICE_UNKNOWN;
    }
    struct manifest *next = successor_of(head, now_s);
    size_t at = (size_t)(device - head->devices);
    size_t behind = (size_t)next->device_count - at - 1;
    memmove(&next->devices[at], &next->devices[at + 1], behind * sizeof next->devices[0]);
    next->device_count--;
    successor_write(next, out);
    return DRAFT_OK;
}

/* Put signature in its place by ascending signer, or over the one of the same signer. */
static size_t signature_put(struct manifest_signature *signatures, size_t count,
                            struct manifest_signature signature)
{
    size_t at = 0;

    while (at < count && signatures[at].signer < signature.signer) {
        at++;
    }
    if (at == count || signatures[at].signer != signature.signer) {
        memmove(&signatures[at + 1], &signatures[at], (count - at) * sizeof signatures[0]);
        count++;
    }
    signatures[at] = signature;
    return count;
}

enum draft_result draft_sign(struct bytes draft, uint32_t signer, const uint8_t seed[32],
                             struct buf *out)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);
    struct manifest_signature signatures[MANIFEST_SIGNERS + 1];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    if (manifest_parse(draft, manifest) != MANIFEST_VALID) {
        free(manifest);
        return DRAFT_BAD;
    }
    size_t count = manifest->signature_count;
    memcpy(signatures, manifest->signatures, count * sizeof signatures[0]);
    manifest_sign(seed, manifest->body, signature);
    count = signature_put(signatures, count, (struct manifest_signature){ signer, signature });
    draft_write(manifest->body, signatures, count, out);
    free(manifest);
    return DRAFT_OK;
}

const char *draft_result_text(enum draft_result result)
{
    switch (result) {
    case DRAFT_OK:
        return "the draft is made";
    case DRAFT_ENTRY_BAD:
        return "the file holds no device entry; make it with \"sealpost device entry\"";
    case DRAFT_DEVICE_UNKNOWN:
        return "your account has no device with that number; see \"sealpost device manifest show\"";
    case DRAFT_DEVICE_TAKEN:
        return "that number or that device is in the list already";
    case DRAFT_FULL:
        return "the list has 32 devices, the most there may be; remove one first";
    case DRAFT_BAD:
        return "the file holds no manifest";
    }
    return "";
}
