/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is made in two steps.  printf makes "key=value key=value"; that text is
 * then read back, pair by pair, and written in the wanted form.  So both forms
 * have the same members, and nothing that came from outside can end a line.
 *
 * Tokens are blotted out before the text is read.  Nobody should log one; this
 * is for the day on which somebody does.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log_private.h"

static _Atomic int level_now = LOG_INFO;
static _Atomic int format_now = LOG_LOGFMT;

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store(&level_now, (int)level);
    atomic_store(&format_now, (int)format);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

static bool log_is_token_character(char character)
{
    return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') || character == '-' || character == '_';
}

/* Put stars over whatever follows prefix in text. */
static void log_blot(char *text, const char *prefix)
{
    char *at = text;

    while ((at = strstr(at, prefix)) != NULL) {
        at += strlen(prefix);
        while (log_is_token_character(*at)) {
            *at++ = '*';
        }
    }
}

static const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warn";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    }
    return "error";
}

/* Write now as RFC 3339 in UTC, with milliseconds. */
static void log_time(char *out, size_t size)
{
    int64_t now_ms = clock_now_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts = { .tm_mday = 1 };
    char day[32] = "";

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(out, size, "%s.%03dZ", day, (int)(now_ms % 1000));
}

/* One call a line: a line of another thread never comes in between. */
static void log_write(const char *line, size_t size)
{
    ssize_t written;

    do {
        written = write(STDERR_FILENO, line, size);
    } while (written < 0 && errno == EINTR);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    char pairs[2 * LOG_LINE_BYTES];
    char time[40];
    struct log_writer writer;
    va_list args;
    int length;

    if (!log_is_on(level)) {
        return;
    }
    va_start(args, format);
    length = vsnprintf(pairs, sizeof pairs, format, args);
    va_end(args);
    if (length < 0) {
        pairs[0] = '\0';
    }
    log_blot(pairs, "sp1_");
    log_blot(pairs, "spi1_");
    log_time(time, sizeof time);

    log_writer_begin(&writer, atomic_load_explicit(&format_now, memory_order_relaxed) == LOG_JSON);
    log_writer_word(&writer, "ts", time);
    log_writer_word(&writer, "level", log_level_name(level));
    log_writer_word(&writer, "event", event);
    log_writer_pairs(&writer, pairs);
    writer.cut = writer.cut || length >= (int)sizeof pairs;
    log_writer_end(&writer);
    log_write(writer.line, writer.size);
}

struct log_id log_id(struct bytes id)
{
    struct log_id out = { .text = "" };
    size_t at = 0;

    for (size_t i = 0; i < id.size && i < 4; i++) {
        (void)snprintf(out.text + at, sizeof out.text - at, "%02x", id.at[i]);
        at += 2;
    }
    (void)snprintf(out.text + at, sizeof out.text - at, ".."); /* so that it is never a number */
    return out;
}

struct log_quote log_quote(struct bytes text)
{
    static const char end[] = "...\"";
    struct log_quote out = { .text = "\"" };
    size_t at = 1;
    size_t i = 0;

    while (i < text.size && at + 2 + sizeof end <= sizeof out.text) {
        uint8_t byte = text.at[i++];
        if (byte == '"' || byte == '\\') {
            out.text[at++] = '\\';
        }
        out.text[at++] = (char)(byte == '\0' ? ' ' : byte);
    }
    (void)snprintf(out.text + at, sizeof out.text - at, "%s", i < text.size ? end : "\"");
    return out;
}
