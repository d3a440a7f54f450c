/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts that this device has met, each with its verified head (a pin) in the
 * device's folder.  What the relay shows is verified from the pin on, never believed.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/ids.h"
#include "common/manifest.h"
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

/*
 * Bring chain, which people_fetch filled, up to the head that another answer of the relay shows: page
 * has "epoch", "hash", "manifests" behind the chain's head and "more".  The rest is as there.
 */
enum exit_code people_extend(struct device *device, struct chain *chain, const json_t *page);

/* Hear of a verified manifest, in the order of their epochs.  Borrowed until return. */
typedef void people_visit_fn(void *arg, const struct manifest *manifest);

/*
 * Tell visit all manifests that led to chain's head, from the first on.  They are fetched and
 * verified anew, for only heads are kept; what the relay has behind that head is left alone.
 */
enum exit_code people_walk(struct device *device, const struct chain *chain, people_visit_fn *visit,
                           void *arg);

/* Keep chain's head as the pin of its account. */
bool people_pin(const struct device_state *state, const struct chain *chain);
