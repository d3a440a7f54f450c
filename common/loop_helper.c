/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/check.h"
#include "common/loop.h"
#include "common/loop_private.h"
#include "common/mem.h"

struct loop_job {
    STAILQ_ENTRY(loop_job) next;
    loop_fn *work;
    loop_fn *done;
    void *arg;
};

STAILQ_HEAD(loop_jobs, loop_job);

struct loop_helper {
    struct loop *loop;
    pthread_t thread;
    bool running;         /* there is a thread; known to the loop's thread alone */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct loop_jobs jobs;
    bool finish; /* end when there is no job left */
};

struct loop_helper *loop_helper_create(struct loop *loop)
{
    struct loop_helper *helper = mem_zeroed(1, sizeof *helper);

    helper->loop = loop;
    CHECK(pthread_mutex_init(&helper->lock, NULL) == 0);
    CHECK(pthread_cond_init(&helper->changed, NULL) == 0);
    STAILQ_INIT(&helper->jobs);
    return helper;
}

void loop_helper_destroy(struct loop_helper *helper)
{
    CHECK(!helper->running);
    (void)pthread_cond_destroy(&helper->changed);
    (void)pthread_mutex_destroy(&helper->lock);
    free(helper);
}

/* Wait for a job and take it; NULL when the thread is to end. */
static struct loop_job *loop_helper_next(struct loop_helper *helper)
{
    struct loop_job *job;

    (void)pthread_mutex_lock(&helper->lock);
    while (STAILQ_EMPTY(&helper->jobs) && !helper->finish) {
        (void)pthread_cond_wait(&helper->changed, &helper->lock);
    }
    job = STAILQ_FIRST(&helper->jobs);
    if (job != NULL) {
        STAILQ_REMOVE_HEAD(&helper->jobs, next);
    }
    (void)pthread_mutex_unlock(&helper->lock);
    return job;
}

static void loop_job_run(struct loop_job *job, struct loop *loop)
{
    job->work(job->arg);
    loop_post(loop, job->done, job->arg);
    free(job);
}

static void *loop_helper_main(void *arg)
{
    struct loop_helper *helper = arg;
    struct loop_job *job;

    while ((job = loop_helper_next(helper)) != NULL) {
        loop_job_run(job, helper->loop);
    }
    return NULL;
}

/* Start the thread with all signals blocked: they are the loop's.  False when there can be none. */
static bool loop_helper_start(struct loop_helper *helper)
{
    sigset_t all;
    sigset_t before;

    if (helper->running) {
        return true;
    }
    helper->finish = false;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    helper->running = pthread_create(&helper->thread, NULL, loop_helper_main, helper) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return helper->running;
}

void loop_helper_add(struct loop_helper *helper, loop_fn *work, loop_fn *done, void *arg)
{
    struct loop_job *job = mem_zeroed(1, sizeof *job);

    job->work = work;
    job->done = done;
    job->arg = arg;
    if (!loop_helper_start(helper)) {
        loop_job_run(job, helper->loop); /* slow is better than never */
        return;
    }
    (void)pthread_mutex_lock(&helper->lock);
    STAILQ_INSERT_TAIL(&helper->jobs, job, next);
    (void)pthread_cond_signal(&helper->changed);
    (void)pthread_mutex_unlock(&helper->lock);
}

bool loop_helper_finish(struct loop_helper *helper)
{
    if (!helper->running) {
        return false;
    }
    (void)pthread_mutex_lock(&helper->lock);
    helper->finish = true;
    (void)pthread_cond_signal(&helper->changed);
    (void)pthread_mutex_unlock(&helper->lock);
    CHECK(pthread_join(helper->thread, NULL) == 0);
    helper->running = false;
    return true;
}
