/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/awake.h"

#include <stdbool.h>

#include "server/domain/domain.h"

enum {
    ASLEEP_MS = 60000, /* not called for this long */
    SECOND_MS = 1000
};

static bool was_asleep(const struct domain *domain, int64_t now_ms)
{
    return now_ms < domain->called_ms || now_ms > domain->called_ms + ASLEEP_MS;
}

void awake_call(struct domain *domain, int64_t now_ms)
{
    if (was_asleep(domain, now_ms)) {
        domain->awake_ms = now_ms;
    }
    domain->called_ms = now_ms;
}

int64_t awake_since_ms(const struct domain *domain, int64_t now_ms)
{
    return was_asleep(domain, now_ms) ? now_ms : domain->awake_ms;
}

int64_t awake_grace_end_ms(const struct domain *domain, int64_t wait_s, int64_t now_ms)
{
    int64_t grace_s = wait_s < AWAKE_GRACE_MAX_S ? wait_s : AWAKE_GRACE_MAX_S;

    return awake_since_ms(domain, now_ms) + grace_s * SECOND_MS;
}
