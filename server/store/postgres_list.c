/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/postgres_list_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h" /* IWYU pragma: keep */

void postgres_list_append(struct postgres_list *list, struct store_batch *batch)
{
    batch->next = NULL;
    if (list->last == NULL) {
        list->first = batch;
    } else {
        list->last->next = batch;
    }
    list->last = batch;
}

struct store_batch *postgres_list_take(struct postgres_list *list)
{
    struct store_batch *first = list->first;

    if (first != NULL) {
        list->first = first->next;
        list->last = list->first == NULL ? NULL : list->last;
        first->next = NULL;
    }
    return first;
}

struct store_batch *postgres_list_take_all(struct postgres_list *list)
{
    struct store_batch *first = list->first;

    *list = (struct postgres_list){ 0 };
    return first;
}

void postgres_list_prepend(struct postgres_list *list, struct postgres_list *other)
{
    if (other->last == NULL) {
        return;
    }
    other->last->next = list->first;
    list->first = other->first;
    list->last = list->last == NULL ? other->last : list->last;
    *other = (struct postgres_list){ 0 };
}

void postgres_list_give_up_old(const struct postgres_list *list, int64_t now_ms)
{
    for (struct store_batch *batch = list->first; batch != NULL; batch = batch->next) {
        if (!batch->is_settled && now_ms - batch->given_ms >= POSTGRES_PATIENCE_MS) {
            batch->status = STORE_BUSY;
            batch->is_settled = true;
        }
    }
}
