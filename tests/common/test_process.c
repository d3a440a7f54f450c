/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each test asks a child process: what it gives up it does not get back.  The child ends
 * without the checks of a sanitizer, which want to look into it.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/process.h"
#include "tests/support/unit.h"

/* How a child ended that ran body. */
static int status_of(void (*body)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        body();
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void see_limits(void)
{
    struct rlimit limit = { 1, 1 };

    process_forbid_core_files();
    if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0) {
        _exit(0);
    }
}

static void no_core_file_may_be_written(void **state)
{
    (void)state;
    assert_int_equal(status_of(see_limits), 0);
}

static void see_dumpable(void)
{
    bool was = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;

    process_forbid_dumps();
    if (was && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0) {
        _exit(0);
    }
}

static void no_dump_may_be_taken(void **state)
{
    (void)state;
    assert_int_equal(status_of(see_dumpable), 0);
}

/* As small as a limit can be: a program that is handed dumps would still get one. */
static void crash(void)
{
    process_forbid_core_files();
    process_forbid_dumps();
    (void)signal(SIGABRT, SIG_DFL);
    (void)raise(SIGABRT);
}

static void a_crash_leaves_no_core(void **state)
{
    int status = status_of(crash);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_false(WCOREDUMP(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_core_file_may_be_written),
        cmocka_unit_test(no_dump_may_be_taken),
        cmocka_unit_test(a_crash_leaves_no_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
