/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys are locked in ascending order, those of one lock in one statement, the
 * locks in order of their names: so two daemons never wait for each other.
 *
 * A payload is "SELF KEY,KEY,..." with keys in hexadecimal, or "SELF *" when
 * they do not fit.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

enum {
    KEYS_BASE = 16,
    KEYS_TEXT_BYTES = 24
};

/* Keys that grow: a struct buf of int64_t. */
static void keys_add(struct buf *keys, int64_t key)
{
    buf_append(keys, bytes_of(&key, sizeof key));
}

static int keys_compare(const void *a, const void *b)
{
    int64_t left;
    int64_t right;

    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

/* Sort keys, drop repeats, and return how many are left. */
static size_t keys_sort(struct buf *keys)
{
    int64_t *at = (int64_t *)(void *)keys->at;
    size_t count = keys->size / sizeof *at;
    size_t kept = 0;

    if (count > 0) {
        qsort(at, count, sizeof *at, keys_compare);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || at[kept - 1] != at[i]) {
            at[kept++] = at[i];
        }
    }
    return kept;
}

/* The lock whose name comes next after `after` (NULL: the first), or NULL. */
static const struct store_stmt *keys_next_lock(const struct store_batch *first,
                                               const struct store_stmt *after)
{
    const struct store_stmt *next = NULL;

    for (const struct store_batch *batch = first; batch != NULL; batch = batch->next) {
        const struct store_stmt *lock = batch->is_settled ? NULL : batch->lock;
        if (lock != NULL && (after == NULL || strcmp(lock->name, after->name) > 0) &&
            (next == NULL || strcmp(lock->name, next->name) < 0)) {
            next = lock;
        }
    }
    return next;
}

/* Add the keys that lock is to take for the batch. */
static void keys_add_of(struct buf *keys, const struct store_batch *batch,
                        const struct store_stmt *lock)
{
    const struct store_key *key = batch->is_settled || batch->lock != lock ? NULL : batch->locks;

    for (; key != NULL; key = key->next) {
        keys_add(keys, key->key);
    }
}

void postgres_keys_lock(struct postgres_conn *conn, const struct store_batch *first)
{
    const struct store_stmt *lock = keys_next_lock(first, NULL);
    struct buf keys = { 0 };

    while (lock != NULL) {
        for (const struct store_batch *batch = first; batch != NULL; batch = batch->next) {
            keys_add_of(&keys, batch, lock);
        }
        postgres_conn_lock(conn, lock, (const int64_t *)(const void *)keys.at, keys_sort(&keys));
        buf_empty(&keys);
        lock = keys_next_lock(first, lock);
    }
    buf_clear(&keys);
}

static void keys_write(const char *self, const int64_t *keys, size_t count,
                       char out[POSTGRES_PAYLOAD_BYTES])
{
    size_t size = (size_t)snprintf(out, POSTGRES_PAYLOAD_BYTES, "%s ", self);
    size_t head = size;

    for (size_t i = 0; i < count && size < POSTGRES_PAYLOAD_BYTES - KEYS_TEXT_BYTES; i++) {
        size += (size_t)snprintf(out + size, POSTGRES_PAYLOAD_BYTES - size, "%s%" PRIx64,
                                 i == 0 ? "" : ",", (uint64_t)keys[i]);
    }
    if (size >= POSTGRES_PAYLOAD_BYTES - KEYS_TEXT_BYTES) {
        (void)snprintf(out + head, POSTGRES_PAYLOAD_BYTES - head, "*");
    }
}

bool postgres_keys_payload(const char *self, const struct store_batch *first,
                           char out[POSTGRES_PAYLOAD_BYTES])
{
    struct buf keys = { 0 };

    for (const struct store_batch *batch = first; batch != NULL; batch = batch->next) {
        const struct store_key *key = batch->is_settled ? NULL : batch->tells;
        for (; key != NULL; key = key->next) {
            keys_add(&keys, key->key);
        }
    }
    size_t count = keys_sort(&keys);
    if (count > 0) {
        keys_write(self, (const int64_t *)(const void *)keys.at, count, out);
    }
    buf_clear(&keys);
    return count > 0;
}

void postgres_keys_give(const struct store *store, const char *keys)
{
    struct buf read = { 0 };
    const char *at = keys;
    char *end = NULL;

    while (*at != '\0' && *at != '*') {
        uint64_t key = strtoull(at, &end, KEYS_BASE);
        if (end == at) {
            break; /* not ours: somebody else uses the channel */
        }
        keys_add(&read, (int64_t)key);
        at = *end == ',' ? end + 1 : end;
    }
    if (*at == '*') {
        store_give_news(store, NULL, 0);
    } else if (read.size > 0) {
        store_give_news(store, (const int64_t *)(const void *)read.at, read.size / sizeof(int64_t));
    }
    buf_clear(&read);
}
