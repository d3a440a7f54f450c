/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/pools.h"

#include <stdio.h>

size_t pools_count(const json_t *slots, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(json_object_get(slots, name), "count"));

    return count > 0 ? (size_t)count : 0;
}

static json_int_t number_of(const json_t *pool, const char *member)
{
    return json_integer_value(json_object_get(pool, member));
}

void pools_print(const char *lead, json_t *slots)
{
    void *at = json_object_iter(slots); /* jansson walks an object only as one that may change */

    while (at != NULL) {
        const json_t *pool = json_object_iter_value(at);

        (void)printf("%s%-24s %3" JSON_INTEGER_FORMAT " keys", lead, json_object_iter_key(at),
                     number_of(pool, "count"));
        if (json_is_true(json_object_get(pool, "last_resort"))) {
            (void)printf(", last resort used %" JSON_INTEGER_FORMAT " times",
                         number_of(pool, "last_resort_uses"));
        }
        (void)printf("%s", json_is_true(json_object_get(pool, "rotate")) ? ", to be replaced" : "");
        (void)puts(json_is_true(json_object_get(pool, "stale")) ? ", stale" : "");
        at = json_object_iter_next(slots, at);
    }
}
