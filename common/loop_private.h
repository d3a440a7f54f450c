/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper thread of a loop: takes jobs in order, one after the other, and
 * posts what is to be done with each on the loop.  It starts with the first job.
 * Thread: the loop's own.
 */
#pragma once

#include <stdbool.h>

#include "common/loop.h"

struct loop_helper;

struct loop_helper *loop_helper_create(struct loop *loop);

/* Free the helper, whose jobs have been finished. */
void loop_helper_destroy(struct loop_helper *helper);

/* Queue work(arg), then done(arg) on the loop. */
void loop_helper_add(struct loop_helper *helper, loop_fn *work, loop_fn *done, void *arg);

/* Wait until every job has run and the thread has ended; false when there was no thread. */
bool loop_helper_finish(struct loop_helper *helper);
