/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way out: sealed for each device of a verified account, and
 * written as the relay wants it over HTTP or the stream.  A repeat of the same
 * outgoing message is one message to the relay.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

struct chain;
struct device_state;

struct outgoing {
    struct envelope_id id;
    int64_t ttl_s;
    bool is_urgent;
    bool is_online_only;
    struct account_id account; /* of the recipients, with the epoch they stand in */
    uint64_t epoch;
    size_t count;
    struct outgoing_copy *copies;
};

/* A random id, an hour to a month of life, no copies. */
void outgoing_init(struct outgoing *outgoing, int64_t ttl_s);
void outgoing_clear(struct outgoing *outgoing);

/*
 * Seal content anew for every device of to's head, but not for the sending one.  False, with
 * the reason said, when a device has no key for it or content is too long.
 */
bool outgoing_seal(struct outgoing *outgoing, const struct device_state *from,
                   const struct chain *to, struct bytes content);

/* The body of POST /v1/envelopes. */
json_t *outgoing_json(const struct outgoing *outgoing);

/* Append the SEND message of the stream. */
void outgoing_frame(const struct outgoing *outgoing, uint32_t request, struct buf *out);
