/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the relay can take mail now.  Loop thread. */
#pragma once

#include <stdbool.h>

struct domain;

/* Say whether writes are accepted; else *out_why (static text) tells what is wrong. */
bool health_is_ready(const struct domain *domain, const char **out_why);

/* Say whether more writes have room in memory; else who asks is told to come again. */
bool health_has_room(const struct domain *domain);
