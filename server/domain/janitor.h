/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The janitor: what must happen by time alone.  It runs one small batch at a
 * time and starts the next when the last is done: expired envelopes, what was held,
 * ended sessions, used challenges, idle devices and accounts, names that are free
 * again, groups without commits, transactions and what is counted of them.  Loop thread.
 */
#pragma once

#include <stdint.h>

struct domain;
struct janitor;

struct janitor *janitor_create(struct domain *domain);

/* Free it once no batch of its is under way: after the store was destroyed. */
void janitor_destroy(struct janitor *janitor);

/* Do what is due at now_ms; what an earlier round still does is not begun again. */
void janitor_run(struct janitor *janitor, int64_t now_ms);

/* Only remove what lived less than the longest life, and do what was held: two reads. */
void janitor_expire(struct janitor *janitor, int64_t now_ms);
