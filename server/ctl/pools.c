/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/pools.h"

#include <stdio.h>

#include "server/ctl/say.h"

size_t pools_count(const json_t *slots, const char *name)
{
    json_int_t count = json_integer_value(json_object_get(json_object_get(slots, name), "count"));

    return count > 0 ? (size_t)count : 0;
}

static json_int_t number_of(const json_t *pool, const char *member)
{
    return json_integer_value(json_object_get(pool, member));
}

/* How often the last resort was used is known where it stands; it may stand in for this slot. */
static void print_last_resort(const json_t *pool)
{
    json_int_t uses = number_of(pool, "last_resort_uses");

    if (uses > 0) {
        (void)printf(", last resort used %" JSON_INTEGER_FORMAT " %s", uses,
                     say_noun(uses, "time", "times"));
    } else if (json_is_true(json_object_get(pool, "last_resort"))) {
        (void)printf(", has a last resort");
    }
}

void pools_print(const char *lead, json_t *slots)
{
    void *at = json_object_iter(slots); /* jansson walks an object only as one that may change */

    while (at != NULL) {
        const json_t *pool = json_object_iter_value(at);
        json_int_t count = number_of(pool, "count");

        (void)printf("%s%-24s %3" JSON_INTEGER_FORMAT " %s", lead, json_object_iter_key(at), count,
                     say_noun(count, "key", "keys"));
        print_last_resort(pool);
        (void)printf("%s", json_is_true(json_object_get(pool, "rotate")) ? ", to be replaced" : "");
        (void)puts(json_is_true(json_object_get(pool, "stale")) ? ", stale" : "");
        at = json_object_iter_next(slots, at);
    }
}
