/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay says of a device's keys: its stock by slot, as GET /v1/keys has it. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* How many keys of the slot there are; 0 when there is no such slot, or slots is NULL. */
size_t pools_count(const json_t *slots, const char *name);

/* Print a line for each slot, with lead before it. */
void pools_print(const char *lead, json_t *slots);
