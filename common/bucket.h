/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token buckets, many under one rate, in a table of fixed size.  A bucket holds
 * up to count tokens and is filled again at count a period; what it is for has a
 * name, which the table keeps only as its SipHash under a key that the caller
 * draws at random and changes now and then.
 *
 * A full bucket is as good as none, so none is kept.  When there is no room for
 * another, the fullest of eight neighbours gives way and counts as full from
 * then on: a stranger with many names wins back what it spent the least on.
 * Pure, time is an argument; one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"

struct bucket_table;

enum {
    BUCKET_BYTES = 16,                 /* a bucket takes in memory */
    BUCKET_WAYS = 8,                   /* neighbours among which a bucket stands */
    BUCKET_COUNT_BITS = 30,            /* count is at most 2^30, */
    BUCKET_PERIOD_MAX_MS = 60 * 60000, /* and the period an hour */
};

struct bucket_rate {
    int64_t count;     /* tokens at once, and in each period; 0: everything passes */
    int64_t period_ms; /* 1 .. BUCKET_PERIOD_MAX_MS */
};

/* Room for size buckets, a power of two from BUCKET_WAYS on.  There is no rate yet: all passes. */
struct bucket_table *bucket_create(size_t size);

/* Free it.  Takes NULL. */
void bucket_destroy(struct bucket_table *table);

/* Set the rate; another one than before fills all buckets. */
void bucket_set_rate(struct bucket_table *table, struct bucket_rate rate);

/*
 * Name buckets under key from now on.  Those named under the key before are found
 * until the next change; let no two changes come within a period.
 */
void bucket_set_key(struct bucket_table *table, const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES]);

/*
 * Say in how many milliseconds name will have tokens; 0: it has them now.  More
 * than count are as many as count.  A clock that went back costs a period at most, and
 * nothing when it went back by more than two.
 */
int64_t bucket_wait_ms(const struct bucket_table *table, struct bytes name, int64_t tokens,
                       int64_t now_ms);

/* Take tokens out, whether they are there or not: what is not there is owed, a period's at most. */
void bucket_take(struct bucket_table *table, struct bytes name, int64_t tokens, int64_t now_ms);

/* Put tokens back that were taken; a bucket that has given way meanwhile is full already. */
void bucket_give_back(struct bucket_table *table, struct bytes name, int64_t tokens,
                      int64_t now_ms);

/* Buckets that gave way although they were not full, since the table was made. */
int64_t bucket_given_way(const struct bucket_table *table);
