/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Since when the relay has been awake: what waits for an account's devices to object must not come
 * due while they could not reach it.  The janitor calls every second; a longer silence, or a clock
 * that went back, is sleep.  Loop thread.
 */
#pragma once

#include <stdint.h>

struct domain;

enum {
    AWAKE_GRACE_MAX_S =
        300 /* after a sleep: for the devices to come back, to be told, and to veto */
};

/* Note that the clock shows now_ms. */
void awake_call(struct domain *domain, int64_t now_ms);

/* The Unix millisecond since which calls follow one another, as seen at now_ms. */
int64_t awake_since_ms(const struct domain *domain, int64_t now_ms);

/* The Unix millisecond before which nothing that waits wait_s seconds is done. */
int64_t awake_grace_end_ms(const struct domain *domain, int64_t wait_s, int64_t now_ms);
