/* SPDX-License-Identifier: Apache-2.0 */
/* How full the pools of keys for single use are, for the operator: counts, nobody's name. */
#pragma once

#include <stdint.h>

#include "server/domain/domain.h"

/*
 * Count all pools page by page and set the gauges key_pools_*; they stay as they
 * were when the store could not say.  done is called later, exactly once, with 0.
 */
void keys_census_run(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
