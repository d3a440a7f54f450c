/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts that this device has met, each with its verified head (a pin) in the
 * device's folder.  What the relay shows is verified from the pin on, never believed.
 */
#pragma once

#include <stdbool.h>

#include "common/ids.h"
#include "server/ctl/chain.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"

/* Read an account id as people write it; false, with the reason said, when it is none. */
bool people_parse_id(const char *text, struct account_id *out);

/*
 * Bring the chain of account up to the relay's head, verifying every step, and keep it as
 * the new pin.  New epochs of the device's own account are announced on standard error
 * (rule 10).  Fills *chain, to be cleared by the caller, only for EXIT_CODE_OK.
 */
enum exit_code people_fetch(struct device *device, const struct account_id *account,
                            struct chain *chain);

/* Keep chain's head as the pin of its account. */
bool people_pin(const struct device_state *state, const struct chain *chain);
