/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invites: "spi1_" and 22 characters, 16 random bytes, of which the relay keeps
 * the SHA-256 with how often and until when they may be used.  A use is spent by
 * the transaction that registers the account, so a race spends none too many.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "server/domain/domain.h"

struct store_batch;

enum {
    INVITE_TEXT_BYTES = 27 + 1, /* with its NUL */
    INVITE_ID_BYTES = 8,        /* the first bytes of the hash: how the operator names it */
    INVITE_NOTE_BYTES = 200,
    INVITES_LIST_MAX = 1000,
};

struct invite_hash {
    uint8_t raw[CRYPTO_SHA256_BYTES];
};

/* Parse the text of an invite into the hash that names it; false for another form. */
bool invites_parse(struct bytes text, struct invite_hash *out);

/* Append an expected statement that spends one use, or refuses the batch. */
void invites_spend(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s);

/* Append a statement that yields a row when the invite could be spent now. */
void invites_ask(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s);

enum invites_result {
    INVITES_OK = 0,
    INVITES_UNKNOWN, /* no invite has that id */
    INVITES_UNAVAILABLE,
    INVITES_STORAGE_FULL,
};

struct invites_terms {
    int64_t uses;       /* 1 or more */
    int64_t expires_at; /* Unix seconds */
    struct bytes note;  /* UTF-8, at most INVITE_NOTE_BYTES */
};

/* text is the invite, shown once; NULL unless INVITES_OK. */
typedef void invites_created_fn(void *arg, enum invites_result result, const char *text);
void invites_create(struct domain *domain, const struct invites_terms *terms, int64_t now_ms,
                    invites_created_fn *done, void *arg);

struct invite {
    uint8_t id[INVITE_ID_BYTES];
    int64_t uses_left;
    int64_t uses_total;
    int64_t expires_at;
    int64_t created_day;
    struct bytes note;
};

/* Hear the newest INVITES_LIST_MAX invites, newest first; borrowed until return. */
typedef void invites_listed_fn(void *arg, enum invites_result result, const struct invite *invites,
                               size_t count);
void invites_list(struct domain *domain, invites_listed_fn *done, void *arg);

/* Delete the invite with that id. */
typedef void invites_revoked_fn(void *arg, enum invites_result result);
void invites_revoke(struct domain *domain, const uint8_t id[INVITE_ID_BYTES],
                    invites_revoked_fn *done, void *arg);
