/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list check: the recipients must be exactly the devices of the account's
 * head manifest, less the sending device when the account is its own.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/ids.h"
#include "server/domain/directory.h"
#include "server/domain/envelopes.h"
#include "server/domain/envelopes_private.h"

static bool same_pub(const struct device_pub *a, const struct device_pub *b)
{
    return memcmp(a->raw, b->raw, sizeof a->raw) == 0;
}

/* Devices to which the send must go; the sender's own is not among them. */
static bool is_wanted(const struct delivery *delivery, const struct directory_head *head, size_t i)
{
    bool own = memcmp(head->account_id.raw, delivery->sender_account.raw,
                      sizeof head->account_id.raw) == 0;

    return !(own && same_pub(&head->devices[i].pub, &delivery->sender));
}

static bool is_addressed(const struct delivery *delivery, const struct device_pub *pub)
{
    for (size_t i = 0; i < delivery->count; i++) {
        if (same_pub(&delivery->copies[i].pub, pub)) {
            return true;
        }
    }
    return false;
}

static bool stands_in(const struct delivery *delivery, const struct directory_head *head,
                      const struct device_pub *pub)
{
    for (size_t i = 0; i < head->device_count; i++) {
        if (same_pub(&head->devices[i].pub, pub)) {
            return is_wanted(delivery, head, i);
        }
    }
    return false;
}

/* lists: [0, missing_count) missing, then odd_count keys that do not belong. */
bool envelopes_list_matches(struct delivery *delivery, const struct directory_head *head)
{
    struct device_pub *at = envelopes_lists(delivery);

    delivery->head_epoch = head->epoch;
    delivery->head_hash = head->hash;
    for (size_t i = 0; i < head->device_count; i++) {
        if (is_wanted(delivery, head, i) && !is_addressed(delivery, &head->devices[i].pub)) {
            *at++ = head->devices[i].pub;
        }
    }
    delivery->missing_count = (size_t)(at - delivery->lists);
    for (size_t i = 0; i < delivery->count; i++) {
        if (!stands_in(delivery, head, &delivery->copies[i].pub)) {
            *at++ = delivery->copies[i].pub;
        }
    }
    delivery->odd_count = (size_t)(at - delivery->lists) - delivery->missing_count;
    return delivery->missing_count == 0 && delivery->odd_count == 0 &&
           delivery->epoch == head->epoch;
}

/* lists: missing, the odd keys as they came, then those sorted: extra, stale. */
static void delivery_mismatch(struct delivery *delivery, size_t extra, size_t stale)
{
    const struct device_pub *sorted =
        delivery->lists + delivery->missing_count + delivery->odd_count;

    envelopes_finish(delivery, &(struct envelope_outcome){
                                   .result = ENVELOPE_LIST_MISMATCH,
                                   .missing = { delivery->lists, delivery->missing_count },
                                   .extra = { sorted, extra },
                                   .stale = { sorted + extra, stale },
                                   .head_epoch = delivery->head_epoch,
                                   .head_hash = delivery->head_hash,
                               });
}

static void on_split(void *arg, bool ok, const bool *left)
{
    struct delivery *delivery = arg;
    struct device_pub *odd = delivery->lists + delivery->missing_count;
    struct device_pub *sorted = odd + delivery->odd_count;
    size_t extra = 0;
    size_t stale = 0;

    if (!ok) {
        envelopes_fail(delivery, ENVELOPE_UNAVAILABLE);
        return;
    }
    /* Extra from the front, stale from the back. */
    for (size_t i = 0; i < delivery->odd_count; i++) {
        if (left[i]) {
            stale++;
            sorted[delivery->odd_count - stale] = odd[i];
        } else {
            sorted[extra] = odd[i];
            extra++;
        }
    }
    delivery_mismatch(delivery, extra, stale);
}

void envelopes_list_refuse(struct delivery *delivery, int64_t account)
{
    if (delivery->odd_count == 0) {
        delivery_mismatch(delivery, 0, 0);
        return;
    }
    directory_split_unknown(delivery->domain, account, delivery->lists + delivery->missing_count,
                            delivery->odd_count, on_split, delivery);
}
