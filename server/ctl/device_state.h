/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reference device keeps: its keys, whose device it is, and the URL that its
 * user gave it.  One file, device.json, in a folder of its own (see folder.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/ids.h"
#include "common/manifest.h"

enum {
    DEVICE_STATE_KEY_BYTES = 32,
    DEVICE_STATE_IDENTITY_BYTES = 33, /* 0x05 and an X25519 key */
    DEVICE_STATE_KEYS_MAX = 2         /* keys that a device brings to a manifest */
};

struct device_state {
    char *folder;
    char *url;  /* as the user gave it: it is signed, and never learned from a relay */
    char *name; /* for people */
    char *ca;   /* file of certificates to trust, or NULL */
    uint8_t seed[DEVICE_STATE_KEY_BYTES]; /* Ed25519 */
    struct device_pub pub;
    uint8_t box_public[DEVICE_STATE_KEY_BYTES]; /* X25519, key type 0x8001 in the manifest */
    uint8_t box_secret[DEVICE_STATE_KEY_BYTES];
    bool has_identity; /* devices that an older program made have none */
    uint8_t identity_seed[DEVICE_STATE_KEY_BYTES]; /* of the Signal identity key */
    uint8_t identity[DEVICE_STATE_IDENTITY_BYTES]; /* its public key, key type 1 */
    bool has_account;
    struct account_id account;
    uint32_t device_id;
    int64_t command_seq; /* the last one used */
};

/* Make fresh keys for a device in folder; nothing is written.  Texts are copied; ca may be NULL. */
void device_state_init(struct device_state *state, const char *folder, const char *url,
                       const char *name, const char *ca);

/* Wipe and free. */
void device_state_clear(struct device_state *state);

/* Write device.json, making the folder; false with the reason said. */
bool device_state_save(const struct device_state *state);

/* Say whether folder holds a device; read it, false with the reason said. */
bool device_state_exists(const char *folder);
bool device_state_load(struct device_state *state, const char *folder);

/* Fill out with the device's keys for a manifest, ascending by type; returns how many.  Borrowed. */
size_t device_state_keys(const struct device_state *state,
                         struct manifest_key out[DEVICE_STATE_KEYS_MAX]);

/*
 * Append the entry that this device contributes to a manifest: device_pub[32], u8 n_keys,
 * and each key as in the manifest.
 */
void device_state_entry(const struct device_state *state, struct buf *out);

/*
 * Judge a base URL as a user may give it: http or https, lower-case host, no query; its
 * trailing slash is left out of *out_size.  False when it is none.
 */
bool device_state_url_check(const char *url, size_t *out_size);
