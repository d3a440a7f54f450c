/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/health.h"

#include "server/domain/domain.h"
#include "server/store/store.h"

bool health_is_ready(const struct domain *domain, const char **out_why)
{
    return store_is_ready(domain->store, out_why);
}

bool health_has_room(const struct domain *domain)
{
    return !store_is_overfull(domain->store);
}
