/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests in the making: a body and the signatures that it has so far, in the form of
 * a whole manifest.  Drafts travel between devices as files until every signature that
 * the rules want is there.  Pure; functions append the new draft to out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"

struct device_state;
struct manifest;

enum draft_result {
    DRAFT_OK = 0,
    DRAFT_ENTRY_BAD,      /* the entry of the new device is damaged */
    DRAFT_DEVICE_UNKNOWN, /* no device has that number */
    DRAFT_DEVICE_TAKEN,   /* the number is in use, or the key is in the list already */
    DRAFT_FULL,           /* the list has 32 devices */
    DRAFT_BAD,            /* it is no manifest */
};

struct draft_entry {
    struct bytes bytes; /* as device_state_entry makes it */
    uint32_t device_id; /* 0: the lowest free number */
    bool is_admin;
};

/*
 * Draft the first manifest of a new account with this device as device 1, ADMIN, signed by
 * it and, when recovery_seed is not NULL, by the recovery key made from that.
 */
void draft_first(const struct device_state *state, const uint8_t *recovery_seed, int64_t now_s,
                 struct buf *out);

/* Draft head's successor with one device more, or less.  Not signed yet. */
enum draft_result draft_add(const struct manifest *head, const struct draft_entry *entry,
                            int64_t now_s, struct buf *out);
enum draft_result draft_remove(const struct manifest *head, uint32_t device_id, int64_t now_s,
                               struct buf *out);

/* The same with another recovery key, or a first one. */
void draft_recovery_key(const struct manifest *head, const uint8_t recovery_pub[32], int64_t now_s,
                        struct buf *out);

/*
 * Draft head's successor in which this device stands alone, ADMIN, under a number that no device
 * of head has; signed by it and, with the flag RECOVERY, by the recovery key made from seed.
 */
void draft_recover(const struct device_state *state, const struct manifest *head,
                   const uint8_t recovery_seed[32], int64_t now_s, struct buf *out);

/* Add, or make anew, the signature of signer with seed. */
enum draft_result draft_sign(struct bytes draft, uint32_t signer, const uint8_t seed[32],
                             struct buf *out);

/* One sentence for a result that is no success.  Static. */
const char *draft_result_text(enum draft_result result);
