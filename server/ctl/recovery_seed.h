/* SPDX-License-Identifier: Apache-2.0 */
/* The recovery key as a person has it: on paper, or in the file that register made. */
#pragma once

#include <stdint.h>

#include "server/ctl/exit_code.h"

struct arguments;

/*
 * Read the seed of the recovery key: from the file that --recovery names, else it is asked for.
 * Filled only for EXIT_CODE_OK; the caller wipes it.
 */
enum exit_code recovery_seed_read(const struct arguments *arguments, uint8_t out[32]);
