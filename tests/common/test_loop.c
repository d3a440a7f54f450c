/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "tests/support/unit.h"

enum {
    LONG_MS = 60000
}; /* a wait that an event must end */

/* What happened, as letters in order. */
struct trace {
    struct loop *loop;
    char text[64];
    size_t size;
};

static void trace_add(struct trace *trace, char letter)
{
    assert_true(trace->size + 1 < sizeof trace->text);
    trace->text[trace->size++] = letter;
    trace->text[trace->size] = '\0';
}

static void add_a(void *arg)
{
    trace_add(arg, 'a');
}

static void add_b(void *arg)
{
    trace_add(arg, 'b');
}

static void add_end(void *arg)
{
    trace_add(arg, '.');
}

static void add_c_and_post_a(void *arg)
{
    struct trace *trace = arg;

    trace_add(trace, 'c');
    loop_post(trace->loop, add_a, trace);
}

static void add_s_and_stop(void *arg)
{
    struct trace *trace = arg;

    trace_add(trace, 's');
    loop_stop(trace->loop);
}

/* ---- turns and posts ---- */

static void posted_functions_run_later_and_in_order(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_post(trace.loop, add_a, &trace);
    loop_post(trace.loop, add_b, &trace);
    loop_post(trace.loop, add_a, &trace);
    assert_string_equal(trace.text, "");
    loop_turn(trace.loop, LONG_MS);
    assert_string_equal(trace.text, "aba");
    loop_turn(trace.loop, 0);
    assert_string_equal(trace.text, "aba");
    loop_destroy(trace.loop);
}

static void what_is_posted_while_running_runs_in_the_next_turn(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_at_turn_end(trace.loop, add_end, &trace);
    loop_post(trace.loop, add_c_and_post_a, &trace);
    loop_post(trace.loop, add_b, &trace);
    loop_turn(trace.loop, LONG_MS);
    assert_string_equal(trace.text, "cb.");
    loop_turn(trace.loop, LONG_MS);
    assert_string_equal(trace.text, "cb.a.");
    loop_destroy(trace.loop);
}

static void turn_ends_run_every_turn_in_their_order(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_at_turn_end(trace.loop, add_end, &trace);
    loop_at_turn_end(trace.loop, add_b, &trace);
    loop_turn(trace.loop, 0);
    loop_post(trace.loop, add_a, &trace);
    loop_turn(trace.loop, LONG_MS);
    assert_string_equal(trace.text, ".ba.b");
    loop_destroy(trace.loop);
}

static void add_post_once(void *arg)
{
    struct trace *trace = arg;

    if (trace->size == 0) {
        trace_add(trace, 'e');
        loop_post(trace->loop, add_a, trace);
    }
}

static void what_a_turn_end_posts_runs_in_the_next_turn(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_at_turn_end(trace.loop, add_post_once, &trace);
    loop_turn(trace.loop, 0);
    assert_string_equal(trace.text, "e");
    loop_turn(trace.loop, LONG_MS);
    assert_string_equal(trace.text, "ea");
    loop_destroy(trace.loop);
}

static void add_l_and_leave(void *arg)
{
    struct trace *trace = arg;

    trace_add(trace, 'l');
    loop_not_at_turn_end(trace->loop, add_l_and_leave, trace);
}

static void a_turn_end_that_left_runs_no_more_and_no_other_is_missed(void **state)
{
    struct trace trace = { .loop = loop_create() };
    struct trace other = { .loop = trace.loop };

    (void)state;
    loop_at_turn_end(trace.loop, add_l_and_leave, &trace);
    loop_at_turn_end(trace.loop, add_b, &trace);
    loop_at_turn_end(trace.loop, add_b, &other);
    loop_turn(trace.loop, 0);
    assert_string_equal(trace.text, "lb");
    loop_turn(trace.loop, 0);
    assert_string_equal(trace.text, "lbb");
    loop_not_at_turn_end(trace.loop, add_b, &trace);
    loop_turn(trace.loop, 0);
    assert_string_equal(trace.text, "lbb");
    assert_string_equal(other.text, "bbb");
    loop_destroy(trace.loop);
}

static void leave_the_next(void *arg)
{
    struct trace *trace = arg;

    trace_add(trace, 'n');
    loop_not_at_turn_end(trace->loop, add_b, trace);
    loop_at_turn_end(trace->loop, add_end, trace);
}

static void a_turn_end_may_change_the_list_of_turn_ends(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_at_turn_end(trace.loop, leave_the_next, &trace);
    loop_at_turn_end(trace.loop, add_b, &trace);
    loop_turn(trace.loop, 0);
    assert_string_equal(trace.text, "n.");
    loop_destroy(trace.loop);
}

static void a_turn_waits_no_longer_than_told(void **state)
{
    struct loop *loop = loop_create();
    int64_t before_ms = clock_steady_ms();

    (void)state;
    loop_turn(loop, 0);
    loop_turn(loop, 5);
    loop_turn(loop, 5);
    assert_true(clock_steady_ms() - before_ms < LONG_MS);
    loop_destroy(loop);
}

static void running_ends_with_the_turn_of_the_stop(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_at_turn_end(trace.loop, add_end, &trace);
    loop_post(trace.loop, add_s_and_stop, &trace);
    loop_post(trace.loop, add_c_and_post_a, &trace);
    loop_run(trace.loop);
    assert_string_equal(trace.text, "sc.");
    loop_post(trace.loop, add_s_and_stop, &trace);
    loop_run(trace.loop);
    assert_string_equal(trace.text, "sc.as.");
    loop_destroy(trace.loop);
}

static void a_stop_before_running_is_not_lost(void **state)
{
    struct loop *loop = loop_create();

    (void)state;
    loop_stop(loop);
    loop_run(loop);
    loop_destroy(loop);
}

static void destroying_runs_what_was_posted(void **state)
{
    struct trace trace = { .loop = loop_create() };

    (void)state;
    loop_post(trace.loop, add_c_and_post_a, &trace);
    loop_post(trace.loop, add_b, &trace);
    loop_destroy(trace.loop);
    assert_string_equal(trace.text, "cba");
    loop_destroy(NULL);
}

static void turns_are_counted(void **state)
{
    struct loop *loop = loop_create();
    int64_t before = metrics_value(METRIC_loop_turns);

    (void)state;
    loop_turn(loop, 0);
    loop_turn(loop, 1);
    assert_int_equal(metrics_value(METRIC_loop_turns), before + 2);
    loop_destroy(loop);
}

static void note_two_times(void *arg)
{
    struct trace *trace = arg;
    int64_t first_ms = loop_steady_ms(trace->loop);
    int64_t start_ms = clock_steady_ms();

    while (clock_steady_ms() < start_ms + 3) {
        (void)sched_yield();
    }
    trace_add(trace, loop_steady_ms(trace->loop) == first_ms ? '=' : '!');
}

static void the_time_stands_still_within_a_turn_and_goes_on_between(void **state)
{
    struct trace trace = { .loop = loop_create() };
    int64_t before_ms = loop_steady_ms(trace.loop);

    (void)state;
    loop_post(trace.loop, note_two_times, &trace);
    loop_post(trace.loop, note_two_times, &trace);
    loop_turn(trace.loop, LONG_MS);
    assert_string_equal(trace.text, "==");
    assert_true(loop_steady_ms(trace.loop) >= before_ms + 6);
    loop_destroy(trace.loop);
}

/* ---- other threads ---- */

struct offloaded {
    struct trace *trace;
    char letter;
    pid_t worked_on;
    pid_t done_on;
    bool signals_blocked;
};

static void offload_work(void *arg)
{
    struct offloaded *job = arg;
    sigset_t blocked;

    job->worked_on = gettid();
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    job->signals_blocked =
        sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGHUP) == 1;
}

static void offload_done(void *arg)
{
    struct offloaded *job = arg;

    job->done_on = gettid();
    trace_add(job->trace, job->letter);
    if (job->letter == 'c') {
        loop_stop(job->trace->loop);
    }
}

static void offloaded_work_runs_elsewhere_and_is_done_here_in_order(void **state)
{
    struct trace trace = { .loop = loop_create() };
    struct offloaded jobs[] = {
        { .trace = &trace, .letter = 'a' },
        { .trace = &trace, .letter = 'b' },
        { .trace = &trace, .letter = 'c' },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        loop_offload(trace.loop, offload_work, offload_done, &jobs[i]);
    }
    assert_string_equal(trace.text, "");
    loop_run(trace.loop);
    assert_string_equal(trace.text, "abc");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(jobs[i].done_on, gettid());
        assert_int_not_equal(jobs[i].worked_on, gettid());
        assert_int_equal(jobs[i].worked_on, jobs[0].worked_on);
        assert_true(jobs[i].signals_blocked);
    }
    loop_destroy(trace.loop);
}

static void the_callers_signals_stay_as_they_were(void **state)
{
    struct trace trace = { .loop = loop_create() };
    struct offloaded job = { .trace = &trace, .letter = 'a' };
    sigset_t blocked;

    (void)state;
    loop_offload(trace.loop, offload_work, offload_done, &job);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGTERM), 0);
    loop_destroy(trace.loop);
}

static void offload_again(void *arg)
{
    struct offloaded *job = arg;

    trace_add(job->trace, 'x');
    loop_offload(job->trace->loop, offload_work, offload_done, job);
}

static void destroying_finishes_what_was_offloaded(void **state)
{
    struct trace trace = { .loop = loop_create() };
    struct offloaded jobs[] = {
        { .trace = &trace, .letter = 'a' },
        { .trace = &trace, .letter = 'b' },
    };

    (void)state;
    loop_offload(trace.loop, offload_work, offload_again, &jobs[0]);
    loop_offload(trace.loop, offload_work, offload_done, &jobs[1]);
    loop_destroy(trace.loop);
    assert_string_equal(trace.text, "xba");
}

enum {
    POSTERS = 4,
    POSTS = 5000
};

struct poster {
    struct loop *to;
    int posted; /* on the poster's thread */
    int heard;  /* on the loop's thread */
    int *heard_of_all;
};

static void hear_post(void *arg)
{
    struct poster *poster = arg;

    poster->heard++;
    if (++*poster->heard_of_all == POSTERS * POSTS) {
        loop_stop(poster->to);
    }
}

static void post_many(void *arg)
{
    struct poster *poster = arg;

    for (; poster->posted < POSTS; poster->posted++) {
        loop_post(poster->to, hear_post, poster);
    }
}

static void ignore(void *arg)
{
    (void)arg;
}

static void every_post_of_every_thread_arrives(void **state)
{
    struct loop *loop = loop_create();
    struct loop *others[POSTERS];
    struct poster posters[POSTERS];
    int heard = 0;

    (void)state;
    for (int i = 0; i < POSTERS; i++) { /* the helper of another loop is one more thread */
        posters[i] = (struct poster){ .to = loop, .heard_of_all = &heard };
        others[i] = loop_create();
        loop_offload(others[i], post_many, ignore, &posters[i]);
    }
    loop_run(loop);
    assert_int_equal(heard, POSTERS * POSTS);
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(posters[i].heard, POSTS);
        loop_destroy(others[i]);
    }
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posted_functions_run_later_and_in_order),
        cmocka_unit_test(what_is_posted_while_running_runs_in_the_next_turn),
        cmocka_unit_test(turn_ends_run_every_turn_in_their_order),
        cmocka_unit_test(what_a_turn_end_posts_runs_in_the_next_turn),
        cmocka_unit_test(a_turn_end_that_left_runs_no_more_and_no_other_is_missed),
        cmocka_unit_test(a_turn_end_may_change_the_list_of_turn_ends),
        cmocka_unit_test(a_turn_waits_no_longer_than_told),
        cmocka_unit_test(running_ends_with_the_turn_of_the_stop),
        cmocka_unit_test(a_stop_before_running_is_not_lost),
        cmocka_unit_test(destroying_runs_what_was_posted),
        cmocka_unit_test(turns_are_counted),
        cmocka_unit_test(the_time_stands_still_within_a_turn_and_goes_on_between),
        cmocka_unit_test(offloaded_work_runs_elsewhere_and_is_done_here_in_order),
        cmocka_unit_test(the_callers_signals_stay_as_they_were),
        cmocka_unit_test(destroying_finishes_what_was_offloaded),
        cmocka_unit_test(every_post_of_every_thread_arrives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
