/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random walks: steps are drawn from a seed and taken one by one in a world that compares
 * what happens with what a model says.  A walk that goes wrong is made as short as it can
 * be, by leaving steps out, and told:
 *
 *   SEALPOST_WALKS          how many walks (else what the test says)
 *   SEALPOST_WALK_SEED      the seed of the first one (else at random; a failure names it)
 *
 * A step is a kind and four numbers, which mean "that one of those that are there": so any
 * steps that are left make a walk, too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WALK_CHOICES = 4
};

struct walk;

struct walk_step {
    size_t kind;
    uint32_t choices[WALK_CHOICES];
};

struct walk_kind {
    const char *name;
    unsigned weight; /* of how often it is drawn */
    void (*take)(struct walk *walk, void *world, const uint32_t choices[WALK_CHOICES]);
};

struct walk_plan {
    const struct walk_kind *kinds;
    size_t kind_count;
    size_t steps; /* of a walk */
    size_t walks; /* unless SEALPOST_WALKS says how many */
    void *(*begin)(void);
    void (*end)(void *world);
};

/* Take all walks; false, with the shortest one that goes wrong on stderr, when one does. */
bool walks_agree(const struct walk_plan *plan);

/* Say what a step does, for whoever reads the walk. */
__attribute__((format(printf, 2, 3))) void walk_say(struct walk *walk, const char *format, ...);

/* Say that what happened is wrong: the first word counts. */
__attribute__((format(printf, 2, 3))) void walk_fail(struct walk *walk, const char *format, ...);
bool walk_has_failed(const struct walk *walk);

/* Say so unless two numbers are equal. */
void walk_expect(struct walk *walk, const char *what, int64_t got, int64_t wanted);
