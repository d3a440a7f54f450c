/* SPDX-License-Identifier: Apache-2.0 */
/* Each question is asked in a process of its own, whose standard input is a pipe or a terminal. */
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "server/ctl/ask.h"
#include "tests/support/unit.h"

enum {
    HEARD_BYTES = 1024,
    NO_ANSWER = 9 /* exit status of a process that got none */
};

static const char question[] = "Which? ";

/* Ask count times and print each answer in brackets; the process ends. */
__attribute__((noreturn)) static void ask_and_print(int count)
{
    char answer[ASK_MAX];

    for (int i = 0; i < count; i++) {
        if (!ask_secret(question, answer)) {
            _exit(NO_ANSWER);
        }
        (void)printf("[%s]", answer);
        (void)fflush(stdout);
    }
    _exit(0);
}

/* Append what comes from fd to heard until it has wanted, or until the end when that is NULL. */
static void hear(int fd, char heard[HEARD_BYTES], const char *wanted)
{
    size_t size = strlen(heard);
    ssize_t got = 1;

    while (got > 0 && (wanted == NULL || strstr(heard, wanted) == NULL)) {
        assert_true(size + 1 < HEARD_BYTES);
        got = read(fd, heard + size, HEARD_BYTES - 1 - size); /* a terminal ends with an error */
        size += got > 0 ? (size_t)got : 0;
        heard[size] = '\0';
    }
    assert_true(wanted == NULL || strstr(heard, wanted) != NULL);
}

static int status_of(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Have count questions answered by input through a pipe; returns the exit status. */
static int pipe_answers(const char *input, int count, char heard[HEARD_BYTES])
{
    int in[2];
    int out[2];

    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[1]);
        ask_and_print(count);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
    (void)close(in[1]);
    heard[0] = '\0';
    hear(out[0], heard, NULL);
    (void)close(out[0]);
    return WEXITSTATUS(status_of(child));
}

static void an_answer_is_a_line_of_standard_input(void **state)
{
    static const struct {
        const char *input;
        const char *wanted;
    } rows[] = { { "one\n", "[one]" },
                 { "one\r\n", "[one]" },
                 { "one", "[one]" },
                 { " two words \n", "[ two words ]" },
                 { "\n", "[]" } };
    char heard[HEARD_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(pipe_answers(rows[i].input, 1, heard), 0);
        assert_string_equal(heard, rows[i].wanted);
    }
}

static void the_next_question_is_answered_by_the_next_line(void **state)
{
    char heard[HEARD_BYTES];

    (void)state;
    assert_int_equal(pipe_answers("one\ntwo\nthree\n", 2, heard), 0);
    assert_string_equal(heard, "[one][two]");
}

static void no_line_is_no_answer(void **state)
{
    char heard[HEARD_BYTES];

    (void)state;
    assert_int_equal(pipe_answers("", 1, heard), NO_ANSWER);
    assert_int_equal(pipe_answers("one\n", 2, heard), NO_ANSWER);
    assert_string_equal(heard, "[one]");
}

static void a_line_that_is_too_long_is_no_answer_and_not_half_of_one(void **state)
{
    char line[ASK_MAX + 2] = "";
    char heard[HEARD_BYTES];

    (void)state;
    memset(line, 'x', ASK_MAX - 1);
    assert_int_equal(pipe_answers(line, 1, heard), 0);
    assert_int_equal(strlen(heard), ASK_MAX - 1 + strlen("[]"));
    line[ASK_MAX - 1] = 'x';
    assert_int_equal(pipe_answers(line, 1, heard), NO_ANSWER);
}

/* A process that asks at a terminal; returns the terminal's other end. */
static int terminal_open(pid_t *out_child)
{
    int fd = -1;

    (void)fflush(NULL);
    *out_child = forkpty(&fd, NULL, NULL, NULL);
    assert_true(*out_child >= 0);
    if (*out_child == 0) {
        ask_and_print(1);
    }
    return fd;
}

static bool shows_what_is_typed(int fd)
{
    struct termios terminal;

    assert_int_equal(tcgetattr(fd, &terminal), 0);
    return (terminal.c_lflag & (tcflag_t)ECHO) != 0;
}

static void what_is_typed_at_a_terminal_is_not_shown(void **state)
{
    char heard[HEARD_BYTES] = "";
    pid_t child;
    int fd = terminal_open(&child);

    (void)state;
    hear(fd, heard, question);
    assert_false(shows_what_is_typed(fd));
    assert_int_equal(write(fd, "hush\n", strlen("hush\n")), strlen("hush\n"));
    hear(fd, heard, "[hush]");
    assert_string_equal(heard, "Which? \r\n[hush]");
    assert_true(shows_what_is_typed(fd));
    assert_int_equal(status_of(child), 0);
    (void)close(fd);
}

/* Here the terminal outlives the process: it is the test's own. */
static void what_ends_the_program_leaves_the_terminal_as_it_was(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        char heard[HEARD_BYTES] = "";
        int ends[2];

        assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
        (void)fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)dup2(ends[1], STDIN_FILENO);
            (void)dup2(ends[1], STDERR_FILENO);
            ask_and_print(1);
        }
        hear(ends[0], heard, question);
        assert_false(shows_what_is_typed(ends[1]));
        assert_int_equal(kill(child, signals[i]), 0);
        int status = status_of(child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
        assert_true(shows_what_is_typed(ends[1]));
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_a_line_of_standard_input),
        cmocka_unit_test(the_next_question_is_answered_by_the_next_line),
        cmocka_unit_test(no_line_is_no_answer),
        cmocka_unit_test(a_line_that_is_too_long_is_no_answer_and_not_half_of_one),
        cmocka_unit_test(what_is_typed_at_a_terminal_is_not_shown),
        cmocka_unit_test(what_ends_the_program_leaves_the_terminal_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
