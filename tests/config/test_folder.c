/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "server/config/conf_folder.h"
#include "server/config/config.h"
#include "tests/config/reading.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

struct place {
    char path[TEMP_DIR_BYTES + 64];
};

static struct place in_folder(const struct reading *reading, const char *name)
{
    struct place place;

    (void)snprintf(place.path, sizeof place.path, "%s/conf.d%s%s", reading->dir,
                   name[0] == '\0' ? "" : "/", name);
    return place;
}

static void put(const struct reading *reading, const char *name, const char *text)
{
    reading_write(in_folder(reading, name).path, text, strlen(text));
}

/* A good file with this behind its base_url, and an empty conf.d beside it. */
static void start(struct reading *reading, const char *rest)
{
    reading_start_after_base(reading, rest);
    assert_int_equal(mkdir(in_folder(reading, "").path, 0755), 0);
}

static void expect_name(struct reading *reading, const char *name)
{
    if (!reading_go(reading)) {
        fail_msg("%s", reading->error);
    }
    assert_string_equal(reading->config.name, name);
}

static void expect_refused_at(struct reading *reading, const char *name, const char *words)
{
    char begin[TEMP_DIR_BYTES + 256];

    assert_false(reading_go(reading));
    (void)snprintf(begin, sizeof begin, "%s%s", in_folder(reading, name).path, words);
    reading_expect_said(reading, begin);
    assert_memory_equal(reading->error, begin, strlen(begin));
}

static void its_files_come_after_the_main_one_in_the_order_of_bytes(void **state)
{
    struct reading reading;

    (void)state;
    start(&reading, "name = main\nlog_level = debug\n");
    expect_name(&reading, "main");
    put(&reading, "10.conf", "name = ten\nregistration = open\n");
    expect_name(&reading, "ten");
    put(&reading, "9.conf", "name = nine\n"); /* by bytes, not by number */
    expect_name(&reading, "nine");
    put(&reading, "Z.conf", "name = Zet\n");
    put(&reading, "a.conf", "name = ah\n");
    expect_name(&reading, "ah"); /* capitals are before small letters */
    put(&reading, "\xc3\xa4.conf", "name = umlaut\n");
    expect_name(&reading, "umlaut"); /* and both before what is beyond ASCII */
    assert_int_equal(reading.config.registration, REGISTRATION_OPEN);
    assert_int_equal(reading.config.log_level, 3);
    reading_end(&reading);
}

static void variables_and_sets_count_more(void **state)
{
    const char *environment[] = { "SEALPOST_LOG_LEVEL=warn", NULL };
    const char *sets[] = { "name=set" };
    struct reading reading;

    (void)state;
    start(&reading, "");
    put(&reading, "a.conf", "name = folder\nlog_level = debug\n");
    reading_set_environment(&reading, environment);
    reading_set(&reading, sets, 1);
    expect_name(&reading, "set");
    assert_int_equal(reading.config.log_level, 1);
    reading_end(&reading);
}

static void other_names_are_left_alone(void **state)
{
    static const char *const names[] = { ".a.conf", "a.conf~", "a.conf.dpkg-old", "README",
                                         ".conf",   "aconf",   "a.CONF" };
    struct reading reading;

    (void)state;
    start(&reading, "name = main\n");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put(&reading, names[i], "this is nonsense\n");
    }
    expect_name(&reading, "main");
    reading_end(&reading);
}

static void without_the_folder_nothing_is_amiss(void **state)
{
    struct reading reading;

    (void)state;
    reading_start_after_base(&reading, "name = main\n");
    expect_name(&reading, "main");
    reading_end(&reading);
}

static void a_mistake_is_told_with_the_file_and_line_it_is_in(void **state)
{
    struct reading reading;

    (void)state;
    start(&reading, "name = main\n");
    put(&reading, "a.conf", "\nname = a\nname = b\n");
    expect_refused_at(&reading, "a.conf", ":3: name was set at line 2 already");
    put(&reading, "a.conf", "name = a\n");
    put(&reading, "b.conf", "# b\nlog_levl = warn\n");
    expect_refused_at(&reading, "b.conf",
                      ":2: there is no option log_levl; did you mean log_level?");
    put(&reading, "b.conf", "log_level = loud\n");
    expect_refused_at(&reading, "b.conf", ":1: log_level must be error, warn");
    put(&reading, "b.conf", "idle_device_close_days = 1\n");
    expect_refused_at(&reading, "b.conf", ":1: idle_device_close_days is 1 days, but");
    put(&reading, "b.conf", "");
    expect_name(&reading, "a");
    reading_end(&reading);
}

static void what_others_may_write_is_refused(void **state)
{
    struct reading reading;
    char main_words[TEMP_DIR_BYTES * 2 + 256];

    (void)state;
    start(&reading, "");
    put(&reading, "a.conf", "name = a\n");
    assert_int_equal(chmod(in_folder(&reading, "a.conf").path, 0646), 0);
    expect_refused_at(&reading, "a.conf", ": others may write it (mode 0646); run: chmod o-w /");
    assert_int_equal(chmod(in_folder(&reading, "a.conf").path, 0664), 0); /* a group may */
    expect_name(&reading, "a");
    assert_int_equal(chmod(in_folder(&reading, "").path, 01777), 0); /* they may add files */
    expect_refused_at(&reading, "", ": others may write into it (mode 1777); run: chmod o-w /");
    assert_int_equal(chmod(in_folder(&reading, "").path, 0775), 0);
    expect_name(&reading, "a");
    assert_int_equal(chmod(reading.path, 0602), 0);
    assert_false(reading_go(&reading));
    (void)snprintf(main_words, sizeof main_words,
                   "%s: others may write it (mode 0602); run: chmod o-w %s", reading.path,
                   reading.path);
    assert_string_equal(reading.error, main_words);
    reading_end(&reading);
}

static void a_folder_that_is_none_is_told(void **state)
{
    struct reading reading;

    (void)state;
    reading_start_after_base(&reading, "");
    reading_write(in_folder(&reading, "").path, "", 0);
    expect_refused_at(&reading, "", ": cannot be opened as a folder (Not a directory)");
    assert_int_equal(unlink(in_folder(&reading, "").path), 0);
    assert_int_equal(symlink("nowhere", in_folder(&reading, "").path), 0);
    expect_refused_at(&reading, "", ": cannot be opened as a folder (No such file");
    reading_end(&reading);
}

static void a_file_that_is_none_is_told(void **state)
{
    struct reading reading;

    (void)state;
    start(&reading, "");
    assert_int_equal(mkdir(in_folder(&reading, "a.conf").path, 0755), 0);
    expect_refused_at(&reading, "a.conf", ": this is no regular file");
    assert_int_equal(rmdir(in_folder(&reading, "a.conf").path), 0);
    assert_int_equal(symlink("nowhere", in_folder(&reading, "a.conf").path), 0);
    expect_refused_at(&reading, "a.conf", ": cannot be opened (No such file");
    put(&reading, "nowhere", "name = linked\n");
    expect_name(&reading, "linked");
    reading_end(&reading);
}

static void a_folder_has_256_files_at_most(void **state)
{
    struct reading reading;
    char name[16];

    (void)state;
    start(&reading, "name = main\n");
    for (int i = 0; i < CONF_FOLDER_MAX_FILES; i++) {
        (void)snprintf(name, sizeof name, "%d.conf", i);
        put(&reading, name, "");
    }
    expect_name(&reading, "main");
    put(&reading, "one_more.conf", "");
    expect_refused_at(&reading, "", ": has more than 256 files; is it the right folder?");
    reading_end(&reading);
}

static void a_path_without_a_slash_has_its_folder_where_we_are(void **state)
{
    struct reading reading;
    struct buf out = { .at = NULL };

    (void)state;
    start(&reading, "");
    put(&reading, "a.conf", "\nname = a\n");
    assert_int_equal(chdir(reading.dir), 0);
    reading.source.path = "s.conf";
    expect_name(&reading, "a");
    config_print(&reading.config, &reading.source, &out);
    buf_append_u8(&out, 0);
    assert_non_null(strstr((const char *)out.at, "name = \"a\"  # conf.d/a.conf:2\n"));
    assert_int_equal(chdir("/"), 0);
    buf_clear(&out);
    reading_end(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_files_come_after_the_main_one_in_the_order_of_bytes),
        cmocka_unit_test(variables_and_sets_count_more),
        cmocka_unit_test(other_names_are_left_alone),
        cmocka_unit_test(without_the_folder_nothing_is_amiss),
        cmocka_unit_test(a_mistake_is_told_with_the_file_and_line_it_is_in),
        cmocka_unit_test(what_others_may_write_is_refused),
        cmocka_unit_test(a_folder_that_is_none_is_told),
        cmocka_unit_test(a_file_that_is_none_is_told),
        cmocka_unit_test(a_folder_has_256_files_at_most),
        cmocka_unit_test(a_path_without_a_slash_has_its_folder_where_we_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
