/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest on its way, for the files that put it: manifests.c, and manifests_hold.c for holds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/holds.h"
#include "server/domain/manifests.h"
#include "server/domain/manifests_follow.h"

struct store_batch;
struct store_rows;

/* The statements of the read, in order. */
enum {
    READ_ROW = 0,
    READ_HEAD,
    READ_SAME,
    READ_DEVICES,
    READ_HOLDS,
    READ_KEYS, /* one for each device of the new manifest */
};

struct put {
    struct domain *domain;
    struct buf bytes; /* the signed manifest, which `next` borrows */
    struct manifest next;
    struct manifest_hash hash;
    struct accounts_row row; /* the head that was read */
    struct manifests_change change;
    struct hold hold; /* what is done if by_hold, what is written by HOLD */
    bool by_hold;
    struct manifests_rider rider;
    size_t rider_at, rider_end; /* its statements in the batch under way */
    int writes;
    int64_t now_ms;
    manifests_put_fn *done;
    void *arg;
};

/* Begin on a manifest, whose bytes are copied; nothing is parsed yet. */
struct put *put_create(struct domain *domain, struct bytes signed_bytes, int64_t now_ms,
                       manifests_put_fn *done, void *arg);

/* Read what must be known, and go on from there. */
void put_read(struct put *put);

/* Read again after a write that lost a race, unless that was often enough. */
void put_again(struct put *put);

/* Tell the outcome; the last to use put. */
void put_finish(struct put *put, enum manifests_result result);
void put_finish_until(struct put *put, enum manifests_result result, int64_t held_until);

/*
 * What stands in the way of holding it (it is held already, or its signer holds another), or of
 * storing it (something else is held; or it was by_hold and is not held any more).
 * MANIFESTS_STORED: nothing.
 */
enum manifests_result put_holding_obstacle(struct put *put, struct store_rows *rows,
                                           int64_t *out_until);
enum manifests_result put_storing_obstacle(struct put *put, struct store_rows *rows,
                                           int64_t *out_until);

/* Write put->hold, tell the devices of old, and finish. */
void put_hold(struct put *put, const struct manifest *old);

/* Append to the batch that stores it: all holds end, and may. */
void put_end_holds(const struct put *put, struct store_batch *batch);

/* The same: what it means for recovery (manifests_recovery.c); then tell it, before streams end. */
void put_end_recoveries(const struct put *put, struct store_batch *batch,
                        const struct manifest *old);
void put_tell_recovery(const struct put *put);
