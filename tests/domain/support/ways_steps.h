/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a walk (factor_steps.h) that go the ways into an account: links and recoveries. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/domain/support/factor_steps.h"
#include "tests/domain/support/ways_rules.h"

/* A link is begun, or goes on; a recovery is, or does. */
factor_step_fn step_link_begin, step_link, step_recovery_begin, step_recovery;

/* The recovery key signs a list; the relay has slept until now. */
factor_step_fn step_recovery_key, step_asleep;

/* What they have in common: whom and by which grant a way is begun; grant lives as long. */
bool ways_order_of(struct walk *walk, struct factor_world *world, enum txn_purpose purpose,
                   const uint32_t choices[WALK_CHOICES], struct grant *grant,
                   struct ways_order *out);
void ways_hear_grant(struct walk *walk, struct factor_world *world, const struct ways_order *order,
                     enum txn_purpose purpose);

/* When the newest way ends, or its wait, or what is counted of prompts; 0: there is none. */
int64_t ways_an_end(const struct factor_model *model, uint32_t choice);
