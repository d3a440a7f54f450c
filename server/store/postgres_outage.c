/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>

#include "common/loop.h"
#include "server/store/postgres_outage_private.h"

static void on_grace_over(void *arg)
{
    struct postgres_outage *outage = arg;

    outage->is_down = true;
    outage->on_down(outage->arg);
}

void postgres_outage_init(struct postgres_outage *outage, struct loop *loop,
                          void (*on_down)(void *arg), void *arg)
{
    *outage = (struct postgres_outage){ .on_down = on_down, .arg = arg };
    outage->timer = loop_timer_create(loop, on_grace_over, outage);
}

void postgres_outage_clear(struct postgres_outage *outage)
{
    if (outage->timer != NULL) {
        loop_timer_destroy(outage->timer);
        outage->timer = NULL;
    }
}

void postgres_outage_begin(struct postgres_outage *outage)
{
    if (!outage->is_down && !outage->is_begun) {
        outage->is_begun = true;
        loop_timer_start(outage->timer, POSTGRES_GRACE_MS);
    }
}

void postgres_outage_end(struct postgres_outage *outage)
{
    loop_timer_stop(outage->timer);
    outage->is_begun = false;
    outage->is_down = false;
}
