/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every noun of the domain shares.  app.c fills it once; the settings may
 * be changed on a reload.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changes;
struct claims;
struct dedup;
struct directory;
struct hub;
struct limits;
struct mailboxes;
struct passwords;
struct seal;
struct sessions;
struct slots;
struct store;
struct webauthn_party;

enum domain_registration {
    DOMAIN_CLOSED = 0,
    DOMAIN_INVITE,
    DOMAIN_OPEN
};
enum domain_buckets {
    DOMAIN_BUCKETS_OFF = 0,
    DOMAIN_BUCKETS_ADVISE,
    DOMAIN_BUCKETS_ENFORCE
};
enum domain_overflow {
    DOMAIN_REJECT = 0,
    DOMAIN_DROP_OLDEST
};

/* Whether a person must show itself to an authenticator by a PIN or its body. */
enum domain_verification {
    DOMAIN_VERIFICATION_DISCOURAGED = 0,
    DOMAIN_VERIFICATION_PREFERRED,
    DOMAIN_VERIFICATION_REQUIRED
};

struct domain_settings {
    enum domain_registration registration;
    enum domain_buckets size_buckets;
    enum domain_overflow overflow;
    bool plaintext_guard;
    int64_t mailbox_max_envelopes;
    int64_t mailbox_max_bytes;
    int64_t idle_device_warn_days;  /* 0: never */
    int64_t idle_device_close_days; /* 0: never */
    int64_t idle_account_days;      /* 0: never */
    int64_t handles_per_account;
    int64_t handle_kept_days; /* after a name was given up */
    int64_t mls_group_days;   /* after its last commit */
    int64_t hold_s;           /* of what takes ADMIN from another device; 0: it is done at once */
};

/* Secrets of the daemon, each derived from a key file of its own. */
struct domain_keys {
    uint8_t challenge[32]; /* HMAC of stateless challenges */
    uint8_t index[32];     /* keyed hashes of what left: devices, accounts */
    uint8_t tag[16];       /* SipHash key of body fingerprints and of hash tables */
};

struct domain {
    struct store *store;
    bool is_shared; /* other daemons write to the same database: see sharing.h */
    struct mailboxes *mailboxes;
    struct hub *hub;
    struct dedup *dedup;
    struct sessions *sessions;
    struct directory *directory;
    struct limits *limits;
    struct slots *slots;
    struct claims *claims; /* these two are NULL unless it is shared */
    struct changes *changes;
    struct domain_keys keys;
    struct seal *seal; /* of sealed columns */
    struct passwords *passwords;
    const struct webauthn_party *party; /* borrowed */
    enum domain_verification verification;
    struct domain_settings settings;
    const char *base_url; /* the audience of every signature; borrowed */
    int64_t generation;   /* raised when an older database was put back */
    int64_t next_seq; /* the seq given next; where it is shared, a number for gaps; see seqs.h */
    int64_t (*now_ms)(void); /* for news.c alone: else time is an argument */
    int64_t life;            /* names this life of the daemon among those that share the database */
};

enum {
    DOMAIN_DAY_MS = 86400000, /* days are Unix days: now_ms / DOMAIN_DAY_MS */
    DOMAIN_PURGE_ROWS = 500,
};

/*
 * Hear how many rows one step of a purge took: less than DOMAIN_PURGE_ROWS means
 * that none is left for now (or that the store failed, which it logged).
 */
typedef void domain_purged_fn(void *arg, size_t row_count);
