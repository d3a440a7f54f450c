/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/router.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Step through the segments of "/a/b"; false at the end.  "/a/" has an empty second one. */
static bool next_segment(struct bytes *rest, struct bytes *out)
{
    if (rest->size == 0 || rest->at[0] != '/') {
        return false;
    }
    struct bytes inside = bytes_of(rest->at + 1, rest->size - 1);
    const uint8_t *end = inside.size == 0 ? NULL : memchr(inside.at, '/', inside.size);
    size_t size = end == NULL ? inside.size : (size_t)(end - inside.at);

    *out = bytes_of(inside.at, size);
    *rest = bytes_of(inside.at + size, inside.size - size);
    return true;
}

static bool is_placeholder(struct bytes segment)
{
    return segment.size > 2 && segment.at[0] == '{';
}

static bool segment_matches(struct bytes template, struct bytes segment)
{
    if (!is_placeholder(template)) {
        return bytes_equal(template, segment);
    }
    return segment.size > 0 && memchr(segment.at, '%', segment.size) == NULL;
}

static bool path_matches(const struct http_route *route, struct bytes path)
{
    struct bytes template = bytes_text(route->path);
    struct bytes want;
    struct bytes got;

    while (next_segment(&template, &want)) {
        if (!next_segment(&path, &got) || !segment_matches(want, got)) {
            return false;
        }
    }
    return path.size == 0;
}

struct router_match router_find(const struct http_routes *routes, struct bytes method,
                                struct bytes path)
{
    struct router_match match = { 0 };
    struct bytes wanted = bytes_equal(method, bytes_text("HEAD")) ? bytes_text("GET") : method;

    for (size_t i = 0; i < routes->count; i++) {
        if (!path_matches(&routes->at[i], path)) {
            continue;
        }
        match.path_known = true;
        if (bytes_equal(wanted, bytes_text(routes->at[i].method))) {
            match.route = &routes->at[i];
            return match;
        }
    }
    return match;
}

void router_append_allow(const struct http_routes *routes, struct bytes path, struct buf *out)
{
    for (size_t i = 0; i < routes->count; i++) {
        if (!path_matches(&routes->at[i], path)) {
            continue;
        }
        buf_append_text(out, routes->at[i].method);
        buf_append_text(out, strcmp(routes->at[i].method, "GET") == 0 ? ", HEAD, " : ", ");
    }
    buf_append_text(out, "OPTIONS");
}

struct bytes router_param(const struct http_route *route, struct bytes path, const char *name)
{
    struct bytes template = bytes_text(route->path);
    struct bytes want;
    struct bytes got;

    while (next_segment(&template, &want) && next_segment(&path, &got)) {
        if (is_placeholder(want) &&
            bytes_equal(bytes_of(want.at + 1, want.size - 2), bytes_text(name))) {
            return got;
        }
    }
    return bytes_of(NULL, 0);
}
