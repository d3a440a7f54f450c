/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: the chain of an account's device lists.  A successor is checked
 * against the head that was read, and stored by a compare-and-swap on that head;
 * when the head moved meanwhile, the store is asked anew.  What holds.h names is
 * held instead, and put by manifests_put_held when its time has come.  Devices that leave
 * lose mailbox, sessions and streams in the same transaction.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/manifest.h"

struct domain;
struct hold;
struct store_batch;

enum manifests_result {
    MANIFESTS_STORED = 0,
    MANIFESTS_PRESENT,         /* that very manifest stands there */
    MANIFESTS_INVALID,         /* verdict says which rule */
    MANIFESTS_ACCOUNT_DIFFERS, /* the manifest names another account than the caller did */
    MANIFESTS_EPOCH_DIFFERS,   /* or another epoch */
    MANIFESTS_CONFLICT,        /* not the successor of the head, which is in the outcome */
    MANIFESTS_HELD,            /* it takes ADMIN from another device: it waits until held_until */
    MANIFESTS_BLOCKED,         /* something else is held, the first of it until held_until */
    MANIFESTS_KEY_USED,        /* a new device's key stands in an account or left one */
    MANIFESTS_ACCOUNT_UNKNOWN,
    MANIFESTS_OVERTAKEN,    /* a statement that rides with it refused */
    MANIFESTS_NOT_HELD,     /* manifests_put_held: it was vetoed or overtaken */
    MANIFESTS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    MANIFESTS_STORAGE_FULL, /* the disk is full */
};

struct manifests_outcome {
    enum manifests_result result;
    enum manifest_verdict verdict; /* when MANIFESTS_INVALID */
    uint64_t epoch;                /* of what stands there now: STORED, PRESENT, CONFLICT */
    struct manifest_hash hash;
    struct bytes head;  /* when CONFLICT: the head's signed bytes; borrowed until return */
    int64_t held_until; /* when HELD or BLOCKED: Unix seconds */
};

typedef void manifests_put_fn(void *arg, const struct manifests_outcome *outcome);

/*
 * What rides with a manifest that is put: add appends statements to the batch that stores it, for
 * every try.  One of them that is expected and yields nothing ends it MANIFESTS_OVERTAKEN.
 */
struct manifests_rider {
    void (*add)(void *arg, struct store_batch *batch);
    void *arg;
};

/* A manifest and where its sender wants it. */
struct manifests_order {
    struct account_id account_id;
    uint64_t epoch;
    struct bytes signed_bytes;    /* read before manifests_put returns */
    struct manifests_rider rider; /* add is NULL: none */
};

/*
 * Put a manifest at its epoch.  done is called exactly once: before this returns
 * when the manifest breaks rule 1 or is not for that account and epoch, later
 * otherwise.  Once stored: all old and new devices are told, and the devices
 * that left lose their streams.
 */
void manifests_put(struct domain *domain, const struct manifests_order *order, int64_t now_ms,
                   manifests_put_fn *done, void *arg);

/*
 * Put a manifest that is held, by the same steps: those of its account are not
 * held any more once it is stored.  hold is copied.  done is called exactly once, later.
 */
void manifests_put_held(struct domain *domain, const struct hold *hold, int64_t now_ms,
                        manifests_put_fn *done, void *arg);

/* A page of the chain, in order of epoch. */
struct manifests_page {
    uint64_t epoch; /* of the head */
    struct manifest_hash hash;
    size_t count;
    struct bytes manifests[LIMIT_MANIFESTS_PAGE]; /* signed bytes */
    bool more;
};

/* page is borrowed until return; NULL when there is no such account, or when ok is false. */
typedef void manifests_listed_fn(void *arg, bool ok, const struct manifests_page *page);

/* List the manifests above epoch since (-1: from the first).  done is called later, once. */
void manifests_list(struct domain *domain, const struct account_id *account_id, int64_t since,
                    manifests_listed_fn *done, void *arg);
