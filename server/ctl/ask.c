/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are blocked but in ppoll: so none comes between the look whether one has come and the
 * waiting, and the terminal shows again what is typed before one ends the program.
 */
#include "server/ctl/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/mem.h"
#include "server/ctl/say.h"

enum ask_result {
    ASK_LINE = 0,
    ASK_NOTHING,
    ASK_TOO_LONG
};

static const int enders[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

enum {
    ENDERS = sizeof enders / sizeof enders[0]
};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

/* How it was before: what is put back. */
struct curtain {
    struct termios terminal;
    struct sigaction actions[ENDERS];
    sigset_t mask;
};

/* False when standard input is no terminal: then nothing was changed. */
static bool curtain_draw(struct curtain *out)
{
    struct termios hidden;
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t blocked;

    if (tcgetattr(STDIN_FILENO, &out->terminal) != 0) {
        return false;
    }
    caught = 0;
    (void)sigemptyset(&blocked);
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ENDERS; i++) {
        (void)sigaddset(&blocked, enders[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &out->mask);
    for (size_t i = 0; i < ENDERS; i++) {
        (void)sigaction(enders[i], &action, &out->actions[i]);
    }
    hidden = out->terminal;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    hidden.c_lflag |= ECHONL | ICANON;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    return true;
}

static void curtain_lift(const struct curtain *curtain)
{
    int came = caught;

    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &curtain->terminal);
    for (size_t i = 0; i < ENDERS; i++) {
        (void)sigaction(enders[i], &curtain->actions[i], NULL);
    }
    if (came != 0) {
        (void)raise(came); /* it waits for the mask */
    }
    (void)pthread_sigmask(SIG_SETMASK, &curtain->mask, NULL);
}

/* Wait with mask, NULL for the present one; false at the end, and when a signal came. */
static bool read_byte(const sigset_t *mask, char *out)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    ssize_t got = -1;

    if (ppoll(&input, 1, NULL, mask) != 1) {
        return false;
    }
    do {
        got = read(STDIN_FILENO, out, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1;
}

static enum ask_result read_line(const sigset_t *mask, char out[ASK_MAX])
{
    size_t size = 0;
    char byte = '\0';
    bool is_ended = false;

    memset(out, 0, ASK_MAX);
    while (!is_ended && read_byte(mask, &byte)) {
        is_ended = byte == '\n';
        if (!is_ended && size < ASK_MAX) {
            out[size++] = byte;
        }
    }
    mem_wipe(&byte, sizeof byte);
    if (size == ASK_MAX) {
        return ASK_TOO_LONG;
    }
    if (size > 0 && out[size - 1] == '\r') {
        out[size - 1] = '\0';
    }
    return is_ended || size > 0 ? ASK_LINE : ASK_NOTHING;
}

bool ask_secret(const char *question, char out[ASK_MAX])
{
    struct curtain curtain;
    enum ask_result result;

    if (curtain_draw(&curtain)) {
        (void)fputs(question, stderr);
        result = read_line(&curtain.mask, out);
        curtain_lift(&curtain);
    } else {
        result = read_line(NULL, out);
    }
    if (result == ASK_LINE) {
        return true;
    }
    mem_wipe(out, ASK_MAX);
    if (result == ASK_TOO_LONG) {
        say_error("that is too long: an answer has %d bytes at most", ASK_MAX - 1);
    } else {
        say_error("no answer came from standard input; type it, or write a line to it");
    }
    return false;
}

bool ask_is_terminal(void)
{
    return isatty(STDIN_FILENO) == 1;
}
