/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What owners of keys hear: that few are left, once each time their number falls
 * below LIMIT_KEYS_LOW; that a last resort was handed out, at its first use and
 * whenever the count has doubled, so that nobody is flooded by being drained.
 * The device's stream may be on another daemon.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/ids.h"

struct domain;
struct slot;

/* Tell that count keys are left in the slot. */
void keys_tell_low(struct domain *domain, const struct device_pub *pub, const struct slot *slot,
                   int64_t count);

/* Tell of the use number uses of the slot's last resort, if it is one to tell of. */
void keys_tell_last_resort(struct domain *domain, const struct device_pub *pub,
                           const struct slot *slot, int64_t uses, int64_t first_use_day);
