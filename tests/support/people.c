/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/people.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/random.h"

enum {
    CREATED = 1767225600, /* a full hour */
    SIGNERS_MAX = 2 * LIMIT_MANIFEST_DEVICES + 1
};

/* Who signs, where it is not the number of a device. */
#define BY_ALL UINT32_C(0)
#define BY_RECOVERY UINT32_MAX

void person_key(struct person_device *device)
{
    random_fill(device->seed, sizeof device->seed);
    crypto_public_of(device->seed, device->pub.raw);
}

void person_take_key(struct person_device *device, const struct person_device *other)
{
    memcpy(device->seed, other->seed, sizeof device->seed);
    device->pub = other->pub;
}

struct person_device *person_add(struct person *person, uint32_t device_id, uint8_t flags)
{
    CHECK(person->device_count < LIMIT_MANIFEST_DEVICES);
    struct person_device *device = &person->devices[person->device_count];

    memset(device, 0, sizeof *device);
    device->device_id = device_id;
    device->flags = flags;
    device->added_epoch = person->epoch + 1;
    person_key(device);
    person->device_count++;
    return device;
}

void person_remove(struct person *person, uint32_t device_id)
{
    struct person_device *device = person_device(person, device_id);
    size_t at = (size_t)(device - person->devices);

    person->leaving[person->leaving_count] = *device;
    person->leaving_count++;
    person->device_count--;
    memmove(device, device + 1, (person->device_count - at) * sizeof *device);
}

struct person_device *person_device(struct person *person, uint32_t device_id)
{
    for (size_t i = 0; i < person->device_count; i++) {
        if (person->devices[i].device_id == device_id) {
            return &person->devices[i];
        }
    }
    CHECK_UNREACHABLE();
}

struct signers {
    struct manifest_signature at[SIGNERS_MAX];
    uint8_t bytes[SIGNERS_MAX][CRYPTO_SIGNATURE_BYTES];
    size_t count;
};

/* Put the signature in at its place in ascending order. */
static void sign_with(struct signers *signers, uint32_t signer, const uint8_t seed[32],
                      struct bytes body)
{
    size_t place = signers->count;

    manifest_sign(seed, body, signers->bytes[signers->count]);
    while (place > 0 && signers->at[place - 1].signer > signer) {
        signers->at[place] = signers->at[place - 1];
        place--;
    }
    signers->at[place] = (struct manifest_signature){ .signer = signer,
                                                      .signature = signers->bytes[signers->count] };
    signers->count++;
}

static void sign_by(struct signers *signers, const struct person_device *device, struct bytes body)
{
    sign_with(signers, device->device_id, device->seed, body);
}

/* Say whether a device signs when signer does alone. */
static bool is_signer(const struct person *person, const struct person_device *device,
                      uint32_t signer)
{
    return signer == BY_ALL || device->device_id == signer || device->added_epoch == person->epoch;
}

/* Write the manifest of the present devices, with prev as the hash before it. */
static void person_write(struct person *person, const struct manifest_hash *prev, uint32_t signer)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);
    struct signers *signers = mem_zeroed(1, sizeof *signers);

    manifest->epoch = person->epoch;
    manifest->created = person->created;
    manifest->account = person->account_id;
    manifest->prev = *prev;
    manifest->device_count = (uint8_t)person->device_count;
    manifest->has_recovery = person->has_recovery;
    if (person->has_recovery) {
        crypto_public_of(person->recovery_seed, manifest->recovery_pub);
    }
    for (size_t i = 0; i < person->device_count; i++) {
        manifest->devices[i].device_id = person->devices[i].device_id;
        manifest->devices[i].flags = person->devices[i].flags;
        manifest->devices[i].added_epoch = person->devices[i].added_epoch;
        manifest->devices[i].pub = person->devices[i].pub;
    }
    buf_empty(&person->manifest);
    manifest_build_body(manifest, &person->manifest);
    manifest_hash_of(buf_view(&person->manifest), &person->hash);
    if (person->has_recovery && (person->epoch == 0 || signer == BY_RECOVERY)) {
        sign_with(signers, MANIFEST_SIGNER_RECOVERY, person->recovery_seed,
                  buf_view(&person->manifest));
    }
    for (size_t i = 0; i < person->device_count; i++) {
        if (is_signer(person, &person->devices[i], signer)) {
            sign_by(signers, &person->devices[i], buf_view(&person->manifest));
        }
    }
    for (size_t i = 0; i < person->leaving_count; i++) {
        if (is_signer(person, &person->leaving[i], signer)) {
            sign_by(signers, &person->leaving[i], buf_view(&person->manifest));
        }
    }
    manifest_append_signatures(&person->manifest, signers->at, signers->count);
    person->leaving_count = 0;
    free(signers);
    free(manifest);
}

void person_first(struct person *person)
{
    const struct manifest_hash none = { { 0 } };

    person->epoch = 0;
    memset(&person->account_id, 0, sizeof person->account_id);
    for (size_t i = 0; i < person->device_count; i++) {
        person->devices[i].added_epoch = 0;
    }
    person_write(person, &none, BY_ALL);
    memcpy(person->account_id.raw, person->manifest.at + 24, sizeof person->account_id.raw);
}

void person_init(struct person *person, size_t device_count)
{
    memset(person, 0, sizeof *person);
    person->created = CREATED;
    for (size_t i = 0; i < device_count; i++) {
        (void)person_add(person, (uint32_t)i + 1, i == 0 ? MANIFEST_DEVICE_ADMIN : 0);
    }
    person_first(person);
}

void person_clear(struct person *person)
{
    buf_clear(&person->manifest);
}

void person_copy(const struct person *person, struct person *out)
{
    *out = *person;
    memset(&out->manifest, 0, sizeof out->manifest);
    buf_append(&out->manifest, buf_view(&person->manifest));
}

void person_first_with_recovery(struct person *person)
{
    person->has_recovery = true;
    random_fill(person->recovery_seed, sizeof person->recovery_seed);
    person_first(person);
}

void person_next_by_recovery(struct person *person)
{
    person_next_by(person, BY_RECOVERY);
}

void person_next(struct person *person)
{
    person_next_by(person, BY_ALL);
}

void person_next_by(struct person *person, uint32_t signer)
{
    struct manifest_hash prev = person->hash;

    person->epoch++;
    person_write(person, &prev, signer);
}

void person_sign_auth(const struct person *person, const struct person_device *device,
                      const char *base_url, const uint8_t challenge[CHALLENGE_BYTES],
                      uint8_t out[64])
{
    struct buf message = { 0 };

    sigbytes_auth(&message, bytes_text(base_url), &person->account_id, device->device_id,
                  challenge);
    crypto_make_signature(device->seed, buf_view(&message), out);
    buf_clear(&message);
}

void person_sign_command(const struct person_device *device, const struct sigbytes_command *command,
                         uint8_t out[64])
{
    struct buf message = { 0 };

    sigbytes_command(&message, command);
    crypto_make_signature(device->seed, buf_view(&message), out);
    buf_clear(&message);
}
