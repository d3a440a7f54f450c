/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON, for its owner and for the operator. */
#pragma once

#include <jansson.h>

struct report;

/* Days are given as the Unix second at which they begin.  Caller decrefs. */
json_t *report_api_json(const struct report *report);
