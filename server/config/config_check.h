/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of a configuration as a whole, once each value is in range.  Pure. */
#pragma once

#include <stdbool.h>

struct config;
struct fault;
struct settings;

/* Check config; settings says in the sentence where a value came from. */
bool config_check(const struct config *config, const struct settings *settings,
                  const struct fault *fault);
