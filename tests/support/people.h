/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People with devices: real keys, real manifests, real signatures, for tests of
 * whatever needs an account.  A person holds the head; person_next moves it on.
 *
 *   struct person ada;
 *   person_init(&ada, 2);               device 1 is ADMIN, device 2 is not
 *   register buf_view(&ada.manifest)
 *   person_add(&ada, 3, 0); person_remove(&ada, 2); person_next(&ada);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/sigbytes.h"

struct person_device {
    uint32_t device_id;
    uint8_t flags;
    uint64_t added_epoch;
    uint8_t seed[32];
    struct device_pub pub;
};

struct person {
    struct account_id account_id;
    uint64_t epoch;
    uint64_t created; /* written into manifests */
    bool has_recovery;
    uint8_t recovery_seed[32]; /* of the recovery key */
    struct manifest_hash hash;
    struct person_device devices[LIMIT_MANIFEST_DEVICES];
    size_t device_count;
    struct person_device leaving[LIMIT_MANIFEST_DEVICES]; /* removed by the next manifest */
    size_t leaving_count;
    struct buf manifest; /* the head's signed bytes */
};

/* Make a person of device_count new devices (ids 1, 2, ...) and sign the first manifest. */
void person_init(struct person *person, size_t device_count);
void person_clear(struct person *person);

/* Fill out with a person of its own that goes on from the same head: for forks. */
void person_copy(const struct person *person, struct person *out);

/* Change the devices of the next manifest.  Ids are added in rising order. */
struct person_device *person_add(struct person *person, uint32_t device_id, uint8_t flags);
void person_remove(struct person *person, uint32_t device_id);
struct person_device *person_device(struct person *person, uint32_t device_id);

/* Make a new key for a device of the next manifest, or give it another's. */
void person_key(struct person_device *device);
void person_take_key(struct person_device *device, const struct person_device *other);

/* Sign the first manifest anew, after the devices were changed. */
void person_first(struct person *person);

/* Sign the first manifest anew, with a recovery key; and the next one by that key alone. */
void person_first_with_recovery(struct person *person);
void person_next_by_recovery(struct person *person);

/* Sign the next manifest, by all devices that stay, come or leave; it is the head from now on. */
void person_next(struct person *person);

/* The same, signed by the devices that come and by device signer alone. */
void person_next_by(struct person *person, uint32_t signer);

/* What a device signs to begin a session, and for a command. */
void person_sign_auth(const struct person *person, const struct person_device *device,
                      const char *base_url, const uint8_t challenge[CHALLENGE_BYTES],
                      uint8_t out[64]);
void person_sign_command(const struct person_device *device, const struct sigbytes_command *command,
                         uint8_t out[64]);
