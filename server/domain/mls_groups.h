/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordering of MLS commits (RFC 9420 section 12.4, RFC 9750 section 5.2), for
 * groups that want it: of all commits of one epoch of a group exactly one is
 * taken, and with it, in the same transaction, its copies and its Welcome's are
 * stored.  A group is opted in by its first commit here, of whatever epoch; a
 * group whose messages are sent as ordinary envelopes leaves no trace.
 *
 * The relay knows no members and verifies no commit.  Of a group it keeps
 *
 *   group_hash  HMAC-SHA256(keys.index, "sealpost/mls-group/1\0" || group_id)
 *   commit_hash HMAC-SHA256(keys.index, "sealpost/mls-commit/1\0" || SHA-256(MLSMessage))
 *   members     first 16 bytes of
 *               HMAC-SHA256(keys.index, "sealpost/mls-member/1\0" || group_hash || device_pub),
 *               of the device that sent the last commit and of all to which it went
 *
 * and the epoch.  A member may reset it: when the commit that was taken turns out
 * to be none, the group must go on.
 *
 *   mls_groups.c  commits       mls_reset.c  resets, and what time forgets
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/domain.h"

#define MLS_EPOCH_MAX INT64_C(9007199254740991) /* what JSON carries exactly */

/* What a commit and its Welcome are, and where they go; all of it is copied. */
struct mls_commit {
    struct envelope_id id;
    int64_t ttl_s;
    bool urgent;
    struct bytes message; /* an MLSMessage: a PublicMessage or PrivateMessage with a commit */
    const struct device_pub *recipients;
    size_t recipient_count;
    struct bytes welcome; /* an MLSMessage with a Welcome; empty: none */
    const struct device_pub *welcome_recipients;
    size_t welcome_recipient_count;
    struct account_id sender_account;
    struct device_pub sender;
};

enum mls_result {
    MLS_SENT = 0,     /* the envelopes' own outcome is `sent`, good or bad */
    MLS_CONFLICT,     /* the group is at `epoch` */
    MLS_INVALID,      /* `member` is no such message: `why` */
    MLS_UNKNOWN,      /* reset: no such group, or the device is no member of it */
    MLS_REPLAYED,     /* reset: the command's seq is not above last_seq */
    MLS_RATE_LIMITED, /* the device began too many groups: wait `retry_s` */
    MLS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    MLS_STORAGE_FULL, /* the disk is full */
};

struct mls_outcome {
    enum mls_result result;
    int64_t epoch; /* of the group now: MLS_SENT when that is a success, and MLS_CONFLICT */
    const struct envelope_outcome *sent;
    const char *member;
    const char *why;
    int64_t last_seq;
    int retry_s;
};

/* outcome is borrowed until return. */
typedef void mls_done_fn(void *arg, const struct mls_outcome *outcome);

/*
 * Take a commit if the group is at its epoch, and tell done, exactly once: before
 * this returns when a message is none.  The commit that led to the group's epoch
 * is answered again as stored: all its recipients are duplicates.
 */
void mls_groups_commit(struct domain *domain, const struct mls_commit *order, int64_t now_ms,
                       mls_done_fn *done, void *arg);

struct mls_reset {
    struct bytes group_id;
    int64_t epoch;
    const uint8_t *commit; /* SHA-256 of the commit to undo; NULL: whatever was last */
    struct device_pub device_pub;
    const struct command_guard *guard;
};

/*
 * Put the group back, or on, to an epoch by a command of a member: the next commit
 * is one of that epoch.  done comes later, once; MLS_SENT with sent NULL is done.
 */
void mls_groups_reset(struct domain *domain, const struct mls_reset *order, int64_t now_ms,
                      mls_done_fn *done, void *arg);

/* Forget groups without a commit for settings.mls_group_days. */
void mls_groups_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);

enum {
    MLS_MEMBER_BYTES = 16
};

struct mls_hash {
    uint8_t raw[CRYPTO_SHA256_BYTES];
};

/* The keyed hashes; digest is the SHA-256 of a commit. */
void mls_groups_hash(const struct domain *domain, struct bytes group_id, struct mls_hash *out);
void mls_groups_commit_hash(const struct domain *domain, const uint8_t digest[CRYPTO_SHA256_BYTES],
                            struct mls_hash *out);
void mls_groups_member(const struct domain *domain, const struct mls_hash *group,
                       const struct device_pub *pub, uint8_t out[MLS_MEMBER_BYTES]);
