/* SPDX-License-Identifier: Apache-2.0 */
/* Factors as JSON: for their own call, and for the report.  Loop thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct factors_view;

/* An array of the factors. */
json_t *factors_json(const struct factors_view *views, size_t count);
