/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn is one pass of libevent, which waits for events and runs their
 * functions, and then the functions for the turn's end.
 *
 * What other threads post lies in a list under a lock.  The one who posts the
 * first function wakes the loop through an eventfd; the loop takes the list as
 * a whole, so that a thousand posts cost one wake.  Two lists change places, so
 * that posting allocates nothing once they have grown.
 *
 * The clock is read when the time is first asked for in a turn, which is after
 * the wait, and then kept until the turn's end.  The waiting is not told apart in
 * another way, for libevent does it and runs the events in one call.
 */
#include "common/loop.h"

#include <event2/event.h>
#include <event2/util.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/loop_private.h"
#include "common/mem.h"
#include "common/metrics.h"

struct loop_call {
    loop_fn *fn;
    void *arg;
};

struct loop_calls {
    struct loop_call *at;
    size_t count;
    size_t room;
};

struct loop_moment {
    int64_t us;
    bool known;
};

struct loop {
    struct event_base *base;
    struct event *wake;  /* wake_fd is readable: something was posted */
    struct event *limit; /* ends the wait of loop_turn */
    int wake_fd;
    bool in_turn;
    bool stopped;
    struct loop_moment *moment; /* apart, because asking the time changes it */
    struct loop_calls at_turn_end;
    struct loop_calls taken; /* posted calls that run in this turn */
    struct loop_helper *helper;
    pthread_mutex_t lock; /* guards posted */
    struct loop_calls posted;
};

static void loop_calls_add(struct loop_calls *calls, loop_fn *fn, void *arg)
{
    if (calls->count == calls->room) {
        calls->room = calls->room == 0 ? 16 : calls->room * 2;
        calls->at = mem_resized(calls->at, calls->room * sizeof *calls->at);
    }
    calls->at[calls->count++] = (struct loop_call){ .fn = fn, .arg = arg };
}

/* Run what was posted until now; false when that was nothing. */
static bool loop_run_posted(struct loop *loop)
{
    struct loop_calls calls;

    (void)pthread_mutex_lock(&loop->lock);
    calls = loop->posted;
    loop->posted = loop->taken;
    (void)pthread_mutex_unlock(&loop->lock);

    loop->taken = (struct loop_calls){ .at = NULL };
    for (size_t i = 0; i < calls.count; i++) {
        calls.at[i].fn(calls.at[i].arg);
    }
    loop->taken = (struct loop_calls){ .at = calls.at, .room = calls.room };
    return calls.count > 0;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    (void)what;
    (void)loop_steady_ms(arg);
    (void)!read(fd, &count, sizeof count); /* empty it before taking the list, not after */
    (void)loop_run_posted(arg);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static struct event_base *loop_base_create(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL) {
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
        base = event_base_new_with_config(config);
        event_config_free(config);
    }
    return base;
}

struct loop *loop_create(void)
{
    struct loop *loop = mem_zeroed(1, sizeof *loop);

    CHECK(pthread_mutex_init(&loop->lock, NULL) == 0);
    loop->moment = mem_zeroed(1, sizeof *loop->moment);
    loop->helper = loop_helper_create(loop);
    loop->base = loop_base_create();
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->base != NULL && loop->wake_fd >= 0) {
        loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
        loop->limit = event_new(loop->base, -1, 0, on_limit, NULL);
    }
    if (loop->wake == NULL || loop->limit == NULL || event_add(loop->wake, NULL) != 0) {
        loop_destroy(loop);
        return NULL;
    }
    return loop;
}

/* Nothing is cancelled: whoever waits for a done gets it, also here. */
static void loop_finish(struct loop *loop)
{
    bool ran;

    do {
        ran = loop_run_posted(loop);
        ran = loop_helper_finish(loop->helper) || ran;
    } while (ran);
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    CHECK(!loop->in_turn);
    loop_finish(loop);
    loop_helper_destroy(loop->helper);
    if (loop->wake != NULL) {
        event_free(loop->wake);
    }
    if (loop->limit != NULL) {
        event_free(loop->limit);
    }
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    if (loop->wake_fd >= 0) {
        (void)close(loop->wake_fd);
    }
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop->at_turn_end.at);
    free(loop->taken.at);
    free(loop->posted.at);
    free(loop->moment);
    free(loop);
}

/* Run what belongs to the end of a turn, and drop what has left the list. */
static void loop_end_turn(struct loop *loop)
{
    struct loop_calls *calls = &loop->at_turn_end;
    size_t kept = 0;

    for (size_t i = 0; i < calls->count; i++) {
        struct loop_call call = calls->at[i]; /* a call may add another and move the list */
        if (call.fn != NULL) {
            call.fn(call.arg);
        }
    }
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->at[i].fn != NULL) {
            calls->at[kept++] = calls->at[i];
        }
    }
    calls->count = kept;
}

/* Run one turn as the EVLOOP_ flags say. */
static void loop_turn_with(struct loop *loop, int flags)
{
    CHECK(!loop->in_turn);
    int64_t cpu_us = clock_thread_us();

    loop->in_turn = true;
    loop->moment->known = false;
    CHECK(event_base_loop(loop->base, flags) >= 0);
    (void)loop_steady_ms(loop);
    loop_end_turn(loop);
    metrics_add(METRIC_loop_turns, 1);
    metrics_observe_us(METRIC_loop_turn, clock_steady_us() - loop->moment->us);
    metrics_observe_us(METRIC_loop_turn_cpu, clock_thread_us() - cpu_us);
    loop->moment->known = false;
    loop->in_turn = false;
}

void loop_run(struct loop *loop)
{
    while (!loop->stopped) {
        loop_turn_with(loop, EVLOOP_ONCE);
    }
    loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

void loop_turn(struct loop *loop, int64_t wait_ms)
{
    CHECK(wait_ms >= 0);
    if (wait_ms == 0) {
        loop_turn_with(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        return;
    }
    struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
    CHECK(event_add(loop->limit, &wait) == 0);
    loop_turn_with(loop, EVLOOP_ONCE);
    (void)event_del(loop->limit);
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    static const uint64_t one = 1;
    bool first;

    (void)pthread_mutex_lock(&loop->lock);
    first = loop->posted.count == 0;
    loop_calls_add(&loop->posted, fn, arg);
    (void)pthread_mutex_unlock(&loop->lock);
    if (first) {
        CHECK(write(loop->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
    }
}

void loop_offload(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
    loop_helper_add(loop->helper, work, done, arg);
}

void loop_at_turn_end(struct loop *loop, loop_fn *fn, void *arg)
{
    loop_calls_add(&loop->at_turn_end, fn, arg);
}

void loop_not_at_turn_end(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_call gone = { .fn = fn, .arg = arg };

    for (size_t i = 0; i < loop->at_turn_end.count; i++) {
        struct loop_call *call = &loop->at_turn_end.at[i];
        if (call->fn == gone.fn && call->arg == gone.arg) {
            call->fn = NULL; /* the list may be running: keep the places */
        }
    }
}

int64_t loop_steady_ms(const struct loop *loop)
{
    struct loop_moment *moment = loop->moment;

    if (!moment->known) {
        moment->us = clock_steady_us();
        moment->known = loop->in_turn;
    }
    return moment->us / 1000;
}

struct event_base *loop_base(const struct loop *loop)
{
    return loop->base;
}
