/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: one thread that runs every socket, timer and rule.
 *
 * A turn is one round of ready events.  When they have run, the functions given
 * to loop_at_turn_end run, so that what a turn wrote leaves in one write.
 *
 * Thread: loop_post may be called on any thread; all else on the loop's own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_signal;
struct loop_timer;
struct loop_watch;

typedef void loop_fn(void *arg);

/* Return a loop, or NULL when the kernel gives no poll descriptor. */
struct loop *loop_create(void);

/* Free the loop.  Whatever was made with it must be destroyed before; runs what was posted. */
void loop_destroy(struct loop *loop);

/* Run turns until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Run one turn; wait at most wait_ms for an event (0: do not wait). */
void loop_turn(struct loop *loop, int64_t wait_ms);

/* Run fn(arg) on the loop thread in a later turn, in the order posted.  Any thread. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

/*
 * Run work(arg) on a helper thread and then done(arg) on the loop thread, for
 * what blocks: files, name look-ups, slow hashes.  One after the other, in order.
 * loop_destroy waits for what is under way.
 */
void loop_offload(struct loop *loop, loop_fn *work, loop_fn *done, void *arg);

/* Run fn(arg) at the end of every turn; or run it no more, also when called by one of them. */
void loop_at_turn_end(struct loop *loop, loop_fn *fn, void *arg);
void loop_not_at_turn_end(struct loop *loop, loop_fn *fn, void *arg);

/*
 * Steady milliseconds, read once a turn.  The first who asks ends the turn's waiting for
 * sealpost_loop_turn_seconds, so whoever has events on loop_base asks before all else.
 */
int64_t loop_steady_ms(const struct loop *loop);

/* The libevent base, for net and for timers here. */
struct event_base *loop_base(const struct loop *loop);

/* A timer that is not running yet.  loop_timer_start sets it anew when it runs. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg);
void loop_timer_destroy(struct loop_timer *timer);
void loop_timer_start(struct loop_timer *timer, int64_t after_ms);
void loop_timer_stop(struct loop_timer *timer);

/* Run fn(arg) in a turn after each signal signo. */
struct loop_signal *loop_signal_create(struct loop *loop, int signo, loop_fn *fn, void *arg);
void loop_signal_destroy(struct loop_signal *signal);

/* Tell fn when fd is readable or writable, as loop_watch_set asked.  fd stays the caller's. */
typedef void loop_watch_fn(void *arg, bool readable, bool writable);
struct loop_watch *loop_watch_create(struct loop *loop, int fd, loop_watch_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *watch, bool read, bool write);
void loop_watch_destroy(struct loop_watch *watch);
