/* SPDX-License-Identifier: Apache-2.0 */
/* A draft that is whole, on its way to the relay. */
#pragma once

#include "common/bytes.h"
#include "server/ctl/exit_code.h"

struct device;

/* Send a draft as the account's next manifest and say what became of it. */
enum exit_code draft_put(struct device *device, struct bytes draft);
