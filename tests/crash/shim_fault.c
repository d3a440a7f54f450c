/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong, and when.  A signal's handler may do little, and not with our
 * lock: it wakes a thread that makes the cut.
 */
#include <inttypes.h>
#include <linux/magic.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/shim.h"

enum {
    LINE_BYTES = 256,
    NUMBER_BYTES = 32,
    NUMBER_BASE = 10
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shim_modes modes;
static sem_t cut_wanted;
static uint64_t random_state;
static long steps;
static long syncs;

const struct shim_modes *shim_modes(void)
{
    return &modes;
}

void shim_enter(void)
{
    (void)pthread_mutex_lock(&lock);
}

void shim_leave(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void fault_say(const char *event, const char *what, long number)
{
    char line[LINE_BYTES];
    int size =
        snprintf(line, sizeof line, "event=shim.%s what=\"%s\" number=%ld\n", event, what, number);

    (void)syscall(SYS_write, STDERR_FILENO, line, size);
}

void shim_die(const char *what)
{
    fault_say("broken", what, 0);
    _exit(SHIM_BROKEN);
}

/* splitmix64 */
uint64_t shim_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static _Noreturn void fault_cut(void)
{
    shim_name_tear();
    shim_file_tear();
    fault_say("cut", "", steps);
    _exit(SHIM_CUT);
}

void shim_fault_step(void)
{
    steps++;
    if (steps == modes.cut_at) {
        fault_cut();
    }
}

bool shim_fault_fails(void)
{
    syncs++;
    if (modes.fail_at == 0 && modes.lie) {
        return true;
    }
    if (syncs != modes.fail_at) {
        return false;
    }
    fault_say("failed", "", syncs);
    return true;
}

int64_t shim_fault_room(void)
{
    char text[NUMBER_BYTES] = "";
    FILE *file = NULL;

    if (modes.limit[0] == '\0') {
        return INT64_MAX;
    }
    file = fopen(modes.limit, "re");
    if (file == NULL || fgets(text, sizeof text, file) == NULL) {
        shim_die("VC_LIMIT cannot be read");
    }
    (void)fclose(file);
    int64_t room = strtoll(text, NULL, NUMBER_BASE) - shim_name_used();
    return room > 0 ? room : 0;
}

bool shim_fault_is_full(int64_t bytes)
{
    return bytes > 0 && bytes > shim_fault_room();
}

static void on_signal(int number)
{
    (void)number;
    (void)sem_post(&cut_wanted);
}

static void *cutter_run(void *arg)
{
    (void)arg;
    while (sem_wait(&cut_wanted) != 0) {
    }
    shim_enter();
    fault_cut();
}

static void cutter_start(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    pthread_t thread;
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (sem_init(&cut_wanted, 0, 0) != 0 || pthread_create(&thread, NULL, cutter_run, NULL) != 0 ||
        sigaction(SIGUSR2, &action, NULL) != 0) {
        shim_die("the thread that cuts cannot be started");
    }
    (void)pthread_detach(thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): before any thread */

    return value == NULL ? "" : value;
}

static void variable_path(const char *name, char out[SHIM_PATH_BYTES])
{
    (void)snprintf(out, SHIM_PATH_BYTES, "%s", variable(name));
}

__attribute__((constructor)) static void fault_start(void)
{
    struct statfs system;

    if (variable("VC_DIR")[0] == '\0') {
        return;
    }
    variable_path("VC_DIR", modes.dir);
    variable_path("VC_DISK", modes.disk);
    variable_path("VC_LIMIT", modes.limit);
    modes.seed = strtoull(variable("VC_SEED"), NULL, NUMBER_BASE);
    modes.cut_at = strtol(variable("VC_CUT_AT"), NULL, NUMBER_BASE);
    modes.fail_at = strtol(variable("VC_FAIL_AT"), NULL, NUMBER_BASE);
    modes.keep = variable("VC_KEEP")[0] != '\0';
    modes.evict = variable("VC_EVICT")[0] != '\0';
    modes.lie = variable("VC_LIE")[0] != '\0';
    random_state = modes.seed;
    if (statfs(modes.dir, &system) != 0 || system.f_type != TMPFS_MAGIC) {
        shim_die("VC_DIR must be on a tmpfs, as /dev/shm is");
    }
    shim_name_fill();
    cutter_start();
}
