/* SPDX-License-Identifier: Apache-2.0 */
/* What all devices of an account have in the directory, for the operator; never key material. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"

struct keys_account_device {
    uint32_t device_id;
    struct keys_stock stock;
};

/*
 * Hear of the devices, ascending by device_id, at most LIMIT_MANIFEST_DEVICES;
 * borrowed until return.  NULL when there is no such account, or when ok is false:
 * the store could not say.
 */
typedef void keys_account_fn(void *arg, bool ok, const struct keys_account_device *devices,
                             size_t count);

/* Count and tell done, later, exactly once.  account_id is copied. */
void keys_count_account(struct domain *domain, const struct account_id *account_id, int64_t now_ms,
                        keys_account_fn *done, void *arg);
