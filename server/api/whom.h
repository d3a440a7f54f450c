/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a call without a session is about: exactly one of account_id and handle.  Loop thread. */
#pragma once

#include <stdbool.h>

#include "common/handle.h"
#include "common/ids.h"
#include "common/json.h"

/* Read either; true when it is the handle.  Neither, both, or no handle is a fault of reader. */
bool whom_read(struct json_reader *reader, struct account_id *out_account_id,
               struct handle *out_handle);
