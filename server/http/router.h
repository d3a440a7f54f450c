/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the route of a request.  Paths are compared as they came: no escape is
 * decoded, no dot segment resolved, so one resource has one path.  Pure.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/http/route.h"

struct router_match {
    const struct http_route *route; /* NULL: none for this method */
    bool path_known;                /* some route has this path */
};

/* path is without base prefix and query.  HEAD finds GET's route. */
struct router_match router_find(const struct http_routes *routes, struct bytes method,
                                struct bytes path);

/* Append the methods that path takes, as in an Allow field. */
void router_append_allow(const struct http_routes *routes, struct bytes path, struct buf *out);

/* The segment of path that stands for {name} in route's template; size 0 when there is none. */
struct bytes router_param(const struct http_route *route, struct bytes path, const char *name);
