/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Broken files, made of a table of kinds of mistakes and of the table of options: whoever wrote
 * one must hear the file, the line and what to do.  A file without a mistake in it is no case.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/config/config.h"
#include "server/config/options.h"
#include "tests/config/mistakes.h"
#include "tests/config/reading.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    LINE = 3,        /* of the mistake, behind what every file begins with */
    FILES_MIN = 300, /* so many broken files at least */
    TOLD_PERCENT = 95
};

/* How many files were refused, and of how many the sentence said all. */
struct tally {
    struct reading reading;
    int files;
    int told;   /* file, line and reason */
    int unsaid; /* not even what can be said of a file without a line */
    const char *kind;
};

/* Mistakes that belong to an option, or to two that do not go with each other. */
static const struct {
    const char *lines;
    int line; /* counted from LINE */
    const char *words;
} special[] = {
    { "listen = 8080", 0, "write ADDRESS:PORT" },
    { "listen = \"localhost:8080\"", 0, "write ADDRESS:PORT" },
    { "listen = \"127.0.0.1:65536\"", 0, "its port must be a number" },
    { "listen = \"300.0.0.1:80\"", 0, "write ADDRESS:PORT" },
    { "listen = \"::1:80\"", 0, "write ADDRESS:PORT" },
    { "listen = \"unix:run/s.sock\"", 0, "must begin with a slash" },
    { "listen = \"127.0.0.1:80,\"", 0, "write ADDRESS:PORT" },
    { "listen = \"\"", 0, "clients must connect somewhere" },
    { "ops_listen = \"0.0.0.0:9090\"", 0, "must be a loopback address" },
    { "ops_listen = \"127.0.0.1:8080\"", 0, "choose another" },
    { "listen = \"127.0.0.1:9090\"", 0, "choose another" },
    { "listen = \"127.0.0.1:1\"\nops_listen = \"127.0.0.1:1\"", 1, "choose another" },
    { "trusted_proxies = \"10.0.0.1/8\"", 0, "write an address" },
    { "trusted_proxies = \"proxy.relay.example\"", 0, "write an address" },
    { "tls_listen = \"0.0.0.0:443\"", 0, "tls_listen needs a certificate" },
    { "tls_listen = \"0.0.0.0:443\"\ntls_cert = \"/c\"", 0, "tls_listen needs a key" },
    { "tls_cert = \"c\"\ntls_key = \"/k\"\ntls_listen = \"0.0.0.0:443\"", 0,
      "begins with a slash" },
    { "tls_key = \"/k\"\ntls_cert = \"\"\ntls_listen = \"0.0.0.0:443\"", 1, "needs a certificate" },
    { "tls_listen = \"unix:/s\"", 0, "put unix sockets into listen" },
    { "data_dir = \"data\"", 0, "begins with a slash" },
    { "key_dir = \"/var/lib/sealpost\"", 0, "must not be data_dir" },
    { "data_dir = /srv\nkey_dir = /srv/", 1, "must not be data_dir" },
    { "admin_socket = \"admin.sock\"", 0, "must begin with a slash" },
    { "data_dir = \"/0123456789012345678901234567890123456789012345678901234567890123456789"
      "012345678901234567890123456789\"",
      0, "shorter than 108 bytes" },
    { "storage = \"mysql:\"", 0, "write sqlite:" },
    { "storage = \"sqlite:relay.db\"", 0, "a path that begins with a slash" },
    { "storage = \"postgresql://\"", 0, "come USER:PASSWORD@HOST:PORT/DATABASE" },
    { "postgres_listen_url = \"postgresql://db/x\"", 0, "storage is no PostgreSQL database" },
    { "storage = \"postgresql://db/x\"\npostgres_listen_url = \"db\"", 1, "write postgresql://" },
    { "cors_origins = \"https://app.relay.example/\"", 0, "an origin has no path" },
    { "cors_origins = \"app.relay.example\"", 0, "begin with https://" },
    { "webauthn_rp_id = \"https://relay.example\"", 0, "its host must be a name" },
    { "webauthn_rp_id = \"other.example\"", 0, "must be webauthn_rp_id, or below it" },
    { "webauthn_origins = \"https://other.example\"", 0, "must be webauthn_rp_id, or below it" },
    { "key_slots_opaque = \"mine\"", 0, "begin with \"x.\"" },
    { "name = \"\"", 0, "1 to 100 bytes" },
    { "idle_device_close_days = 29", 0, "make it at least as long" },
    { "idle_device_warn_days = 46", 0, "make it at least as long" },
    { "idle_account_days = 44", 0, "make it at least as long" },
    { "idle_device_close_days = 20\nidle_device_warn_days = 10\nidle_account_days = 19", 2,
      "make it at least as long" },
};

/* Read a file of text, and count; line 0: there is none to name. */
static void judge(struct tally *tally, const struct buf *text, int line, const char *words)
{
    struct reading *reading = &tally->reading;
    char where[TEMP_DIR_BYTES + 64];

    reading_write(reading->path, (const char *)text->at, text->size);
    if (reading_go(reading)) {
        fail_msg("%s is taken: %.200s", tally->kind, (const char *)text->at);
    }
    tally->files++;
    if (line > 0) {
        (void)snprintf(where, sizeof where, "%s:%d: ", reading->path, line);
    } else {
        (void)snprintf(where, sizeof where, "%s: ", reading->path);
    }
    if (strncmp(reading->error, where, strlen(where)) != 0 ||
        strstr(reading->error, words) == NULL) {
        (void)printf("%s: %s\n", tally->kind, reading->error);
        tally->unsaid++;
    } else if (line > 0) {
        tally->told++;
    }
}

/* What each file begins with: LINE - 1 lines, with a good base_url unless name is that. */
static void begin(const char *name, struct buf *out)
{
    buf_append_text(out, strcmp(name, "base_url") == 0 ? "# mine\n" : reading_base);
    buf_append_text(out, "/* one */ // two\n");
}

static void judge_kind(struct tally *tally, const struct mistake_kind *kind)
{
    tally->kind = kind->kind;
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        struct buf text = { 0 };
        begin(options_table[i].name, &text);
        if (kind->make(&options_table[i], &text)) {
            buf_append_text(&text, "\n# the end\n");
            judge(tally, &text, LINE, kind->words);
        }
        buf_clear(&text);
    }
}

static void judge_twice(struct tally *tally)
{
    char words[64];

    tally->kind = "given twice";
    (void)snprintf(words, sizeof words, "was set at line %d already; keep one of them", LINE);
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        struct buf text = { 0 };
        const char *value = mistake_good_value(&options_table[i]);
        begin(options_table[i].name, &text);
        buf_append_format(&text, "%s = %s\n%s = %s\n", options_table[i].name, value,
                          options_table[i].name, value);
        judge(tally, &text, LINE + 1, words);
        buf_clear(&text);
    }
}

static void judge_special(struct tally *tally)
{
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        struct buf text = { 0 };
        tally->kind = special[i].lines;
        begin("", &text);
        buf_append_text(&text, special[i].lines);
        judge(tally, &text, LINE + special[i].line, special[i].words);
        buf_clear(&text);
    }
}

static void judge_base_urls(struct tally *tally)
{
    static const char *const urls[] = { "relay.example",
                                        "https://Relay.example",
                                        "https://relay.example/",
                                        "https://relay.example:443",
                                        "ftp://relay.example",
                                        "https://relay.example/a b",
                                        "https://user@relay.example",
                                        "" };

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct buf text = { 0 };
        tally->kind = urls[i];
        begin("base_url", &text);
        buf_append_format(&text, "base_url = \"%s\"\n", urls[i]);
        judge(tally, &text, LINE, urls[i][0] == '\0' ? "write the URL" : "base_url = ");
        buf_clear(&text);
    }
}

/* Stray bytes at the beginning, as editors and copies through other systems leave them. */
static void judge_strays(struct tally *tally)
{
    static const struct {
        const char *kind;
        const char *bytes;
        size_t size;
        const char *words;
    } strays[] = {
        { "a byte order mark", "\xef\xbb\xbf", 3, "save the file as UTF-8 without one" },
        { "UTF-16",
          "\xff\xfe"
          "b\0",
          4, "save it as UTF-8" },
        { "a semicolon", ";", 1, "a comment begins with #" },
        { "a brace", "}", 1, "leave this line out" },
        { "an open comment", "/*", 2, "must be closed on its line" },
        { "a quotation mark", "\xe2\x80\x9c", 3, "there is no option" },
        { "a form feed", "\f", 1, "there is a control character" },
    };

    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        struct buf text = { 0 };
        tally->kind = strays[i].kind;
        buf_append(&text, bytes_of(strays[i].bytes, strays[i].size));
        buf_append_text(&text, reading_base);
        judge(tally, &text, 1, strays[i].words);
        buf_clear(&text);
    }
}

/* These have no line; the file is named and what to do is said. */
static void judge_files(struct tally *tally)
{
    struct buf text = { 0 };

    tally->kind = "no base_url";
    buf_append_text(&text, "name = \"Ours\"\n");
    judge(tally, &text, 0, "base_url is not set: write");
    buf_append_format(&text, "#%0*d", 65536, 0);
    tally->kind = "too large a file";
    judge(tally, &text, 0, "is it the right file?");
    buf_empty(&text);
    buf_append_text(&text, reading_base);
    assert_int_equal(chmod(tally->reading.path, 0666), 0);
    tally->kind = "open to others";
    judge(tally, &text, 0, "run: chmod o-w");
    buf_clear(&text);
}

static void nearly_every_broken_file_is_told_with_file_line_and_reason(void **state)
{
    struct tally tally = { .files = 0 };

    (void)state;
    reading_start(&tally.reading, "");
    for (size_t k = 0; k < mistake_kind_count; k++) {
        judge_kind(&tally, &mistake_kinds[k]);
    }
    judge_twice(&tally);
    judge_special(&tally);
    judge_base_urls(&tally);
    judge_strays(&tally);
    judge_files(&tally);
    (void)printf("%d broken files, %d told with file, line and reason\n", tally.files, tally.told);
    assert_int_equal(tally.unsaid, 0);
    assert_true(tally.files >= FILES_MIN);
    assert_true(tally.told * 100 >= tally.files * TOLD_PERCENT);
    reading_end(&tally.reading);
}

static void a_file_that_is_missing_is_named(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, "");
    assert_int_equal(unlink(reading.path), 0);
    assert_false(reading_go(&reading));
    assert_memory_equal(reading.error, reading.path, strlen(reading.path));
    reading_expect_said(&reading, "cannot be opened (No such file or directory); check the path");
    reading_end(&reading);
}

/* What is repeated of a line is the name alone: what stands behind may be a password. */
static void no_sentence_repeats_a_password(void **state)
{
    static const char *const lines[] = {
        "storage = postgresql://a:hidden@db/x y",
        "storage = \"postgresql://a:hidden@db/x",
        "storage postgresql://a:hidden@db/x",
        "storage: postgresql://a:hidden@db/x",
        "storage = \"x\" \"postgresql://a:hidden@db/x\"",
        "storagee = \"postgresql://a:hidden@db/x\"",
        "storage = \"postgresq://a:hidden@db/x\"",
        "storage = \"postgresql://a:hidden\\999@db/x\"",
        "postgresql://a:hidden@db/x",
        "storage =\n\"postgresql://a:hidden@db/x\"",
    };
    static const char *const sets[] = { "postgresql://a:hidden@db/x",
                                        "storage:postgresql://a:hidden",
                                        "postgresql://a:hidden@db/x?a=b" };
    struct reading reading;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        reading_start_after_base(&reading, lines[i]);
        assert_false(reading_go(&reading));
        assert_null(strstr(reading.error, "hidden"));
        reading_end(&reading);
    }
    reading_start_after_base(&reading, "");
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        reading_set(&reading, &sets[i], 1);
        assert_false(reading_go(&reading));
        assert_null(strstr(reading.error, "hidden"));
    }
    reading_end(&reading);
}

static void a_sentence_is_one_line_of_text(void **state)
{
    (void)state;
    expect_refused("log_level = \"\\x1b[2J\\n\"", "not \"?[2J?\"");
    expect_refused("log_level = \"caf\xe9\"", "not \"caf?\"");
    expect_refused("log_level = \"caf\xc3\xa9\"", "not \"caf\xc3\xa9\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearly_every_broken_file_is_told_with_file_line_and_reason),
        cmocka_unit_test(a_file_that_is_missing_is_named),
        cmocka_unit_test(no_sentence_repeats_a_password),
        cmocka_unit_test(a_sentence_is_one_line_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
