/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rates of a send: envelopes from its device to each recipient, and bytes to
 * each.  Either all pass and are counted, or none; the answer lists whom it was
 * not for, so that the sender can go on with the others.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/mem.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes.h"
#include "server/domain/envelopes_private.h"
#include "server/domain/limits.h"

enum {
    ASKS = 2 /* for each recipient */
};

struct pair {
    struct device_pub sender;
    struct device_pub recipient;
};

static void fill_asks(const struct envelope_send *send, size_t place, struct pair *pair,
                      struct limits_ask out[ASKS])
{
    const struct envelope_recipient *recipient = &send->recipients[place];

    pair->sender = send->sender;
    pair->recipient = recipient->pub;
    out[0] = (struct limits_ask){
        .class = LIMITS_PAIR,
        .name = bytes_of((const uint8_t *)pair, sizeof *pair),
        .tokens = 1,
    };
    out[1] = (struct limits_ask){
        .class = LIMITS_INBOUND,
        .name = bytes_of(recipient->pub.raw, sizeof recipient->pub.raw),
        .tokens = (int64_t)(recipient->part.size + send->shared.size),
    };
}

/* Note a recipient that must wait; the first makes room for all. */
static void note_limited(const struct envelope_send *send, size_t place, int wait_s,
                         struct envelope_outcome *out, struct device_pub **limited)
{
    if (*limited == NULL) {
        *limited = mem_raw(send->count * sizeof **limited);
    }
    (*limited)[out->limited.count] = send->recipients[place].pub;
    out->limited.at = *limited;
    out->limited.count++;
    out->retry_s = wait_s > out->retry_s ? wait_s : out->retry_s;
}

/* Seconds that a recipient must wait; 0: none. */
static int wait_of(const struct limits *limits, const struct limits_ask asks[ASKS], int64_t now_ms)
{
    for (size_t i = 0; i < ASKS; i++) {
        int wait_s = limits_wait_s(limits, &asks[i], now_ms);
        if (wait_s > 0) {
            limits_count_refusal(asks[i].class);
            return wait_s;
        }
    }
    return 0;
}

bool envelopes_limits_pass(struct domain *domain, const struct envelope_send *send, int64_t now_ms,
                           struct envelope_outcome *out, struct device_pub **out_limited)
{
    struct limits_ask asks[ASKS];
    struct pair pair;

    for (size_t i = 0; i < send->count; i++) {
        fill_asks(send, i, &pair, asks);
        int wait_s = wait_of(domain->limits, asks, now_ms);
        if (wait_s > 0) {
            note_limited(send, i, wait_s, out, out_limited);
        }
    }
    if (out->limited.count > 0) {
        out->result = ENVELOPE_RATE_LIMITED;
        return false;
    }
    for (size_t i = 0; i < send->count; i++) {
        fill_asks(send, i, &pair, asks);
        limits_charge(domain->limits, &asks[0], now_ms);
        limits_charge(domain->limits, &asks[1], now_ms);
    }
    return true;
}
