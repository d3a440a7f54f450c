/* SPDX-License-Identifier: Apache-2.0 */
/* Receive over the stream for as long as it takes. */
#pragma once

#include <stdint.h>

#include "server/ctl/exit_code.h"

struct inbox;

/*
 * Print and acknowledge mail as it comes, connecting again whenever the stream ends, until
 * `limit` items were taken (0: for ever), the device is revoked or replaced, or printing fails.
 */
enum exit_code follow_run(struct inbox *inbox, int64_t limit);
