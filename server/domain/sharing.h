/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What daemons that share a database owe each other: a batch that changes what
 * stands in a mailbox locks the mailbox's row before anything of it runs, and
 * tells the others what they must look at.  Where the store is not shared, both
 * cost a note and do nothing.  Loop thread.
 */
#pragma once

#include <stdint.h>

struct store_batch;

enum sharing_news {
    SHARING_CHANGES = 0, /* rows of changes were added; the mailbox is 0 */
    SHARING_MAIL,        /* something was put into the mailbox */
    SHARING_STREAM,      /* its device opened a stream */
    SHARING_ACKED,       /* items were acknowledged where its device has no stream */
};

/* Lock the mailbox's row before the batch runs. */
void sharing_lock(struct store_batch *batch, int64_t mailbox);

/* Tell the other daemons once the batch has committed. */
void sharing_tell(struct store_batch *batch, enum sharing_news news, int64_t mailbox);

/* What a key that was told says. */
enum sharing_news sharing_news_of(int64_t key);
int64_t sharing_mailbox_of(int64_t key);
