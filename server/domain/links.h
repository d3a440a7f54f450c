/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: how a new device comes to stand in an account.  It begins a link with its
 * entry (common/link_entry.h), a device of the account claims it, makes of the head
 * the next manifest with the new device in it (the candidate) and signs that, and
 * the new device signs it too, which puts it.  What the two must tell each other
 * for six digits (common/sas.h) goes as messages, which the relay does not read.
 *
 *   CREATED -> CLAIMED -> CANDIDATE -> SIGNED -> DONE
 *      any but DONE -> EXPIRED   after LIMIT_LINK_S
 *                   -> DENIED    by either side
 *
 * SIGNED lasts no longer than the transaction that also puts the manifest and ends
 * DONE.  Every change raises the version by one and is a compare-and-swap, in the
 * store, on the version that its caller saw; so of two that race one is done.
 *
 * The relay authorises nobody: the manifest's rules do (common/manifest.h).  A link
 * that names an account asks its devices, three times an hour at most, and needs a
 * grant where a second factor is enrolled; who is not there is asked alike, and
 * never answers.  A link by QR code asks nobody, and is whose claims it first.
 *
 * What changes a link is in links_steps.h.
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
#include "common/limits.h"
#include "server/domain/domain.h"

/* The numbers stand in the database. */
enum link_state {
    LINK_CREATED = 0,
    LINK_CLAIMED,
    LINK_CANDIDATE,
    LINK_SIGNED,
    LINK_DONE,
    LINK_EXPIRED,
    LINK_DENIED
};

/* Its name on the wire, static; say whether nothing follows it. */
const char *links_state_text(enum link_state state);
bool links_state_is_final(enum link_state state);

enum {
    LINK_TOKEN_BYTES = 32,
    LINK_TOKEN_TEXT_BYTES = 48 + 1 /* "spl1_", 43 characters and a NUL */
};

/* What the new device acts by: 32 random bytes, of which the database has the SHA-256. */
struct link_token_hash {
    uint8_t raw[CRYPTO_SHA256_BYTES];
};
bool links_token_parse(struct bytes text, struct link_token_hash *out);

/* Say whether a text looks like such a token, whole or not. */
bool links_is_token(struct bytes text);

/* Who acts: the new device, or a device with a session. */
struct links_actor {
    bool is_new;
    struct link_token_hash token_hash; /* of the new device; all else is of the other */
    struct account_id account_id;
    int64_t account;
    int64_t mailbox;
    uint32_t device_id;
    struct device_pub device_pub;
};

enum links_result {
    LINKS_DONE = 0,
    LINKS_UNKNOWN,   /* there is none, or it is not for whoever asks */
    LINKS_CONFLICT,  /* it is elsewhere: state and version in the outcome */
    LINKS_NOT_ADMIN, /* claim: only an ADMIN device may */
    LINKS_GRANT,     /* begin: a factor is enrolled and no good grant of purpose link was given */
    LINKS_RATE_LIMITED, /* begin: the account was asked too often: wait retry_s */
    LINKS_TOO_MANY,     /* claim: the account has LIMIT_LINKS_ACCOUNT; message: it has had all */
    LINKS_CROWDED,      /* begin: LIMIT_LINKS are under way */
    LINKS_FOREIGN,      /* candidate: it is not the head with that device added, and nothing else */
    LINKS_MANIFEST,     /* candidate, sign: `manifest` says why it cannot be the next one */
    LINKS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    LINKS_STORAGE_FULL, /* the disk is full */
};

struct links_message {
    bool is_new; /* by the new device */
    struct bytes body;
};

/* A link as either side sees it. */
struct links_view {
    struct link_id link_id;
    int64_t version;
    enum link_state state;
    struct bytes entry;
    struct bytes name;  /* empty: none */
    int64_t expires_at; /* Unix seconds */
    uint32_t device_id; /* of the device that claimed it; 0: none, and the next two say nothing */
    struct device_pub device_pub;
    struct account_id account_id;
    struct bytes candidate; /* empty: none */
    size_t message_count;
    struct links_message messages[LIMIT_LINK_MESSAGES];
};

struct links_outcome {
    enum links_result result;
    struct link_id link_id;        /* begin */
    const char *token;             /* begin: the text; wiped when done returns */
    int64_t expires_at;            /* begin */
    const struct links_view *view; /* read */
    int64_t version;               /* steps that are done, and CONFLICT */
    enum link_state state;
    const struct manifests_outcome *manifest; /* MANIFEST, and sign when it is done */
    int64_t retry_s;
};

/* outcome is borrowed until return.  Called exactly once. */
typedef void links_done_fn(void *arg, const struct links_outcome *outcome);

/* Read a link. */
void links_read(struct domain *domain, const struct link_id *link_id,
                const struct links_actor *actor, int64_t now_ms, links_done_fn *done, void *arg);

enum {
    LINKS_LIST_MAX = 16
};

/* Hear the links of an account that are under way, without entries and messages; borrowed. */
typedef void links_listed_fn(void *arg, bool ok, const struct links_view *views, size_t count);
void links_list(struct domain *domain, const struct links_actor *actor, int64_t now_ms,
                links_listed_fn *done, void *arg);

/* End what is over, and tell; forget what ended a while ago; forget prompts. */
void links_expire(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
void links_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
void links_purge_prompts(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
