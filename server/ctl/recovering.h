/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovering an account by the seed of its recovery key: its chain is read without a session and
 * verified, then a list is written in which this device stands alone.  What the relay shows is
 * believed only where the recovery key of its head is ours.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/handle.h"
#include "common/ids.h"
#include "server/ctl/exit_code.h"

struct arguments;
struct device;

/* Whose account: an id, or a handle. */
struct recovering_whom {
    bool is_handle;
    struct handle handle;
    struct account_id account;
};

/* Read what a person wrote; false, with the reason said, when it is neither. */
bool recovering_whom_read(const char *text, struct recovering_whom *out);

/* Put it into a request. */
void recovering_whom_put(const struct recovering_whom *whom, json_t *body);

/*
 * Make the device, which has no account yet, the only one of whom's account, by the seed of its
 * recovery key, and have a session.  When the list is there already by an earlier try, go on from
 * there.
 */
enum exit_code recovering_run(struct device *device, const struct recovering_whom *whom,
                              const uint8_t seed[32]);

/* Open the device in the folder, which must have no account, or make one there for --url. */
enum exit_code recovering_open(const struct arguments *arguments, struct device *device);

/* Say whose device it is now. */
void recovering_say(const struct arguments *arguments, const struct device *device);
