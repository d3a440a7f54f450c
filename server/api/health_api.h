/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of ops_listen: /healthz, /readyz, /metrics.  For the operator's network only. */
#pragma once

#include <stddef.h>

#include "server/http/route.h"

extern const struct http_route health_routes[];
extern const size_t health_route_count;
