/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket is the moment at which it will be full: a token costs period / count
 * of time, tokens are there while the moment lies less than a period ahead, and
 * a moment that has passed is a full bucket, whose place is free.  (The idea is
 * the generic cell rate algorithm of ITU-T I.371.)
 *
 *   now          full_at            now + period
 *    |--- owed -----|---- tokens left ---|
 */
#include "common/bucket.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/mem.h"

enum {
    US_IN_MS = 1000
};

struct bucket {
    uint64_t name;      /* 0: never used */
    int64_t full_at_us; /* in the past: full */
};

static_assert(sizeof(struct bucket) == BUCKET_BYTES, "as the header says");

struct bucket_table {
    struct bucket_rate rate;
    size_t set_mask;
    int64_t given_way;
    bool has_before;
    uint8_t key[CRYPTO_SIPHASH_KEY_BYTES];
    uint8_t key_before[CRYPTO_SIPHASH_KEY_BYTES];
    struct bucket buckets[];
};

struct bucket_table *bucket_create(size_t size)
{
    struct bucket_table *table = NULL;

    CHECK(size >= BUCKET_WAYS && (size & (size - 1)) == 0);
    table = mem_zeroed(1, sizeof *table + size * sizeof table->buckets[0]);
    table->set_mask = size / BUCKET_WAYS - 1;
    return table;
}

void bucket_destroy(struct bucket_table *table)
{
    if (table != NULL) {
        mem_wipe(table->key, sizeof table->key);
        mem_wipe(table->key_before, sizeof table->key_before);
    }
    free(table);
}

static size_t bucket_total(const struct bucket_table *table)
{
    return (table->set_mask + 1) * BUCKET_WAYS;
}

void bucket_set_rate(struct bucket_table *table, struct bucket_rate rate)
{
    CHECK(rate.count >= 0 && rate.count <= INT64_C(1) << BUCKET_COUNT_BITS);
    CHECK(rate.period_ms >= 1 && rate.period_ms <= BUCKET_PERIOD_MAX_MS);
    if (rate.count != table->rate.count || rate.period_ms != table->rate.period_ms) {
        memset(table->buckets, 0, bucket_total(table) * sizeof table->buckets[0]);
    }
    table->rate = rate;
}

void bucket_set_key(struct bucket_table *table, const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES])
{
    memcpy(table->key_before, table->key, sizeof table->key_before);
    memcpy(table->key, key, sizeof table->key);
    table->has_before = true;
}

static uint64_t name_of(const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES], struct bytes name)
{
    uint64_t hash = crypto_siphash(key, name);

    return hash == 0 ? 1 : hash;
}

static size_t set_of(const struct bucket_table *table, uint64_t name)
{
    return ((size_t)name & table->set_mask) * BUCKET_WAYS;
}

/* The place of the bucket under name, or that of none: the table's size. */
static size_t place_of(const struct bucket_table *table, uint64_t name)
{
    size_t first = set_of(table, name);

    for (size_t i = first; i < first + BUCKET_WAYS; i++) {
        if (table->buckets[i].name == name) {
            return i;
        }
    }
    return bucket_total(table);
}

/* Find the bucket under the present key, else under the one before. */
static size_t find(const struct bucket_table *table, struct bytes name, uint64_t *out_name)
{
    size_t place = 0;

    *out_name = name_of(table->key, name);
    place = place_of(table, *out_name);
    if (place == bucket_total(table) && table->has_before) {
        place = place_of(table, name_of(table->key_before, name));
    }
    return place;
}

static int64_t span_us(const struct bucket_table *table)
{
    return table->rate.period_ms * US_IN_MS;
}

/* What tokens cost in time, rounded up, so that no take is free. */
static int64_t cost_us(const struct bucket_table *table, int64_t tokens)
{
    int64_t count = table->rate.count;
    int64_t taken = tokens < count ? tokens : count;

    return (taken * span_us(table) + count - 1) / count;
}

/*
 * The time for which tokens are owed, a period at most.  A moment further ahead was never
 * written: the clock went back.  By a little, and the bucket is empty; by more, and nothing
 * is known of it any more.
 */
static int64_t owed_us(const struct bucket_table *table, const struct bucket *bucket,
                       int64_t now_us)
{
    int64_t owed = bucket->full_at_us - now_us;
    int64_t span = span_us(table);

    if (owed <= 0 || owed > 2 * span) {
        return 0;
    }
    return owed < span ? owed : span;
}

/* When the bucket in place is full, between now and a period from now. */
static int64_t full_at(const struct bucket_table *table, size_t place, int64_t now_us)
{
    return place < bucket_total(table) ? now_us + owed_us(table, &table->buckets[place], now_us)
                                       : now_us;
}

int64_t bucket_wait_ms(const struct bucket_table *table, struct bytes name, int64_t tokens,
                       int64_t now_ms)
{
    int64_t now_us = now_ms * US_IN_MS;
    uint64_t hash = 0;
    int64_t over_us = 0;

    if (table->rate.count == 0) {
        return 0;
    }
    over_us = full_at(table, find(table, name, &hash), now_us) + cost_us(table, tokens) -
              (now_us + span_us(table));
    return over_us <= 0 ? 0 : (over_us + US_IN_MS - 1) / US_IN_MS;
}

/* The place that gives way for a bucket called name: the fullest of its neighbours. */
static size_t make_room(struct bucket_table *table, uint64_t name, int64_t now_us)
{
    size_t first = set_of(table, name);
    size_t fullest = first;
    int64_t least = owed_us(table, &table->buckets[first], now_us);

    for (size_t i = first + 1; i < first + BUCKET_WAYS && least > 0; i++) {
        int64_t owed = owed_us(table, &table->buckets[i], now_us);
        if (owed < least) {
            fullest = i;
            least = owed;
        }
    }
    table->given_way += least > 0 ? 1 : 0;
    return fullest;
}

void bucket_take(struct bucket_table *table, struct bytes name, int64_t tokens, int64_t now_ms)
{
    int64_t now_us = now_ms * US_IN_MS;
    uint64_t hash = 0;
    size_t place = 0;
    int64_t at = 0;

    if (table->rate.count == 0) {
        return;
    }
    place = find(table, name, &hash);
    at = full_at(table, place, now_us) + cost_us(table, tokens);
    if (place < bucket_total(table) && table->buckets[place].name != hash) {
        table->buckets[place] = (struct bucket){ 0 }; /* it moves to where the present key says */
        place = bucket_total(table);
    }
    if (place == bucket_total(table)) {
        place = make_room(table, hash, now_us);
    }
    table->buckets[place].name = hash;
    table->buckets[place].full_at_us = at < now_us + span_us(table) ? at : now_us + span_us(table);
}

void bucket_give_back(struct bucket_table *table, struct bytes name, int64_t tokens, int64_t now_ms)
{
    uint64_t hash = 0;
    size_t place = 0;

    if (table->rate.count == 0) {
        return;
    }
    place = find(table, name, &hash);
    if (place < bucket_total(table) && table->buckets[place].full_at_us > now_ms * US_IN_MS) {
        table->buckets[place].full_at_us -= cost_us(table, tokens);
    }
}

int64_t bucket_given_way(const struct bucket_table *table)
{
    return table->given_way;
}
