/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/limits.h"

#include <assert.h>
#include <stdlib.h>

#include "common/bucket.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"

enum {
    MS_IN_S = 1000,
    MINUTE_MS = 60000,
    QUARTER_MS = 900000, /* of an hour */
    HOUR_MS = 3600000,
    BUCKETS = 65536,
    BUCKETS_PAIRS = 262144
};

/* Two changes of the key are further apart than any bucket takes to fill. */
static_assert((int)HOUR_MS >= (int)BUCKET_PERIOD_MAX_MS, "see bucket_set_key");

struct kind {
    size_t buckets;
    int64_t period_ms;
    enum metric refused;
};

static const struct kind kinds[LIMITS_CLASSES] = {
    [LIMITS_DEVICE] = { BUCKETS, MINUTE_MS, METRIC_limited_devices },
    [LIMITS_ACCOUNT] = { BUCKETS, MINUTE_MS, METRIC_limited_accounts },
    [LIMITS_ADDRESS] = { BUCKETS, MINUTE_MS, METRIC_limited_addresses },
    [LIMITS_PAIR] = { BUCKETS_PAIRS, MINUTE_MS, METRIC_limited_pairs },
    [LIMITS_INBOUND] = { BUCKETS, MINUTE_MS, METRIC_limited_inbound },
    [LIMITS_FAILURES] = { BUCKETS, MINUTE_MS, METRIC_limited_failures },
    [LIMITS_CHALLENGES] = { BUCKETS, MINUTE_MS, METRIC_limited_challenges },
    [LIMITS_REGISTRATIONS] = { BUCKETS, HOUR_MS, METRIC_limited_registrations },
    [LIMITS_CLAIM_PAIR] = { BUCKETS, HOUR_MS, METRIC_limited_claims },
    [LIMITS_CLAIM_TARGET] = { BUCKETS, HOUR_MS, METRIC_limited_claim_targets },
    [LIMITS_LOOKUPS] = { BUCKETS, QUARTER_MS, METRIC_limited_lookups },
    [LIMITS_HANDLES] = { BUCKETS, HOUR_MS, METRIC_limited_handles },
    [LIMITS_GROUPS] = { BUCKETS, HOUR_MS, METRIC_limited_groups },
    [LIMITS_RECOVERIES] = { BUCKETS, HOUR_MS, METRIC_limited_recoveries },
    [LIMITS_LINKS] = { BUCKETS, HOUR_MS, METRIC_limited_links },
};

struct limits {
    struct bucket_table *tables[LIMITS_CLASSES];
    int64_t counts[LIMITS_CLASSES];
    int64_t keyed_ms;  /* when the key was drawn */
    int64_t given_way; /* as told to the metrics */
};

static void draw_key(struct limits *limits)
{
    uint8_t key[CRYPTO_SIPHASH_KEY_BYTES];

    random_fill(key, sizeof key);
    for (size_t i = 0; i < LIMITS_CLASSES; i++) {
        bucket_set_key(limits->tables[i], key);
    }
    mem_wipe(key, sizeof key);
}

int64_t limits_bytes(void)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < LIMITS_CLASSES; i++) {
        bytes += (int64_t)kinds[i].buckets * BUCKET_BYTES;
    }
    return bytes;
}

struct limits *limits_create(void)
{
    struct limits *limits = mem_zeroed(1, sizeof *limits);

    for (size_t i = 0; i < LIMITS_CLASSES; i++) {
        limits->tables[i] = bucket_create(kinds[i].buckets);
    }
    draw_key(limits);
    return limits;
}

void limits_destroy(struct limits *limits)
{
    for (size_t i = 0; limits != NULL && i < LIMITS_CLASSES; i++) {
        bucket_destroy(limits->tables[i]);
    }
    free(limits);
}

void limits_set(struct limits *limits, enum limits_class class, int64_t count)
{
    limits->counts[class] = count;
    bucket_set_rate(limits->tables[class],
                    (struct bucket_rate){ .count = count, .period_ms = kinds[class].period_ms });
}

int64_t limits_count(const struct limits *limits, enum limits_class class)
{
    return limits->counts[class];
}

void limits_renew_key(struct limits *limits, int64_t now_ms)
{
    int64_t given_way = 0;

    for (size_t i = 0; i < LIMITS_CLASSES; i++) {
        given_way += bucket_given_way(limits->tables[i]);
    }
    metrics_add(METRIC_buckets_given_way, given_way - limits->given_way);
    limits->given_way = given_way;
    if (limits->keyed_ms == 0 || now_ms < limits->keyed_ms) {
        limits->keyed_ms = now_ms; /* it was drawn just now, or the clock went back */
    } else if (now_ms - limits->keyed_ms >= HOUR_MS) {
        limits->keyed_ms = now_ms;
        draw_key(limits);
    }
}

static int64_t wait_ms(const struct limits *limits, const struct limits_ask *ask, int64_t now_ms)
{
    return ask->name.size == 0
               ? 0
               : bucket_wait_ms(limits->tables[ask->class], ask->name, ask->tokens, now_ms);
}

int limits_wait_s(const struct limits *limits, const struct limits_ask *ask, int64_t now_ms)
{
    return (int)((wait_ms(limits, ask, now_ms) + MS_IN_S - 1) / MS_IN_S);
}

void limits_count_refusal(enum limits_class class)
{
    metrics_add(kinds[class].refused, 1);
}

int limits_take(struct limits *limits, const struct limits_ask *asks, size_t count, int64_t now_ms)
{
    size_t worst = 0;
    int longest_s = 0;

    for (size_t i = 0; i < count; i++) {
        int wait = limits_wait_s(limits, &asks[i], now_ms);
        if (wait > longest_s) {
            longest_s = wait;
            worst = i;
        }
    }
    if (longest_s > 0) {
        limits_count_refusal(asks[worst].class);
        return longest_s;
    }
    for (size_t i = 0; i < count; i++) {
        limits_charge(limits, &asks[i], now_ms);
    }
    return 0;
}

void limits_charge(struct limits *limits, const struct limits_ask *ask, int64_t now_ms)
{
    if (ask->name.size > 0) {
        bucket_take(limits->tables[ask->class], ask->name, ask->tokens, now_ms);
    }
}

void limits_give_back(struct limits *limits, const struct limits_ask *ask, int64_t now_ms)
{
    if (ask->name.size > 0) {
        bucket_give_back(limits->tables[ask->class], ask->name, ask->tokens, now_ms);
    }
}
