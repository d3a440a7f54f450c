/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/wait.h"

#include <poll.h>
#include <stddef.h>

#include "common/clock.h"

enum {
    STEP_MS = 500
};

int64_t wait_a_while(int64_t until_ms)
{
    int64_t left_ms = 0;

    (void)poll(NULL, 0, STEP_MS);
    left_ms = until_ms - clock_steady_ms();
    return left_ms > 0 ? left_ms : 0;
}
