/* SPDX-License-Identifier: Apache-2.0 */
#include "common/table.h"

#include <string.h>

#include "common/check.h"

static unsigned table_hash(const struct table *table, struct bytes key)
{
    return (unsigned)crypto_siphash(table->hash_key, key);
}

void table_init(struct table *table, const uint8_t hash_key[CRYPTO_SIPHASH_KEY_BYTES])
{
    table->first = NULL;
    memcpy(table->hash_key, hash_key, CRYPTO_SIPHASH_KEY_BYTES);
}

/* NOLINTBEGIN: the macros of uthash expand to code with manners of its own. */

void table_add(struct table *table, struct table_node *node, void *item, struct bytes key)
{
    unsigned hash = table_hash(table, key);

    node->item = item;
    node->key = key;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, table->first, node->key.at, (unsigned)node->key.size, hash,
                                node);
}

void *table_find(const struct table *table, struct bytes key)
{
    struct table_node *node = NULL;
    unsigned hash = table_hash(table, key);

    HASH_FIND_BYHASHVALUE(hh, table->first, key.at, (unsigned)key.size, hash, node);
    return node == NULL ? NULL : node->item;
}

void table_remove(struct table *table, struct table_node *node)
{
    CHECK(table->first != NULL);
    HASH_DELETE(hh, table->first, node);
}

/* NOLINTEND */

void table_renew(struct table *table, struct table_node *node)
{
    struct bytes key = node->key;
    void *item = node->item;

    if (node->hh.next != NULL) {
        table_remove(table, node);
        table_add(table, node, item, key);
    }
}

size_t table_size(const struct table *table)
{
    return HASH_COUNT(table->first);
}

void *table_oldest(const struct table *table)
{
    return table->first == NULL ? NULL : table->first->item;
}

void *table_after(const struct table_node *node)
{
    const struct table_node *next = node->hh.next;

    return next == NULL ? NULL : next->item;
}
