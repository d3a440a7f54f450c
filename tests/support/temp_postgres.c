/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_postgres.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/random.h"

enum {
    PATH_BYTES = 512,
    OUTPUT_BYTES = 65536,
    EXIT_EXEC_FAILED = 127
};

static const char ready[] = "database system is ready to accept connections";

/* The folder of the newest PostgreSQL's programs, as Debian lays them out. */
static void programs_dir(char out[PATH_BYTES])
{
    glob_t found;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    CHECK(glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0);
    (void)snprintf(out, PATH_BYTES, "%s", found.gl_pathv[found.gl_pathc - 1]);
    *strrchr(out, '/') = '\0';
    globfree(&found);
}

static const struct passwd *unprivileged_user(void)
{
    /* NOLINTBEGIN(concurrency-mt-unsafe): one thread */
    /* cppcheck-suppress getpwnamCalled */
    const struct passwd *user = getpwnam("postgres");

    /* cppcheck-suppress getpwnamCalled */
    return user != NULL ? user : getpwnam("nobody");
    /* NOLINTEND(concurrency-mt-unsafe) */
}

/* Before exec: be somebody whom PostgreSQL serves, and end with the test. */
static void become_unprivileged(void)
{
    if (geteuid() == 0) {
        const struct passwd *user = unprivileged_user();
        if (user == NULL || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 ||
            setuid(user->pw_uid) != 0) {
            _exit(EXIT_EXEC_FAILED);
        }
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

static pid_t run_program(const char *const *arguments, int output)
{
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        become_unprivileged();
        (void)dup2(output, STDOUT_FILENO);
        (void)dup2(output, STDERR_FILENO);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): execv writes to none of them */
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(EXIT_EXEC_FAILED);
    }
    return pid;
}

static void wait_for(pid_t pid, int expected_status)
{
    int status = 0;

    CHECK(waitpid(pid, &status, 0) == pid);
    if (expected_status >= 0) {
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == expected_status);
    }
}

static void give_away(const char *path)
{
    if (geteuid() == 0) {
        const struct passwd *user = unprivileged_user();
        CHECK(user != NULL && chown(path, user->pw_uid, user->pw_gid) == 0);
    }
}

static void make_cluster(const struct temp_postgres *temp)
{
    char bin[PATH_BYTES];
    char initdb[PATH_BYTES + 16];
    char data[PATH_BYTES];
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    programs_dir(bin);
    (void)snprintf(initdb, sizeof initdb, "%s/initdb", bin);
    (void)snprintf(data, sizeof data, "%s/data", temp->dir);
    const char *const arguments[] = { initdb,       "-D",        data,   "-U",
                                      "sealpost",   "-E",        "UTF8", "--auth=trust",
                                      "--locale=C", "--no-sync", NULL };
    wait_for(run_program(arguments, nowhere), 0);
    (void)close(nowhere);
}

/* Read what the server says until it is ready. */
static void wait_until_ready(const struct temp_postgres *temp)
{
    char *said = calloc(1, OUTPUT_BYTES);
    size_t size = 0;

    CHECK(said != NULL);
    while (strstr(said, ready) == NULL) {
        ssize_t got = read(temp->output, said + size, OUTPUT_BYTES - 1 - size);
        if (got <= 0) {
            (void)fprintf(stderr, "temp_postgres: it did not start:\n%s\n", said);
        }
        CHECK(got > 0);
        size += (size_t)got;
    }
    free(said);
}

void temp_postgres_start(struct temp_postgres *temp)
{
    char bin[PATH_BYTES];
    char postgres[PATH_BYTES + 16];
    char data[PATH_BYTES];
    int ends[2];

    programs_dir(bin);
    (void)snprintf(postgres, sizeof postgres, "%s/postgres", bin);
    (void)snprintf(data, sizeof data, "%s/data", temp->dir);
    const char *const arguments[] = { postgres,
                                      "-D",
                                      data,
                                      "-k",
                                      temp->dir,
                                      "-c",
                                      "listen_addresses=",
                                      "-c",
                                      "fsync=off",
                                      "-c",
                                      "shared_buffers=16MB",
                                      "-c",
                                      "log_min_messages=log",
                                      "-c",
                                      "log_checkpoints=off",
                                      "-c",
                                      "max_connections=60",
                                      NULL };
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    temp->pid = run_program(arguments, ends[1]);
    (void)close(ends[1]);
    temp->output = ends[0];
    wait_until_ready(temp);
}

static void end_server(struct temp_postgres *temp, int signo)
{
    CHECK(temp->pid > 0);
    CHECK(kill(temp->pid, signo) == 0);
    wait_for(temp->pid, -1);
    temp->pid = 0;
    (void)close(temp->output);
    temp->output = -1;
}

void temp_postgres_kill(struct temp_postgres *temp)
{
    end_server(temp, SIGQUIT);
}

void temp_postgres_stop(struct temp_postgres *temp)
{
    end_server(temp, SIGINT);
}

void temp_postgres_url(const struct temp_postgres *temp, const char *name,
                       char out_url[TEMP_POSTGRES_URL_BYTES])
{
    int size = snprintf(out_url, TEMP_POSTGRES_URL_BYTES, "postgresql:///%s?host=%s&user=sealpost",
                        name, temp->dir);

    CHECK(size > 0 && size < TEMP_POSTGRES_URL_BYTES);
}

static void make_name(char kind, char out[TEMP_POSTGRES_NAME_BYTES])
{
    uint64_t number = 0;

    random_fill(&number, sizeof number);
    (void)snprintf(out, TEMP_POSTGRES_NAME_BYTES, "%c%016llx", kind, (unsigned long long)number);
}

static void run_with_name(const char *url, const char *verb, const char *name, const char *rest)
{
    char sql[TEMP_POSTGRES_URL_BYTES];

    (void)snprintf(sql, sizeof sql, "%s %s %s", verb, name, rest);
    temp_postgres_run(url, sql);
}

/* A database a program: programs that run beside each other must not hear each other. */
static void make_database(struct temp_postgres *temp)
{
    char url[TEMP_POSTGRES_URL_BYTES];

    temp_postgres_url(temp, "postgres", url);
    make_name('d', temp->database);
    run_with_name(url, "CREATE DATABASE", temp->database, "");
}

void temp_postgres_create(const struct temp_postgres *temp, char out_url[TEMP_POSTGRES_URL_BYTES])
{
    char url[TEMP_POSTGRES_URL_BYTES];
    char name[TEMP_POSTGRES_NAME_BYTES];

    temp_postgres_url(temp, temp->database, url);
    make_name('s', name);
    run_with_name(url, "CREATE SCHEMA", name, "");
    int size = snprintf(out_url, TEMP_POSTGRES_URL_BYTES,
                        "postgresql:///%s?host=%s&user=sealpost&options=-csearch_path%%3D%s",
                        temp->database, temp->dir, name);
    CHECK(size > 0 && size < TEMP_POSTGRES_URL_BYTES);
}

void temp_postgres_drop(const char *url)
{
    run_with_name(url, "DROP SCHEMA", strstr(url, "%3D") + 3, "CASCADE");
}

void temp_postgres_open_own(struct temp_postgres *temp)
{
    *temp = (struct temp_postgres){ .output = -1 };
    temp_dir_create(temp->dir);
    give_away(temp->dir);
    make_cluster(temp);
    temp_postgres_start(temp);
    make_database(temp);
}

void temp_postgres_open(struct temp_postgres *temp)
{
    const char *shared = getenv("SEALPOST_TEST_POSTGRES"); /* NOLINT(concurrency-mt-unsafe) */

    if (shared == NULL) {
        temp_postgres_open_own(temp);
        return;
    }
    *temp = (struct temp_postgres){ .output = -1, .is_shared = true };
    (void)snprintf(temp->dir, sizeof temp->dir, "%s", shared);
    make_database(temp);
}

void temp_postgres_close(struct temp_postgres *temp)
{
    if (temp->is_shared) {
        return;
    }
    if (temp->pid > 0) {
        temp_postgres_kill(temp);
    }
    temp_dir_remove(temp->dir);
}

static PGresult *run_on(PGconn *pg, const char *sql)
{
    CHECK(PQstatus(pg) == CONNECTION_OK);
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        (void)fprintf(stderr, "temp_postgres: %s\n", PQerrorMessage(pg));
    }
    CHECK(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    return result;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

void temp_postgres_run(const char *url, const char *sql)
{
    PGconn *pg = PQconnectdb(url);

    (void)PQsetNoticeReceiver(pg, ignore_notice, NULL);
    PQclear(run_on(pg, sql));
    PQfinish(pg);
}

long long temp_postgres_number(const char *url, const char *sql)
{
    PGconn *pg = PQconnectdb(url);
    PGresult *result = run_on(pg, sql);

    CHECK(PQntuples(result) == 1);
    long long number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(pg);
    return number;
}

static PGconn *holder;

void temp_postgres_hold(const char *url, const char *sql)
{
    CHECK(holder == NULL);
    holder = PQconnectdb(url);
    PQclear(run_on(holder, sql));
}

void temp_postgres_release(void)
{
    if (PQtransactionStatus(holder) == PQTRANS_INTRANS) { /* else its locks go a while later */
        PQclear(run_on(holder, "ROLLBACK"));
    }
    PQfinish(holder);
    holder = NULL;
}

void temp_postgres_commit(void)
{
    PQclear(run_on(holder, "COMMIT"));
    temp_postgres_release();
}

bool temp_postgres_is_awaited(const char *url)
{
    char sql[TEMP_POSTGRES_URL_BYTES];

    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM pg_stat_activity WHERE %d = ANY (pg_blocking_pids(pid))",
                   PQbackendPID(holder));
    return temp_postgres_number(url, sql) > 0;
}
