/* SPDX-License-Identifier: Apache-2.0 */
/* A key that is told is the mailbox's number and, in its two lowest bits, what there is of it. */
#include <stdint.h>

#include "server/domain/sharing.h"
#include "server/store/store.h"

enum {
    NEWS_BITS = 2,
    NEWS_MASK = 3
};

/* Only where the store is shared, so this is PostgreSQL's own dialect. */
static const struct store_stmt lock = {
    .name = "devices.lock",
    .sql = "SELECT mailbox FROM devices WHERE mailbox = ANY($1) ORDER BY mailbox FOR UPDATE",
};

void sharing_lock(struct store_batch *batch, int64_t mailbox)
{
    store_batch_lock(batch, &lock, mailbox);
}

void sharing_tell(struct store_batch *batch, enum sharing_news news, int64_t mailbox)
{
    store_batch_tell(batch, (int64_t)((uint64_t)mailbox << NEWS_BITS) | (int64_t)news);
}

enum sharing_news sharing_news_of(int64_t key)
{
    return (enum sharing_news)(key & NEWS_MASK);
}

int64_t sharing_mailbox_of(int64_t key)
{
    return key >> NEWS_BITS;
}
