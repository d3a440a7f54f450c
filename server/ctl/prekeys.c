/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/prekeys.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/random.h"

enum {
    EC_TYPE = 0x05,
    ROOM_FIRST = 128
};

/* The label ends with its NUL. */
static const char digest_label[] = "sealpost/keys-check/1";

static const struct {
    const char *name;
    bool is_made; /* here */
} slots[PREKEY_SLOTS] = {
    [PREKEY_SIGNED_EC] = { "signal.signed-ec", true },
    [PREKEY_ONE_TIME_EC] = { "signal.one-time-ec", true },
    [PREKEY_ONE_TIME_KYBER] = { "signal.one-time-kyber", false },
    [PREKEY_LAST_KYBER] = { "signal.last-kyber", false },
};

const char *prekeys_slot_name(enum prekey_slot slot)
{
    return slots[slot].name;
}

bool prekeys_slot_is_made(enum prekey_slot slot)
{
    return slots[slot].is_made;
}

void prekeys_init(struct prekeys *prekeys, const struct device_pub *device)
{
    uint32_t chance = 0;

    random_fill(&chance, sizeof chance);
    *prekeys = (struct prekeys){
        .device = *device,
        .registration_id = 1 + chance % PREKEYS_REGISTRATIONS,
        .next_id = 1,
    };
}

void prekeys_copy(const struct prekeys *prekeys, struct prekeys *out)
{
    *out = *prekeys;
    for (size_t i = 0; i < PREKEY_SLOTS; i++) {
        const struct prekey_pool *pool = &prekeys->pools[i];
        struct prekey_pool *copy = &out->pools[i];

        if (pool->room > 0) {
            copy->at = mem_zeroed(pool->room, sizeof copy->at[0]);
            memcpy(copy->at, pool->at, pool->count * sizeof copy->at[0]);
        }
    }
}

void prekeys_clear(struct prekeys *prekeys)
{
    for (size_t i = 0; i < PREKEY_SLOTS; i++) {
        struct prekey_pool *pool = &prekeys->pools[i];

        mem_wipe(pool->at, pool->room * sizeof pool->at[0]);
        free(pool->at);
    }
    *prekeys = (struct prekeys){ .registration_id = 0 };
}

/* Room for one more, behind the others.  A secret that was moved is wiped where it was. */
static struct prekey *pool_append(struct prekey_pool *pool)
{
    if (pool->count == pool->room) {
        size_t room = pool->room == 0 ? ROOM_FIRST : 2 * pool->room;
        struct prekey *at = mem_zeroed(room, sizeof at[0]);

        if (pool->count > 0) {
            memcpy(at, pool->at, pool->count * sizeof at[0]);
            mem_wipe(pool->at, pool->room * sizeof at[0]);
        }
        free(pool->at);
        pool->at = at;
        pool->room = room;
    }
    memset(&pool->at[pool->count], 0, sizeof pool->at[0]);
    return &pool->at[pool->count++];
}

static void pool_remove(struct prekey_pool *pool, size_t from, size_t count)
{
    size_t behind = pool->count - from - count;

    memmove(&pool->at[from], &pool->at[from + count], behind * sizeof pool->at[0]);
    mem_wipe(&pool->at[pool->count - count], count * sizeof pool->at[0]);
    pool->count -= count;
}

/* The place of the key with that id, or count. */
static size_t pool_find(const struct prekey_pool *pool, uint32_t id)
{
    size_t at = 0;

    while (at < pool->count && pool->at[at].id != id) {
        at++;
    }
    return at;
}

/* An id that no key of the pool has: after the last one they begin again. */
static uint32_t next_id(struct prekeys *prekeys, const struct prekey_pool *pool)
{
    uint32_t id = 0;

    do {
        id = prekeys->next_id;
        prekeys->next_id = id == PREKEYS_ID_MAX ? 1 : id + 1;
    } while (pool_find(pool, id) < pool->count);
    return id;
}

void prekeys_make(struct prekeys *prekeys, enum prekey_slot slot, size_t count)
{
    struct prekey_pool *pool = &prekeys->pools[slot];

    CHECK(slots[slot].is_made);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = next_id(prekeys, pool);
        struct prekey *made = pool_append(pool);
        struct bytes key = bytes_of(made->key, sizeof made->key);

        made->id = id;
        made->is_pending = true;
        made->key[0] = EC_TYPE;
        crypto_make_box_pair(made->key + 1, made->secret);
        crypto_sha256(&key, 1, made->hash);
    }
}

bool prekeys_note(struct prekeys *prekeys, enum prekey_slot slot, uint32_t id, struct bytes key,
                  bool moved)
{
    struct prekey_pool *pool = &prekeys->pools[slot];
    struct prekey noted = { .id = id, .is_pending = true, .is_noted = true };

    CHECK(!slots[slot].is_made);
    crypto_sha256(&key, 1, noted.hash);
    size_t at = pool_find(pool, id);
    if (at == pool->count) {
        *pool_append(pool) = noted;
        return true;
    }
    if (memcmp(pool->at[at].hash, noted.hash, sizeof noted.hash) != 0) {
        return false;
    }
    pool->at[at].is_noted = true;
    if (moved) {
        noted.is_pending = pool->at[at].is_pending;
        pool_remove(pool, at, 1);
        *pool_append(pool) = noted;
    }
    return true;
}

size_t prekeys_pending(const struct prekeys *prekeys, enum prekey_slot slot)
{
    const struct prekey_pool *pool = &prekeys->pools[slot];
    size_t count = 0;

    for (size_t i = 0; i < pool->count; i++) {
        count += pool->at[i].is_pending ? 1 : 0;
    }
    return count;
}

static bool has_noted(const struct prekey_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->at[i].is_noted) {
            return true;
        }
    }
    return false;
}

void prekeys_settle(struct prekeys *prekeys, bool replaced)
{
    for (size_t i = 0; i < PREKEY_SLOTS; i++) {
        struct prekey_pool *pool = &prekeys->pools[i];
        bool is_whole = slots[i].is_made || (replaced && has_noted(pool));

        for (size_t j = 0; j < pool->count; j++) {
            pool->at[j].is_pending = pool->at[j].is_pending && !is_whole && !pool->at[j].is_noted;
        }
        if (pool->count > PREKEYS_KEPT) {
            pool_remove(pool, 0, pool->count - PREKEYS_KEPT);
        }
    }
}

/* ---- the digest ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct prekey *left = a;
    const struct prekey *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

/* Write the newest held of pool to out, ascending by id; returns how many there are. */
static size_t newest(const struct prekey_pool *pool, size_t held, bool with_pending,
                     struct prekey *out)
{
    size_t count = 0;

    for (size_t i = pool->count; i > 0 && count < held; i--) {
        if (with_pending || !pool->at[i - 1].is_pending) {
            out[count++] = pool->at[i - 1];
        }
    }
    qsort(out, count, sizeof out[0], compare_ids);
    return count;
}

static void append_slot(struct buf *out, const char *name, const struct prekey *keys, size_t count)
{
    buf_append_u8(out, (uint8_t)strlen(name));
    buf_append_text(out, name);
    buf_append_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        buf_append_u16(out, sizeof keys[i].id);
        buf_append_u32(out, keys[i].id);
        buf_append(out, bytes_of(keys[i].hash, sizeof keys[i].hash));
    }
}

void prekeys_digest(const struct prekeys *prekeys, const size_t held[PREKEY_SLOTS],
                    bool with_pending, uint8_t out[CRYPTO_SHA256_BYTES])
{
    /* Ascending by name. */
    static const enum prekey_slot order[PREKEY_SLOTS] = { PREKEY_LAST_KYBER, PREKEY_ONE_TIME_EC,
                                                          PREKEY_ONE_TIME_KYBER, PREKEY_SIGNED_EC };
    struct buf text = { 0 };

    buf_append(&text, bytes_of(digest_label, sizeof digest_label));
    for (size_t i = 0; i < PREKEY_SLOTS; i++) {
        const struct prekey_pool *pool = &prekeys->pools[order[i]];
        struct prekey *keys = mem_zeroed(pool->count + 1, sizeof keys[0]);
        size_t count = newest(pool, held[order[i]], with_pending, keys);

        if (count > 0) {
            append_slot(&text, slots[order[i]].name, keys, count);
        }
        mem_wipe(keys, (pool->count + 1) * sizeof keys[0]);
        free(keys);
    }
    struct bytes part = buf_view(&text);
    crypto_sha256(&part, 1, out);
    buf_clear(&text);
}
