/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key directory: every secret of the daemon, apart from the database that
 * they protect.  One file a key, <purpose>-<id>.key, mode 0400, in a directory
 * of mode 0700, both owned by the daemon's user:
 *
 *   sealpost-key 1 <purpose> <id> <32 bytes as base64url> LF
 *
 * The key with the highest id is current; older ones stay readable, so that a
 * key can be changed while what it made is still about.  Files of purposes that
 * this version does not know are left alone.  Beside the keys lies the copy of
 * the heartbeat, by which a restored database is noticed.
 * Any thread; one owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEYRING_KEY_BYTES = 32,
    KEYRING_NO_HEARTBEAT = -1
};

enum keyring_purpose {
    KEYRING_CHALLENGE = 0, /* signs stateless challenges */
    KEYRING_INDEX,         /* keyed hashes of devices and accounts that left */
    KEYRING_TAG,           /* fingerprints of bodies, keys of hash tables */
    KEYRING_SEAL,          /* master keys of sealed columns, see common/seal.h */
    KEYRING_OPAQUE,        /* servers of passwords, see common/opaque.h; each record has its own */
    KEYRING_PURPOSES,      /* how many there are */
};

struct keyring;

/*
 * Read every key of the directory dir.  With create, a directory or a key that
 * is not there is made, durably, before this returns; without, it is an error.
 * NULL with a sentence in out_error (what is wrong, at which path, what to run)
 * also when a mode, an owner or a file's text is not as above.
 */
struct keyring *keyring_open(const char *dir, bool create, char *out_error, size_t error_size);

/* Wipe the keys and free it.  Takes NULL. */
void keyring_destroy(struct keyring *keyring);

/* Copy out the newest key of purpose and its id.  There always is one. */
void keyring_current(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t *out_id,
                     uint8_t out_key[KEYRING_KEY_BYTES]);

/* Copy out the key of purpose whose id is id; false when there is none. */
bool keyring_find(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t id,
                  uint8_t out_key[KEYRING_KEY_BYTES]);

/* Copy out the key of purpose with the lowest id above after, and its id; false when none is. */
bool keyring_next(const struct keyring *keyring, enum keyring_purpose purpose, uint32_t after,
                  uint32_t *out_id, uint8_t out_key[KEYRING_KEY_BYTES]);

/*
 * Read the copy of the heartbeat in dir: KEYRING_NO_HEARTBEAT when there is no file.
 * False with a sentence in out_error when it cannot be read or is damaged.
 */
bool keyring_read_heartbeat(const char *dir, int64_t *out_value, char *out_error,
                            size_t error_size);

/*
 * Replace the copy of the heartbeat in dir by value (0 or above) in one step
 * that a crash leaves done or not done; durable when this returns true.
 */
bool keyring_write_heartbeat(const char *dir, int64_t value, char *out_error, size_t error_size);
