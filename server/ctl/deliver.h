/* SPDX-License-Identifier: Apache-2.0 */
/* One message to every verified device of an account, over HTTP, for commands that say something. */
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "server/ctl/exit_code.h"

struct device;

/* Seal content for each device of to, and send it; anew when the list has changed meanwhile. */
enum exit_code deliver(struct device *device, const struct account_id *to, struct bytes content);
