/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, signals and descriptors as libevent's events.  An event's function may destroy it. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>

#include "common/check.h"
#include "common/loop.h"
#include "common/mem.h"

struct loop_timer {
    struct event event;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    int64_t due_ms; /* steady */
};

struct loop_signal {
    struct event event;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
};

/* Two events, so that to ask for writing or not leaves reading as it is in the kernel. */
struct loop_watch {
    struct event readable;
    struct event writable;
    struct loop *loop;
    loop_watch_fn *fn;
    void *arg;
    bool read;
    bool write;
};

static void loop_timer_arm(struct loop_timer *timer, int64_t after_ms)
{
    struct timeval after = { .tv_sec = after_ms / 1000, .tv_usec = after_ms % 1000 * 1000 };

    CHECK(event_add(&timer->event, &after) == 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *timer = arg;
    int64_t left_ms = timer->due_ms - loop_steady_ms(timer->loop);

    (void)fd;
    (void)what;
    if (left_ms > 0) { /* libevent's own clock is coarse and may be some ms ahead */
        loop_timer_arm(timer, left_ms);
        return;
    }
    timer->fn(timer->arg);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_timer *timer = mem_zeroed(1, sizeof *timer);

    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    CHECK(event_assign(&timer->event, loop_base(loop), -1, 0, on_timer, timer) == 0);
    return timer;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (timer != NULL) {
        loop_timer_stop(timer);
        free(timer);
    }
}

void loop_timer_start(struct loop_timer *timer, int64_t after_ms)
{
    int64_t wait_ms = after_ms < 0 ? 0 : after_ms;

    timer->due_ms = loop_steady_ms(timer->loop) + wait_ms;
    loop_timer_arm(timer, wait_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    (void)event_del(&timer->event);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct loop_signal *signal = arg;

    (void)signo;
    (void)what;
    (void)loop_steady_ms(signal->loop);
    signal->fn(signal->arg);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signo, loop_fn *fn, void *arg)
{
    struct loop_signal *signal = mem_zeroed(1, sizeof *signal);

    signal->loop = loop;
    signal->fn = fn;
    signal->arg = arg;
    CHECK(evsignal_assign(&signal->event, loop_base(loop), signo, on_signal, signal) == 0);
    CHECK(event_add(&signal->event, NULL) == 0);
    return signal;
}

void loop_signal_destroy(struct loop_signal *signal)
{
    if (signal != NULL) {
        (void)event_del(&signal->event);
        free(signal);
    }
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct loop_watch *watch = arg;

    (void)fd;
    (void)loop_steady_ms(watch->loop);
    watch->fn(watch->arg, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

struct loop_watch *loop_watch_create(struct loop *loop, int fd, loop_watch_fn *fn, void *arg)
{
    struct loop_watch *watch = mem_zeroed(1, sizeof *watch);
    struct event_base *base = loop_base(loop);

    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    CHECK(event_assign(&watch->readable, base, fd, EV_READ | EV_PERSIST, on_ready, watch) == 0);
    CHECK(event_assign(&watch->writable, base, fd, EV_WRITE | EV_PERSIST, on_ready, watch) == 0);
    return watch;
}

/* Change one event from what it is to what it shall be. */
static void loop_event_set(struct event *event, bool *is, bool shall)
{
    if (*is == shall) {
        return;
    }
    *is = shall;
    CHECK((shall ? event_add(event, NULL) : event_del(event)) == 0);
}

void loop_watch_set(struct loop_watch *watch, bool read, bool write)
{
    loop_event_set(&watch->readable, &watch->read, read);
    loop_event_set(&watch->writable, &watch->write, write);
}

void loop_watch_destroy(struct loop_watch *watch)
{
    if (watch != NULL) {
        loop_watch_set(watch, false, false);
        free(watch);
    }
}
