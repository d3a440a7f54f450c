/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "tests/support/unit.h"

enum {
    LONG_MS = 60000
}; /* a wait that an event must end */

/* ---- timers ---- */

struct alarm {
    struct loop *loop;
    struct loop_timer *timer;
    int rings;
    int64_t rang_ms;
    bool destroy;
    int64_t again_ms; /* start anew after this long, until rings is 3; 0: do not */
};

static void ring(void *arg)
{
    struct alarm *alarm = arg;

    alarm->rings++;
    alarm->rang_ms = clock_steady_ms();
    if (alarm->destroy) {
        loop_timer_destroy(alarm->timer);
    } else if (alarm->again_ms > 0 && alarm->rings < 3) {
        loop_timer_start(alarm->timer, alarm->again_ms);
    }
}

static void alarm_init(struct alarm *alarm, struct loop *loop)
{
    *alarm = (struct alarm){ .loop = loop };
    alarm->timer = loop_timer_create(loop, ring, alarm);
}

static void run_until_rung(struct alarm *alarm, int rings)
{
    while (alarm->rings < rings) {
        loop_turn(alarm->loop, LONG_MS);
    }
}

static void a_timer_rings_once_and_not_early(void **state)
{
    struct loop *loop = loop_create();
    struct alarm alarm;

    (void)state;
    alarm_init(&alarm, loop);
    for (int round = 1; round <= 20; round++) {
        int64_t start_ms = clock_steady_ms();
        loop_timer_start(alarm.timer, 3);
        run_until_rung(&alarm, round);
        assert_true(alarm.rang_ms - start_ms >= 3);
    }
    loop_turn(loop, 10);
    assert_int_equal(alarm.rings, 20);
    loop_timer_destroy(alarm.timer);
    loop_destroy(loop);
}

static void a_timer_that_was_not_started_is_silent(void **state)
{
    struct loop *loop = loop_create();
    struct alarm alarm;

    (void)state;
    alarm_init(&alarm, loop);
    loop_turn(loop, 5);
    loop_timer_stop(alarm.timer);
    loop_turn(loop, 0);
    assert_int_equal(alarm.rings, 0);
    loop_timer_destroy(alarm.timer);
    loop_timer_destroy(NULL);
    loop_destroy(loop);
}

static void a_stopped_timer_is_silent(void **state)
{
    struct loop *loop = loop_create();
    struct alarm stopped;
    struct alarm other;

    (void)state;
    alarm_init(&stopped, loop);
    alarm_init(&other, loop);
    loop_timer_start(stopped.timer, 1);
    loop_timer_start(other.timer, 10);
    loop_timer_stop(stopped.timer);
    run_until_rung(&other, 1);
    assert_int_equal(stopped.rings, 0);
    loop_timer_destroy(stopped.timer);
    loop_timer_destroy(other.timer);
    loop_destroy(loop);
}

static void starting_anew_moves_the_time(void **state)
{
    struct loop *loop = loop_create();
    struct alarm moved;
    int64_t start_ms = clock_steady_ms();

    (void)state;
    alarm_init(&moved, loop);
    loop_timer_start(moved.timer, 1);
    loop_timer_start(moved.timer, 15);
    run_until_rung(&moved, 1);
    assert_true(moved.rang_ms - start_ms >= 15);

    loop_timer_start(moved.timer, LONG_MS);
    loop_timer_start(moved.timer, 1);
    loop_turn(loop, LONG_MS);
    run_until_rung(&moved, 2);
    assert_true(moved.rang_ms - start_ms < LONG_MS);
    loop_timer_destroy(moved.timer);
    loop_destroy(loop);
}

static void a_timer_may_start_itself_again(void **state)
{
    struct loop *loop = loop_create();
    struct alarm alarm;
    int64_t start_ms = clock_steady_ms();

    (void)state;
    alarm_init(&alarm, loop);
    alarm.again_ms = 2;
    loop_timer_start(alarm.timer, 2);
    run_until_rung(&alarm, 3);
    assert_true(alarm.rang_ms - start_ms >= 6);
    loop_timer_destroy(alarm.timer);
    loop_destroy(loop);
}

static void a_timer_may_destroy_itself(void **state)
{
    struct loop *loop = loop_create();
    struct alarm alarm;

    (void)state;
    alarm_init(&alarm, loop);
    alarm.destroy = true;
    loop_timer_start(alarm.timer, 0);
    run_until_rung(&alarm, 1);
    loop_turn(loop, 0);
    assert_int_equal(alarm.rings, 1);
    loop_destroy(loop);
}

static void a_time_of_nothing_or_less_is_the_next_turn(void **state)
{
    struct loop *loop = loop_create();
    struct alarm alarm;

    (void)state;
    alarm_init(&alarm, loop);
    loop_timer_start(alarm.timer, 0);
    assert_int_equal(alarm.rings, 0);
    run_until_rung(&alarm, 1);
    loop_timer_start(alarm.timer, -5);
    run_until_rung(&alarm, 2);
    loop_timer_destroy(alarm.timer);
    loop_destroy(loop);
}

static void timers_ring_in_the_order_of_their_times(void **state)
{
    struct loop *loop = loop_create();
    struct alarm late;
    struct alarm soon;

    (void)state;
    alarm_init(&late, loop);
    alarm_init(&soon, loop);
    loop_timer_start(late.timer, 20);
    loop_timer_start(soon.timer, 1);
    run_until_rung(&soon, 1);
    run_until_rung(&late, 1);
    assert_true(soon.rang_ms <= late.rang_ms);
    loop_timer_destroy(late.timer);
    loop_timer_destroy(soon.timer);
    loop_destroy(loop);
}

/* ---- signals ---- */

static void count_up(void *arg)
{
    ++*(int *)arg;
}

static void a_signal_is_heard_in_a_turn(void **state)
{
    struct loop *loop = loop_create();
    int heard = 0;
    struct loop_signal *signal = loop_signal_create(loop, SIGUSR1, count_up, &heard);

    (void)state;
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(heard, 0);
    loop_turn(loop, LONG_MS);
    assert_int_equal(heard, 1);
    assert_int_equal(raise(SIGUSR1), 0);
    loop_turn(loop, LONG_MS);
    assert_int_equal(heard, 2);
    loop_turn(loop, 0);
    assert_int_equal(heard, 2);
    loop_signal_destroy(signal);
    loop_signal_destroy(NULL);
    loop_destroy(loop);
}

static void a_destroyed_signal_leaves_the_default(void **state)
{
    struct loop *loop = loop_create();
    int heard = 0;
    struct loop_signal *hup = loop_signal_create(loop, SIGHUP, count_up, &heard);
    struct sigaction now;

    (void)state;
    assert_int_equal(sigaction(SIGHUP, NULL, &now), 0);
    assert_true(now.sa_handler != SIG_DFL);
    loop_signal_destroy(hup);
    assert_int_equal(sigaction(SIGHUP, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
    loop_destroy(loop);
}

/* ---- descriptors ---- */

struct seen {
    struct loop_watch *watch;
    int readable;
    int writable;
    bool destroy;
};

static void see(void *arg, bool readable, bool writable)
{
    struct seen *seen = arg;

    seen->readable += readable ? 1 : 0;
    seen->writable += writable ? 1 : 0;
    if (seen->destroy) {
        loop_watch_destroy(seen->watch);
        seen->watch = NULL;
    }
}

static void make_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void a_watch_tells_only_what_was_asked(void **state)
{
    struct loop *loop = loop_create();
    struct seen seen = { .watch = NULL };
    int pair[2];

    (void)state;
    make_pair(pair);
    seen.watch = loop_watch_create(loop, pair[0], see, &seen);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_turn(loop, 5);
    assert_int_equal(seen.readable + seen.writable, 0);

    loop_watch_set(seen.watch, true, false);
    loop_turn(loop, LONG_MS);
    assert_int_equal(seen.readable, 1);
    assert_int_equal(seen.writable, 0);

    loop_watch_set(seen.watch, false, true);
    loop_turn(loop, LONG_MS);
    assert_int_equal(seen.readable, 1);
    assert_int_equal(seen.writable, 1);

    loop_watch_set(seen.watch, true, true);
    loop_turn(loop, LONG_MS);
    assert_int_equal(seen.readable, 2);
    assert_int_equal(seen.writable, 2);

    loop_watch_set(seen.watch, false, false);
    loop_turn(loop, 5);
    assert_int_equal(seen.readable + seen.writable, 4);
    loop_watch_destroy(seen.watch);
    loop_watch_destroy(NULL);
    close_pair(pair);
    loop_destroy(loop);
}

static void a_watch_tells_again_while_there_is_something_to_read(void **state)
{
    struct loop *loop = loop_create();
    struct seen seen = { .watch = NULL };
    char byte;
    int pair[2];

    (void)state;
    make_pair(pair);
    seen.watch = loop_watch_create(loop, pair[0], see, &seen);
    loop_watch_set(seen.watch, true, false);
    loop_turn(loop, 5);
    assert_int_equal(seen.readable, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_turn(loop, LONG_MS);
    loop_turn(loop, LONG_MS);
    assert_int_equal(seen.readable, 2);
    assert_int_equal(read(pair[0], &byte, 1), 1);
    loop_turn(loop, 5);
    assert_int_equal(seen.readable, 2);
    loop_watch_destroy(seen.watch);
    close_pair(pair);
    loop_destroy(loop);
}

static void a_peer_that_leaves_is_readable(void **state)
{
    struct loop *loop = loop_create();
    struct seen seen = { .watch = NULL };
    int pair[2];

    (void)state;
    make_pair(pair);
    seen.watch = loop_watch_create(loop, pair[0], see, &seen);
    loop_watch_set(seen.watch, true, false);
    (void)close(pair[1]);
    loop_turn(loop, LONG_MS);
    assert_int_equal(seen.readable, 1);
    loop_watch_destroy(seen.watch);
    (void)close(pair[0]);
    loop_destroy(loop);
}

static void a_watch_may_destroy_itself(void **state)
{
    struct loop *loop = loop_create();
    struct seen seen = { .destroy = true };
    int pair[2];

    (void)state;
    make_pair(pair);
    assert_int_equal(write(pair[1], "x", 1), 1);
    seen.watch = loop_watch_create(loop, pair[0], see, &seen);
    loop_watch_set(seen.watch, true, true);
    loop_turn(loop, LONG_MS);
    loop_turn(loop, 5);
    assert_int_equal(seen.readable + seen.writable, 1);
    assert_int_equal(write(pair[0], "y", 1), 1); /* the descriptor is still the caller's */
    close_pair(pair);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_rings_once_and_not_early),
        cmocka_unit_test(a_timer_that_was_not_started_is_silent),
        cmocka_unit_test(a_stopped_timer_is_silent),
        cmocka_unit_test(starting_anew_moves_the_time),
        cmocka_unit_test(a_timer_may_start_itself_again),
        cmocka_unit_test(a_timer_may_destroy_itself),
        cmocka_unit_test(a_time_of_nothing_or_less_is_the_next_turn),
        cmocka_unit_test(timers_ring_in_the_order_of_their_times),
        cmocka_unit_test(a_signal_is_heard_in_a_turn),
        cmocka_unit_test(a_destroyed_signal_leaves_the_default),
        cmocka_unit_test(a_watch_tells_only_what_was_asked),
        cmocka_unit_test(a_watch_tells_again_while_there_is_something_to_read),
        cmocka_unit_test(a_peer_that_leaves_is_readable),
        cmocka_unit_test(a_watch_may_destroy_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
