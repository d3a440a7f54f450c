/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table over nodes that live inside the caller's own structs, keyed by
 * bytes that strangers may choose: the hash is SipHash under a secret key
 * (uthash does the buckets).  Nodes stand in the order in which they were
 * added; table_renew moves one to the end, which makes it a cache with the
 * least recently used first.  One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "common/bytes.h"
#include "common/crypto.h"

struct table_node {
    void *item;       /* what the node stands in */
    struct bytes key; /* borrowed: lives in the item */
    UT_hash_handle hh;
};

struct table {
    struct table_node *first;
    uint8_t hash_key[CRYPTO_SIPHASH_KEY_BYTES];
};

/* Begin an empty table.  There is nothing to clear once all nodes are removed. */
void table_init(struct table *table, const uint8_t hash_key[CRYPTO_SIPHASH_KEY_BYTES]);

/* Put node in for item under key, which is not in the table yet. */
void table_add(struct table *table, struct table_node *node, void *item, struct bytes key);

/* Return the item under key, or NULL. */
void *table_find(const struct table *table, struct bytes key);

/* Take node out. */
void table_remove(struct table *table, struct table_node *node);

/* Move node behind all others. */
void table_renew(struct table *table, struct table_node *node);

/* Number of nodes; the first item (oldest), or NULL; the item after node, or NULL. */
size_t table_size(const struct table *table);
void *table_oldest(const struct table *table);
void *table_after(const struct table_node *node);
