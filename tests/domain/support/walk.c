/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   draw -> take -> all well: next walk
 *                -> wrong at step n: leave out halves, quarters, ... single steps of what came
 *                   before, as long as it still goes wrong; take what is left once more, aloud
 */
#include "tests/domain/support/walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/random.h"

enum {
    TRIES_MAX = 300, /* of making a walk shorter */
    DECIMAL = 10,
    WHY_BYTES = 512
};

struct walk {
    bool is_aloud;
    bool has_failed;
    char why[WHY_BYTES];
};

struct path {
    struct walk_step *steps;
    size_t count;
};

void walk_say(struct walk *walk, const char *format, ...)
{
    va_list arguments;

    if (!walk->is_aloud) {
        return;
    }
    (void)fputs("      ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

void walk_fail(struct walk *walk, const char *format, ...)
{
    va_list arguments;

    if (walk->has_failed) {
        return;
    }
    walk->has_failed = true;
    va_start(arguments, format);
    (void)vsnprintf(walk->why, sizeof walk->why, format, arguments);
    va_end(arguments);
}

bool walk_has_failed(const struct walk *walk)
{
    return walk->has_failed;
}

void walk_expect(struct walk *walk, const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted) {
        walk_fail(walk, "%s: %" PRId64 ", the model says %" PRId64, what, got, wanted);
    }
}

/* splitmix64: as good as is needed, and the same everywhere. */
static uint64_t next_number(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static size_t draw_kind(const struct walk_plan *plan, uint64_t *state)
{
    uint64_t sum = 0;
    uint64_t at = 0;
    size_t kind = 0;

    for (size_t i = 0; i < plan->kind_count; i++) {
        sum += plan->kinds[i].weight;
    }
    at = sum == 0 ? 0 : next_number(state) % sum;
    while (at >= plan->kinds[kind].weight) {
        at -= plan->kinds[kind].weight;
        kind++;
    }
    return kind;
}

static struct path draw(const struct walk_plan *plan, uint64_t seed)
{
    struct path path = { mem_zeroed(plan->steps, sizeof *path.steps), plan->steps };

    for (size_t i = 0; i < path.count; i++) {
        path.steps[i].kind = draw_kind(plan, &seed);
        for (size_t n = 0; n < WALK_CHOICES; n++) {
            path.steps[i].choices[n] = (uint32_t)(next_number(&seed) >> 32);
        }
    }
    return path;
}

static void say_step(const struct walk_plan *plan, const struct path *path, size_t at)
{
    const struct walk_step *step = &path->steps[at];

    (void)fprintf(stderr, "  %2zu  %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", at,
                  plan->kinds[step->kind].name, step->choices[0], step->choices[1],
                  step->choices[2], step->choices[3]);
}

/* Take a path; how many steps of it were taken, the one that went wrong among them. */
static size_t take(const struct walk_plan *plan, const struct path *path, struct walk *walk)
{
    void *world = plan->begin();
    size_t at = 0;

    while (at < path->count && !walk->has_failed) {
        if (walk->is_aloud) {
            say_step(plan, path, at);
        }
        plan->kinds[path->steps[at].kind].take(walk, world, path->steps[at].choices);
        at++;
    }
    plan->end(world);
    return at;
}

/* Leave out count steps from the one at on, if it still goes wrong without them. */
static bool leave_out(const struct walk_plan *plan, struct path *path, size_t at, size_t count)
{
    struct path less = { mem_zeroed(path->count, sizeof *less.steps), path->count - count };
    struct walk walk = { .is_aloud = false };

    memcpy(less.steps, path->steps, at * sizeof *less.steps);
    memcpy(less.steps + at, path->steps + at + count, (less.count - at) * sizeof *less.steps);
    less.count = take(plan, &less, &walk);
    if (!walk.has_failed) {
        free(less.steps);
        return false;
    }
    free(path->steps);
    *path = less;
    return true;
}

static void shorten(const struct walk_plan *plan, struct path *path)
{
    size_t tries = 0;

    for (size_t size = path->count / 2; size > 0; size /= 2) {
        size_t at = 0;

        while (at + size < path->count && tries++ < TRIES_MAX) {
            at += leave_out(plan, path, at, size) ? 0 : size;
        }
    }
}

static bool agrees(const struct walk_plan *plan, uint64_t seed)
{
    struct path path = draw(plan, seed);
    struct walk walk = { .is_aloud = false };

    path.count = take(plan, &path, &walk);
    if (walk.has_failed) {
        (void)fprintf(stderr, "SEALPOST_WALKS=1 SEALPOST_WALK_SEED=%" PRIu64 " step %zu: %s\n",
                      seed, path.count, walk.why);
        shorten(plan, &path);
        (void)fprintf(stderr, "%zu steps are left of it:\n", path.count);
        walk = (struct walk){ .is_aloud = true };
        (void)take(plan, &path, &walk);
        (void)fprintf(stderr, "      %s\n", walk.has_failed ? walk.why : "this time all is well");
        walk.has_failed = true;
    }
    free(path.steps);
    return !walk.has_failed;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): before any thread */

    return text == NULL ? otherwise : strtoull(text, NULL, DECIMAL);
}

bool walks_agree(const struct walk_plan *plan)
{
    uint64_t walks = number_of("SEALPOST_WALKS", plan->walks);
    uint64_t seed = 0;

    random_fill(&seed, sizeof seed);
    seed = number_of("SEALPOST_WALK_SEED", seed);
    (void)printf("%" PRIu64 " walks of %zu steps from seed %" PRIu64 "\n", walks, plan->steps,
                 seed);
    for (uint64_t i = 0; i < walks; i++) {
        if (!agrees(plan, seed + i)) {
            return false;
        }
    }
    return walks > 0;
}
