/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: a device proves its key once a day and then shows a bearer token,
 * of which the relay keeps only the SHA-256.  A session lasts LIMIT_SESSION_S
 * from its start, whatever happens, and goes with its device.
 *
 * Sessions in use are held in memory, bounded, least recently used first out,
 * so that a request need not read the store.  Whoever commits the end of a
 * session calls sessions_forget afterwards; a load that was under way then reads
 * again, so a session that ended never comes back.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/challenges.h"
#include "server/domain/domain.h"

struct command_guard;
struct store_rows;

enum {
    SESSION_TOKEN_TEXT_BYTES = 48 + 1
}; /* "sp1_", 43 characters, NUL, to spare */

struct session_hash {
    uint8_t raw[CRYPTO_SHA256_BYTES];
};

struct session {
    struct session_hash token_hash;
    struct account_id account_id;
    struct device_pub device_pub;
    int64_t account; /* short integers of the rows */
    int64_t mailbox;
    uint32_t device_id;
    uint64_t added_epoch;
    int64_t expires_at; /* Unix seconds; over from then on */
};

/* key: of the hash table.  session_max: sessions held in memory at once, at least 1. */
struct sessions *sessions_create(const uint8_t key[16], size_t session_max);
void sessions_destroy(struct sessions *sessions);

/* Parse the text of a token into the hash that names its session; false for another form. */
bool sessions_parse(struct bytes text, struct session_hash *out);

/* A live session in memory, or NULL, which says nothing about the store.  Borrowed until return. */
const struct session *sessions_cached(struct domain *domain, const struct session_hash *hash,
                                      int64_t now_ms);

/*
 * Look the session up in the store and tell done, later, exactly once.  session
 * is borrowed until return, and NULL when none is live, or when ok is false: the
 * store could not say.
 */
typedef void sessions_loaded_fn(void *arg, bool ok, const struct session *session);
void sessions_load(struct domain *domain, const struct session_hash *hash, int64_t now_ms,
                   sessions_loaded_fn *done, void *arg);

/* Drop a session from memory; or those of an account; or all, for when it is uncertain what was committed. */
void sessions_forget(struct domain *domain, const struct session_hash *hash);
void sessions_forget_account(struct domain *domain, int64_t account);
void sessions_forget_all(struct domain *domain);

/*
 * End what a committed statement deleted: for each row (token_hash, expires_at)
 * drop the session from memory and end its stream.  Returns how many were live.
 */
size_t sessions_dropped(struct domain *domain, struct store_rows *rows, int64_t now_ms);

enum sessions_result {
    SESSIONS_OK = 0,
    SESSIONS_AUTH_FAILED,  /* challenge, device or signature wrong, or challenge used */
    SESSIONS_REPLAYED,     /* the command's seq is not above the last one */
    SESSIONS_GONE,         /* the calling device is no more */
    SESSIONS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    SESSIONS_STORAGE_FULL, /* the disk is full */
};

/* What a device shows to begin a session. */
struct sessions_proof {
    struct account_id account_id;
    uint32_t device_id;
    struct challenge challenge;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
};

struct sessions_begun {
    char token[SESSION_TOKEN_TEXT_BYTES]; /* shown once, kept nowhere */
    int64_t expires_at;
    int64_t epoch; /* of the account's head */
};

/* begun is NULL unless SESSIONS_OK; borrowed until return. */
typedef void sessions_begun_fn(void *arg, enum sessions_result result,
                               const struct sessions_begun *begun);

/*
 * Begin a session.  An unknown account or device costs a verification like a
 * known one.  Reopens the mailbox when it was closed for idleness, and notes the
 * day.  done is called exactly once: before this returns when the challenge is
 * not good, later otherwise.
 */
void sessions_begin(struct domain *domain, const struct sessions_proof *proof, int64_t now_ms,
                    sessions_begun_fn *done, void *arg);

/* count: sessions that ended; last_seq is set when SESSIONS_REPLAYED. */
typedef void sessions_ended_fn(void *arg, enum sessions_result result, size_t count,
                               int64_t last_seq);

/* End one session, and its stream.  Ending what is over already is SESSIONS_OK. */
void sessions_end(struct domain *domain, const struct session_hash *hash, int64_t now_ms,
                  sessions_ended_fn *done, void *arg);

struct sessions_revocation {
    struct session_hash caller; /* spared when no devices are named */
    int64_t account;
    const uint32_t *device_ids; /* read before sessions_revoke returns; NULL: every device */
    size_t device_count;
};

/* End the sessions and streams of an account's devices, by a signed command. */
void sessions_revoke(struct domain *domain, const struct command_guard *guard,
                     const struct sessions_revocation *revocation, int64_t now_ms,
                     sessions_ended_fn *done, void *arg);

/* Delete up to DOMAIN_PURGE_ROWS sessions that are over, and end their streams. */
void sessions_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
