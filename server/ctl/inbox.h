/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Received mail of a device: open each envelope, verify who sent it against the sender's
 * verified device list, and print it.  Only what was printed and flushed may be
 * acknowledged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/ctl/chain.h"
#include "server/ctl/exit_code.h"

struct device;

struct inbox {
    struct device *device;
    bool as_json;
    bool has_sender; /* sender holds the last sender's chain */
    struct chain sender;
    enum exit_code worst; /* UNVERIFIED once a message was */
};

/* An item as the relay gives it over HTTP or the stream. */
struct inbox_item {
    uint64_t seq;
    struct envelope_id id;
    int64_t minute;
    bool is_redelivered;
    struct bytes body;
};

struct inbox_gap {
    uint64_t seq;
    int64_t count;
    const char *reason;
};

/* device is borrowed for the inbox's life. */
void inbox_init(struct inbox *inbox, struct device *device, bool as_json);
void inbox_clear(struct inbox *inbox);

/*
 * Print an item or a gap, and keep what is a recovery share.  False when standard output or the folder
 * fails: do not acknowledge it.
 */
bool inbox_print(struct inbox *inbox, const struct inbox_item *item);
bool inbox_print_gap(struct inbox *inbox, const struct inbox_gap *gap);
