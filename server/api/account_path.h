/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a path that name an account and an epoch.  Loop thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"

struct exchange;

enum {
    ACCOUNT_PATH_EPOCH_BITS = 53 /* epochs stay numbers that JSON carries exactly */
};

/* Read {account_id} or {epoch}; false when it is none: then the exchange is answered 400. */
bool account_path_id(struct exchange *exchange, struct account_id *out);
bool account_path_epoch(struct exchange *exchange, uint64_t *out);
