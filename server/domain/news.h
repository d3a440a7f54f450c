/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other daemons tell, heard: streams are woken, ended or let go on, changes
 * are read.  Does nothing where the store is not shared.  Loop thread.
 */
#pragma once

#include <stdint.h>

struct domain;

/*
 * Note whether the store is shared, and if so, make what that needs and listen;
 * before anything else of the domain looks at the store.  now_ms reads the clock.
 */
void news_begin(struct domain *domain, int64_t (*now_ms)(void));

/* Take down what was made; the store has answered all. */
void news_end(struct domain *domain);

/* Every second: look at the store when nothing can be heard. */
void news_tick(struct domain *domain);
