/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often somebody may: one table of token buckets (common/bucket.h) for each
 * class.  Names are device keys, account ids and names of client addresses; in
 * memory they stand as hashes under a random key that changes every hour, and
 * nowhere else.  A class is off until it is given a count.  Loop thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct limits;

enum limits_class {
    LIMITS_DEVICE = 0,    /* requests of a device, each SEND of a stream among them */
    LIMITS_ACCOUNT,       /* requests of all devices of an account */
    LIMITS_ADDRESS,       /* requests from a client address */
    LIMITS_PAIR,          /* envelopes from one device to one other */
    LIMITS_INBOUND,       /* bytes to a device */
    LIMITS_FAILURES,      /* failed authentications, guesses among them, by address; by account */
    LIMITS_CHALLENGES,    /* challenges, manifests, transactions and links from an address */
    LIMITS_REGISTRATIONS, /* accounts registered from an address, an hour */
    LIMITS_CLAIM_PAIR,    /* keys for single use that an account takes from a device, an hour */
    LIMITS_CLAIM_TARGET,  /* the same, by whomever */
    LIMITS_LOOKUPS,       /* handles that an account looks up, in 15 minutes */
    LIMITS_HANDLES,       /* handles that an account claims, an hour */
    LIMITS_GROUPS,        /* MLS groups that a device begins, an hour */
    LIMITS_RECOVERIES, /* recoveries, and recovery keys that are none, from an address, an hour */
    LIMITS_LINKS       /* links that an address begins, an hour */
};

enum {
    LIMITS_CLASSES = LIMITS_LINKS + 1
};

/* Tokens of one bucket.  An empty name is nobody, and nobody is limited. */
struct limits_ask {
    enum limits_class class;
    struct bytes name;
    int64_t tokens;
};

/* What all tables take in memory, in bytes: they are made whole and never grow.  Any thread. */
int64_t limits_bytes(void);

struct limits *limits_create(void);

/* Free it.  Takes NULL. */
void limits_destroy(struct limits *limits);

/* Let count pass at once, and count a minute (or as long as the class says); 0: everything. */
void limits_set(struct limits *limits, enum limits_class class, int64_t count);

/* The count that was set. */
int64_t limits_count(const struct limits *limits, enum limits_class class);

/* Draw a new key of the names when the one in use is an hour old. */
void limits_renew_key(struct limits *limits, int64_t now_ms);

/* Seconds until ask would pass; 0: it would pass now.  Nothing is taken. */
int limits_wait_s(const struct limits *limits, const struct limits_ask *ask, int64_t now_ms);

/*
 * Take what all asks ask for and return 0; or take nothing and return the seconds
 * to wait, of which the longest counts.  A refusal is counted in the metrics.
 */
int limits_take(struct limits *limits, const struct limits_ask *asks, size_t count, int64_t now_ms);

/* Count the refusal of one ask that limits_wait_s judged. */
void limits_count_refusal(enum limits_class class);

/* Take without asking, and put back what was taken for nothing. */
void limits_charge(struct limits *limits, const struct limits_ask *ask, int64_t now_ms);
void limits_give_back(struct limits *limits, const struct limits_ask *ask, int64_t now_ms);
