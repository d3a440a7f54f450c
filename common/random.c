/* SPDX-License-Identifier: Apache-2.0 */
#include "common/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "common/check.h"

void random_fill(void *out, size_t size)
{
    uint8_t *at = out;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        CHECK(got > 0 || errno == EINTR); /* nothing else can happen with valid arguments */
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

uint32_t random_below(uint32_t bound)
{
    uint32_t value;
    uint32_t surplus;

    CHECK(bound != 0);
    surplus = (uint32_t)((UINT64_C(1) << 32) % bound);
    do { /* what lies in the incomplete last round would favour small numbers */
        random_fill(&value, sizeof value);
    } while (value > UINT32_MAX - surplus);
    return value % bound;
}
