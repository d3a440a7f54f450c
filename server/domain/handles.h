/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: names under which an account can be found.  An account has a name by
 * a binding that one of its ADMIN devices signed (common/handle.h); seqs of a
 * name rise by one with every binding, whoever makes it, and never begin again.
 * A name that was given up stays with its last account for a while, so that
 * nobody takes its place at once.
 *
 * The database holds no name in clear:
 *
 *   handle_key  HMAC-SHA256(keys.index, handle)
 *   owner_hash  HMAC-SHA256(keys.index, "sealpost/handle-owner/1\0" || handle_key || account_id)
 *   binding     sealed (common/seal.h): table "handles", column "binding", row handle_key
 *
 *   handles.c          claims
 *   handles_release.c  giving up, and what time frees
 *   handles_lookup.c   finding
 *
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "common/ids.h"
#include "server/domain/domain.h"

struct handle_key {
    uint8_t raw[CRYPTO_SHA256_BYTES];
};

enum handles_result {
    HANDLES_DONE = 0,
    HANDLES_PRESENT,      /* claim: the account had this name by this seq before */
    HANDLES_INVALID,      /* claim: the signature does not verify */
    HANDLES_NOT_ADMIN,    /* the signer is no ADMIN device of the account */
    HANDLES_TAKEN,        /* claim: another account has it, or had it lately */
    HANDLES_SEQ,          /* claim: the name's next binding has `next_seq` */
    HANDLES_TOO_MANY,     /* claim: the account has `max` names */
    HANDLES_UNKNOWN,      /* release: the account has no such name */
    HANDLES_STEPUP,       /* release: a factor is enrolled, and the grant is none or not good */
    HANDLES_REPLAYED,     /* release: the command's seq is not above last_seq */
    HANDLES_UNAVAILABLE,  /* the store did not do it, or cannot say */
    HANDLES_STORAGE_FULL, /* the disk is full */
};

struct handles_outcome {
    enum handles_result result;
    int64_t next_seq;
    int64_t max;
    int64_t last_seq;
};

/* outcome is borrowed until return. */
typedef void handles_done_fn(void *arg, const struct handles_outcome *outcome);

/*
 * Claim the name of a binding, whose text is input, for its account.  Both are
 * copied.  done is called later, exactly once.
 */
void handles_claim(struct domain *domain, const struct handle_binding *binding, struct bytes input,
                   int64_t now_ms, handles_done_fn *done, void *arg);

/*
 * Give up a name of the account account_id, whose row is account, by a command of
 * an ADMIN device (any, where none is).  All is copied; done comes later, once.
 */
struct handles_release {
    struct handle handle;
    struct account_id account_id;
    int64_t account;
    const struct command_guard *guard;
    const struct grant *grant; /* of a step-up, where a factor is enrolled; NULL: none */
};
void handles_release(struct domain *domain, const struct handles_release *order, int64_t now_ms,
                     handles_done_fn *done, void *arg);

/* Who was found, by which binding; borrowed until return. */
struct handles_found {
    struct account_id account_id;
    struct bytes binding;
};

/* found is NULL when nobody has the name, and when ok is false: the store could not say. */
typedef void handles_found_fn(void *arg, bool ok, const struct handles_found *found);

/* Find who has the name.  What is nobody's takes as long as what is somebody's.  done comes later. */
void handles_lookup(struct domain *domain, const struct handle *handle, handles_found_fn *done,
                    void *arg);

/* Forget whose the names were that anybody may have by now. */
void handles_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);

/* The day from which anybody may have a name that is given up now. */
int64_t handles_free_day(const struct domain *domain, int64_t now_ms);

/* The keyed hash of a name, and of whose it was. */
void handles_key(const struct domain *domain, const struct handle *handle, struct handle_key *out);
void handles_owner(const struct domain *domain, const struct handle_key *key,
                   const struct account_id *account_id, uint8_t out[CRYPTO_SHA256_BYTES]);

/* Open the sealed binding of a row into out; false, with a line in the log, when that fails. */
bool handles_open(const struct domain *domain, const struct handle_key *key, struct bytes sealed,
                  struct buf *out);
