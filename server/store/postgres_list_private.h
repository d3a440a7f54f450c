/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in order.  Zero it; the batches are linked by their next. */
#pragma once

#include <stdint.h>

struct store_batch;

enum {
    POSTGRES_PATIENCE_MS = 2000
};

struct postgres_list {
    struct store_batch *first;
    struct store_batch *last; /* NULL: the list is empty */
};

void postgres_list_append(struct postgres_list *list, struct store_batch *batch);

/* Take the first batch, or NULL; or all of them, as a list linked by next. */
struct store_batch *postgres_list_take(struct postgres_list *list);
struct store_batch *postgres_list_take_all(struct postgres_list *list);

/* Put all of other before list's own, in their order, and leave other empty. */
void postgres_list_prepend(struct postgres_list *list, struct postgres_list *other);

/*
 * After a run that came to nothing: end STORE_BUSY what has waited for POSTGRES_PATIENCE_MS.  So no
 * answer takes longer than one run that fails at its last moment, and a little more.
 */
void postgres_list_give_up_old(const struct postgres_list *list, int64_t now_ms);
