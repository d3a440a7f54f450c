/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/keys_tell.h"

#include <stdbool.h>

#include "common/metrics.h"
#include "server/domain/changes.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/slots.h"

void keys_tell_low(struct domain *domain, const struct device_pub *pub, const struct slot *slot,
                   int64_t count)
{
    const struct hub_event event = { .kind = HUB_EVENT_KEYS_LOW,
                                     .slot = slot->name,
                                     .count = count };

    metrics_add(METRIC_keys_low, 1);
    changes_tell_keys(domain, pub, &event);
    hub_tell(domain->hub, pub, &event);
}

static bool is_power_of_two(int64_t number)
{
    return number > 0 && (number & (number - 1)) == 0;
}

void keys_tell_last_resort(struct domain *domain, const struct device_pub *pub,
                           const struct slot *slot, int64_t uses, int64_t first_use_day)
{
    const struct hub_event event = { .kind = HUB_EVENT_LAST_RESORT_USED,
                                     .slot = slot->name,
                                     .count = uses,
                                     .first_use_day = first_use_day };

    metrics_add(METRIC_keys_last_resort, 1);
    if (is_power_of_two(uses)) {
        changes_tell_keys(domain, pub, &event);
        hub_tell(domain->hub, pub, &event);
    }
}
