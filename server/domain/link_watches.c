/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that are watched stand in a table, each with its watches in the order in
 * which they began.  Whoever is told may begin a watch again at once, so those to be told are
 * counted before the first one is.
 */
#include "server/domain/link_watches.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "common/bytes.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/table.h"

struct link_watch {
    TAILQ_ENTRY(link_watch) next;
    struct watched *watched;
    link_watches_fn *fn;
    void *arg;
};

/* A link that has a watch. */
struct watched {
    struct table_node node;
    struct link_id link_id;
    size_t count;
    TAILQ_HEAD(link_watch_list, link_watch) list;
};

struct link_watches {
    struct table table;
    size_t count;
};

struct link_watches *link_watches_create(const uint8_t key[16])
{
    struct link_watches *watches = mem_zeroed(1, sizeof *watches);

    table_init(&watches->table, key);
    return watches;
}

void link_watches_destroy(struct link_watches *watches)
{
    free(watches);
}

static struct watched *find(const struct link_watches *watches, const struct link_id *link_id)
{
    return table_find(&watches->table, bytes_of(link_id->raw, sizeof link_id->raw));
}

void link_watches_end(struct link_watches *watches, struct link_watch *watch)
{
    struct watched *watched = watch->watched;

    TAILQ_REMOVE(&watched->list, watch, next);
    watched->count--;
    watches->count--;
    metrics_add(METRIC_link_waits, -1);
    free(watch);
    if (watched->count == 0) {
        table_remove(&watches->table, &watched->node);
        free(watched);
    }
}

static void tell_oldest(struct link_watches *watches, struct watched *watched, bool is_over)
{
    struct link_watch *watch = TAILQ_FIRST(&watched->list);
    link_watches_fn *fn = watch->fn;
    void *arg = watch->arg;

    link_watches_end(watches, watch);
    fn(arg, is_over);
}

struct link_watch *link_watches_begin(struct link_watches *watches, const struct link_id *link_id,
                                      link_watches_fn *fn, void *arg)
{
    struct watched *watched = find(watches, link_id);
    struct link_watch *watch = NULL;

    if (watched != NULL && watched->count == LIMIT_LINK_WAITS_ONE) {
        tell_oldest(watches, watched, true);
        watched = find(watches, link_id);
    }
    if (watches->count >= LIMIT_LINK_WAITS) {
        return NULL;
    }
    if (watched == NULL) {
        watched = mem_zeroed(1, sizeof *watched);
        watched->link_id = *link_id;
        TAILQ_INIT(&watched->list);
        table_add(&watches->table, &watched->node, watched,
                  bytes_of(watched->link_id.raw, sizeof watched->link_id.raw));
    }
    watch = mem_zeroed(1, sizeof *watch);
    watch->watched = watched;
    watch->fn = fn;
    watch->arg = arg;
    TAILQ_INSERT_TAIL(&watched->list, watch, next);
    watched->count++;
    watches->count++;
    metrics_add(METRIC_link_waits, 1);
    return watch;
}

static void tell(struct link_watches *watches, const struct link_id *link_id, bool is_over)
{
    struct watched *watched = find(watches, link_id);
    size_t count = watched == NULL ? 0 : watched->count;

    while (count > 0 && watched != NULL) {
        tell_oldest(watches, watched, is_over);
        watched = find(watches, link_id);
        count--;
    }
}

void link_watches_tell(struct link_watches *watches, const struct link_id *link_id)
{
    tell(watches, link_id, false);
}

void link_watches_tell_all(struct link_watches *watches, bool is_over)
{
    size_t count = table_size(&watches->table);
    struct link_id *ids = mem_zeroed(count + 1, sizeof *ids);
    size_t i = 0;

    for (struct watched *watched = table_oldest(&watches->table); watched != NULL;
         watched = table_after(&watched->node)) {
        ids[i] = watched->link_id;
        i++;
    }
    for (i = 0; i < count; i++) {
        tell(watches, &ids[i], is_over);
    }
    free(ids);
}

size_t link_watches_count(const struct link_watches *watches)
{
    return watches->count;
}
