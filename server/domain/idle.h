/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that were not seen for long.  First the account's other devices are
 * told; later the device's mailbox is closed and emptied, until the device
 * begins a session again.  It stays in the manifest.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "server/domain/domain.h"

enum {
    IDLE_BATCH = 50
};

/* Warn of, close and empty up to IDLE_BATCH mailboxes each; tell how many were touched. */
void idle_run(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
