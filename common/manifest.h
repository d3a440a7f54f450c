/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPM1 manifests: the signed, hash-chained list of an account's devices.  Parse,
 * build and the validity rules 1 to 7; the daemon and the reference device share
 * them.  Pure; any thread.  Format and rules: server/api/manifest.md.
 *
 *   off size
 *   0   4   "SPM1"            24  32  account_id
 *   4   1   flags             56  32  prev_hash (zero at epoch 0)
 *   5   1   n_devices 1..32   88  32  recovery_pub (zero: none)
 *   6   2   reserved 0       120  ..  devices, then (not hashed) the signatures
 *   8   8   epoch             16   8  created, multiple of 3600
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"

enum {
    MANIFEST_FLAG_RECOVERY = 1,
    MANIFEST_DEVICE_ADMIN = 1,
    MANIFEST_DEVICE_DEHYDRATED = 2,
    MANIFEST_KEY_SIGNAL = 1,
    MANIFEST_KEY_MLS = 2,
    MANIFEST_KEY_HPKE = 3,
    MANIFEST_KEY_PRIVATE = 0x8000,
    MANIFEST_KEY_SEALED_BOX = 0x8001, /* the reference device's X25519 key */
    MANIFEST_SIGNER_RECOVERY = 0,
    MANIFEST_SIGNERS = LIMIT_DEVICE_ID + 2, /* every device number and both recovery keys */
};
#define MANIFEST_SIGNER_NEW_RECOVERY UINT32_C(0xFFFFFFFF)

struct manifest_key {
    uint16_t type;
    struct bytes key; /* borrowed from the parsed bytes */
};

struct manifest_device {
    uint32_t device_id; /* 1..127 */
    uint8_t flags;      /* MANIFEST_DEVICE_... */
    uint8_t key_count;
    uint64_t added_epoch;
    struct device_pub pub;
    struct manifest_key keys[LIMIT_DEVICE_KEYS];
};

struct manifest_signature {
    uint32_t signer;
    const uint8_t *signature; /* 64 bytes, borrowed */
};

/* A parsed manifest; its views borrow the bytes it was parsed from. */
struct manifest {
    uint8_t flags;
    uint8_t device_count;
    uint8_t signature_count;
    bool has_recovery;
    uint64_t epoch;
    uint64_t created; /* Unix seconds */
    struct account_id account;
    struct manifest_hash prev;
    uint8_t recovery_pub[32];
    struct manifest_device devices[LIMIT_MANIFEST_DEVICES];
    struct manifest_signature signatures[MANIFEST_SIGNERS];
    struct bytes body;         /* what is hashed and signed */
    struct bytes signed_bytes; /* body and signatures */
};

/* Outcome of a check: 0 is valid, else the number of the rule that is broken (1..7). */
enum manifest_verdict {
    MANIFEST_VALID = 0,
    MANIFEST_RULE_1_FORM,
    MANIFEST_RULE_2_FIRST,
    MANIFEST_RULE_3_CHAIN,
    MANIFEST_RULE_4_AUTHORITY,
    MANIFEST_RULE_5_SIGNATURES,
    MANIFEST_RULE_6_KEYS,
    MANIFEST_RULE_7_RECOVERY,
};

/* Parse strictly (rule 1).  Fills *out only when MANIFEST_VALID.  input is borrowed by *out. */
enum manifest_verdict manifest_parse(struct bytes input, struct manifest *out);

/*
 * Parse what manifest_parse took before it was stored under the hash of its body.  The hash is
 * checked instead of the points, which cost a hundred times as much; false: it is damaged.
 */
bool manifest_parse_stored(struct bytes input, struct bytes hash, struct manifest *out);

/*
 * Check a parsed manifest as the first of its account: rule 2, and what rule 5
 * says of one manifest alone (keys are unique, no signer that is not in it).
 */
enum manifest_verdict manifest_check_first(const struct manifest *first);

/* Check next as the successor of old (rules 3 to 7, the lowest broken rule is named). */
enum manifest_verdict manifest_check_next(const struct manifest *old, const struct manifest *next);

/* One sentence a client author can act on, for the verdict.  Static. */
const char *manifest_verdict_text(enum manifest_verdict verdict);

/*
 * SHA-256("sealpost/manifest-hash/1\0" || body), and the account id of a first
 * body.  The body is at least the 120 bytes before the devices.
 */
void manifest_hash_of(struct bytes body, struct manifest_hash *out);
void manifest_account_of(struct bytes first_body, struct account_id *out);

/* Find a device by id or by key; NULL when it is not there.  Borrowed from manifest. */
const struct manifest_device *manifest_find(const struct manifest *manifest, uint32_t device_id);
const struct manifest_device *manifest_find_pub(const struct manifest *manifest,
                                                const struct device_pub *pub);

/* Find a device's key of a type; size 0 when it has none.  Borrowed from what was parsed. */
struct bytes manifest_find_key(const struct manifest_device *device, uint16_t type);

/* Say whether a signature of signer stands in the block; whether it verifies is for the rules. */
bool manifest_signed_by(const struct manifest *manifest, uint32_t signer);

/*
 * Write the body of manifest (all but body, signed_bytes and signatures are
 * read) and append it to out.  The form is the caller's to get right: what comes
 * out passes manifest_parse only after signatures are appended.  For epoch 0 with
 * a zero account the account id is computed and put in.
 */
void manifest_build_body(const struct manifest *manifest, struct buf *out);

/* Sign body with seed: Ed25519 over "sealpost/manifest-sig/1\0" || body. */
void manifest_sign(const uint8_t seed[32], struct bytes body, uint8_t out[64]);

/* Append the signature block: count pairs in ascending order of signer. */
void manifest_append_signatures(struct buf *out, const struct manifest_signature *signatures,
                                size_t count);
