/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claiming: taking the keys with which a message to somebody's devices begins.
 * One transaction for all devices: a key for single use is deleted by the
 * statement that hands it out, so it is handed out once; when there is none, the
 * last resort is, marked.  A claim that fails has taken nothing, or, where the
 * store cannot say, may have lost keys that nobody will ever be given.
 *
 * A claimant may drain a device slowly (limits.h); beyond that it is given last
 * resorts, so that it can still write.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "server/domain/slots.h"

struct domain;

enum keys_claim_result {
    KEYS_CLAIM_DONE = 0,
    KEYS_CLAIM_UNKNOWN,      /* no such account */
    KEYS_CLAIM_UNAVAILABLE,  /* the store did not do it, or cannot say */
    KEYS_CLAIM_STORAGE_FULL, /* the disk is full */
};

/* What is wanted; copied. */
struct keys_claim_order {
    struct account_id claimant;
    struct device_pub claimant_pub; /* its own keys are left out unless named */
    struct account_id account_id;
    int64_t since;       /* the claimant knows the chain up to here; -1: nothing */
    size_t device_count; /* 0: every live device */
    uint32_t devices[LIMIT_MANIFEST_DEVICES];
    size_t slot_count;
    const struct slot *slots[SLOTS_MAX];
};

struct keys_claimed_key {
    const struct slot *slot; /* that was asked for */
    struct bytes id;
    struct bytes key;
    struct bytes signature; /* size 0: none */
    bool is_last_resort;
    bool is_unverified;
};

struct keys_claimed_device {
    uint32_t device_id;
    struct device_pub device_pub;
    bool has_registration;
    uint32_t registration_id;
    size_t key_count;
    struct keys_claimed_key keys[SLOTS_MAX];
};

/* All of it is borrowed until return.  Devices that are not in the head are left out. */
struct keys_claim_outcome {
    enum keys_claim_result result;
    uint64_t epoch; /* of the head */
    struct manifest_hash hash;
    size_t manifest_count; /* of the chain behind since */
    struct bytes manifests[LIMIT_MANIFESTS_PAGE];
    bool more;
    size_t device_count;
    const struct keys_claimed_device *devices; /* ascending by device_id */
};

typedef void keys_claimed_fn(void *arg, const struct keys_claim_outcome *outcome);

/* Claim and tell done, later, exactly once. */
void keys_claim(struct domain *domain, const struct keys_claim_order *order, int64_t now_ms,
                keys_claimed_fn *done, void *arg);
