/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file of given text, and what reading it says. */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "server/config/config.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    READING_VARIABLES = 8
};

struct reading {
    char dir[TEMP_DIR_BYTES];
    char path[TEMP_DIR_BYTES + 32];
    char error[CONFIG_ERROR_BYTES];
    struct config config;
    struct config_source source;
    char *environment[READING_VARIABLES + 1];
};

static const char reading_base[] = "base_url = \"https://relay.example\"\n";

static inline void reading_write(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    assert_int_equal(close(fd), 0);
}

static inline void reading_start(struct reading *reading, const char *text)
{
    memset(reading, 0, sizeof *reading);
    temp_dir_create(reading->dir);
    (void)snprintf(reading->path, sizeof reading->path, "%s/s.conf", reading->dir);
    reading_write(reading->path, text, strlen(text));
    reading->source.path = reading->path;
}

/* Read with these variables, up to a NULL, from now on. */
static inline void reading_set_environment(struct reading *reading, const char *const *variables)
{
    for (size_t i = 0; i < READING_VARIABLES; i++) {
        free(reading->environment[i]);
        reading->environment[i] = NULL;
    }
    for (size_t i = 0; variables[i] != NULL; i++) {
        assert_true(i < READING_VARIABLES);
        reading->environment[i] = strdup(variables[i]);
        assert_non_null(reading->environment[i]);
    }
    reading->source.environment = reading->environment;
}

/* Read with these texts of --set from now on. */
static inline void reading_set(struct reading *reading, const char *const *sets, size_t count)
{
    reading->source.sets = sets;
    reading->source.set_count = count;
}

static inline bool reading_go(struct reading *reading)
{
    config_clear(&reading->config);
    return config_read(&reading->source, &reading->config, reading->error, sizeof reading->error);
}

static inline void reading_end(struct reading *reading)
{
    for (size_t i = 0; i < READING_VARIABLES; i++) {
        free(reading->environment[i]);
    }
    config_clear(&reading->config);
    temp_dir_remove(reading->dir);
}

/* Fail unless the sentence has all of words in it. */
static inline void reading_expect_said(const struct reading *reading, const char *words)
{
    if (strstr(reading->error, words) == NULL) {
        fail_msg("said: %s\nnot: %s", reading->error, words);
    }
}

/* Start with a file that has a good base_url as its first line. */
static inline void reading_start_after_base(struct reading *reading, const char *rest)
{
    struct buf text = { 0 };

    buf_append_text(&text, reading_base);
    buf_append_text(&text, rest);
    buf_append_u8(&text, 0);
    reading_start(reading, (const char *)text.at);
    buf_clear(&text);
}

/* The file, with a good base_url as its first line, is refused with these words. */
static inline void expect_refused(const char *line, const char *words)
{
    struct reading reading;

    reading_start_after_base(&reading, line);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, words);
    reading_end(&reading);
}

/* The file, with a good base_url as its first line, is taken. */
static inline void expect_taken(const char *line)
{
    struct reading reading;

    reading_start_after_base(&reading, line);
    if (!reading_go(&reading)) {
        fail_msg("%s: %s", line, reading.error);
    }
    reading_end(&reading);
}
