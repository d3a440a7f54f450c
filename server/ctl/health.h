/* SPDX-License-Identifier: Apache-2.0 */
/* Ask a relay's operations listener whether it is ready; for scripts and service managers. */
#pragma once

#include "server/ctl/exit_code.h"

struct arguments;

enum exit_code health_run(const struct arguments *arguments);
