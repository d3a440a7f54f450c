/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds: what one ADMIN device alone orders against another waits a while before
 * it is done, so that a stolen device cannot throw the others out unseen.  Held
 * are an epoch that takes a device which is ADMIN, or its ADMIN bit, away without
 * that device's signature or the recovery key's, and the erasure of an account
 * that has another ADMIN.
 *
 *   HELD -> done      by the janitor, once held_until has come
 *        -> vetoed    by the recovery key, or a device that no held epoch removes
 *        -> HELD anew when an older database was put back: a veto may have been lost
 *        -> overtaken by a new head: all holds are orders upon the head that stands
 *
 * While anything is held the head does not change but by what is held and by
 * epochs that the recovery key signs: else a device that is to leave would move
 * the head from under its own removal, or add a device to veto it.  Each ADMIN device may hold one order of
 * each kind, so that who is first cannot keep the others from holding theirs;
 * of several the first that is due is done, and ends the others.  A veto and the
 * janitor both delete the row, under the lock of the account's row: one of them
 * finds it.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "server/domain/domain.h"

struct hub_event;
struct manifest;

enum hold_kind {
    HOLD_MANIFEST = 0,
    HOLD_ERASURE
};

enum {
    HOLDS_MAX = 2 * LIMIT_MANIFEST_DEVICES /* that an account can have at once */
};

struct hold {
    enum hold_kind kind;
    struct account_id account_id;
    uint32_t signer; /* number of the ADMIN device that ordered it */
    uint64_t epoch;  /* this and the next two: of a manifest */
    struct manifest_hash hash;
    struct bytes signed_bytes;            /* borrowed */
    uint8_t removes[LIMIT_DEVICE_ID + 1]; /* 1 at the number of each device it removes */
    int64_t made_ms;
    int64_t held_until; /* Unix seconds */
    int64_t generation; /* the relay's when it was made */
};

/* Say whether next, a valid successor of old, takes ADMIN from a device without its signature. */
bool holds_owed(const struct manifest *old, const struct manifest *next);

/* Fill out for such a manifest, which is borrowed; or for an erasure ordered by device signer. */
void holds_of_manifest(const struct domain *domain, const struct manifest *old,
                       const struct manifest *next, int64_t now_ms, struct hold *out);
void holds_of_erasure(const struct domain *domain, const struct account_id *account_id,
                      uint32_t signer, int64_t now_ms, struct hold *out);

enum holds_step {
    HOLDS_BEGUN = 0,
    HOLDS_DROPPED /* vetoed, or it could not be done any more */
};

/* The Unix second until which what is ordered at now_ms is held. */
int64_t holds_until(const struct domain *domain, int64_t now_ms);

/* Fill the event that tells of a hold. */
void holds_event(const struct hold *hold, enum holds_step step, struct hub_event *out);

/* An account's holds, the first to be done first; borrowed until return.  NULL: ok is false. */
typedef void holds_listed_fn(void *arg, bool ok, const struct hold *holds, size_t count);

/*
 * List what an account holds (nothing, where there is no such account), without the manifests, which
 * may be megabytes, or whole.  done comes later, once.
 */
void holds_list(struct domain *domain, const struct account_id *account_id, holds_listed_fn *done,
                void *arg);
void holds_list_whole(struct domain *domain, const struct account_id *account_id,
                      holds_listed_fn *done, void *arg);

/*
 * Do what is due at now_ms, one after the other, and tell how many were.  The
 * relay is awake since awake_ms: what came due while it was not, so that nobody
 * could veto, waits a little longer.
 */
void holds_run(struct domain *domain, int64_t now_ms, int64_t awake_ms, domain_purged_fn *done,
               void *arg);
