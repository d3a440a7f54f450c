/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/manifest.h"
#include "server/ctl/device_state.h"
#include "server/ctl/folder.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    WRITERS = 4,
    WRITES = 50
};

struct place {
    char base[TEMP_DIR_BYTES];
    char folder[TEMP_DIR_BYTES + 16];
};

static int place_make(void **state)
{
    static struct place place;

    temp_dir_create(place.base);
    (void)snprintf(place.folder, sizeof place.folder, "%s/one/two", place.base);
    *state = &place;
    return 0;
}

static int place_remove(void **state)
{
    const struct place *place = *state;

    temp_dir_remove(place->base);
    return 0;
}

static void what_is_saved_is_loaded(void **state)
{
    const struct place *place = *state;
    struct device_state made;
    struct device_state loaded;

    device_state_init(&made, place->folder, "https://relay.example/x", "a \"name\"", "/ca.pem");
    made.has_account = true;
    memset(made.account.raw, 7, sizeof made.account.raw);
    made.device_id = 127;
    made.command_seq = INT64_C(1767225600123);
    assert_false(device_state_exists(place->folder));
    assert_true(device_state_save(&made));
    assert_true(device_state_exists(place->folder));
    assert_true(device_state_load(&loaded, place->folder));
    assert_string_equal(loaded.url, made.url);
    assert_string_equal(loaded.name, made.name);
    assert_string_equal(loaded.ca, made.ca);
    assert_string_equal(loaded.folder, made.folder);
    assert_memory_equal(loaded.seed, made.seed, 32);
    assert_memory_equal(loaded.pub.raw, made.pub.raw, 32);
    assert_memory_equal(loaded.box_public, made.box_public, 32);
    assert_memory_equal(loaded.box_secret, made.box_secret, 32);
    assert_true(loaded.has_identity);
    assert_memory_equal(loaded.identity_seed, made.identity_seed, 32);
    assert_memory_equal(loaded.identity, made.identity, 33);
    assert_int_equal(loaded.identity[0], 5);
    assert_true(loaded.has_account);
    assert_memory_equal(loaded.account.raw, made.account.raw, 32);
    assert_int_equal(loaded.device_id, 127);
    assert_true(loaded.command_seq == made.command_seq);
    device_state_clear(&loaded);
    device_state_clear(&made);
}

static void a_device_without_an_account_is_loaded_as_one(void **state)
{
    const struct place *place = *state;
    struct device_state made;
    struct device_state loaded;

    device_state_init(&made, place->folder, "http://localhost:8080", "x", NULL);
    assert_true(device_state_save(&made));
    assert_true(device_state_load(&loaded, place->folder));
    assert_false(loaded.has_account);
    assert_null(loaded.ca);
    device_state_clear(&loaded);
    device_state_clear(&made);
}

static void a_device_of_an_older_program_is_loaded_without_identity(void **state)
{
    const struct place *place = *state;
    struct manifest_key keys[DEVICE_STATE_KEYS_MAX];
    struct device_state made;
    struct device_state loaded;

    device_state_init(&made, place->folder, "https://relay.example", "x", NULL);
    assert_int_equal(device_state_keys(&made, keys), 2);
    made.has_identity = false;
    assert_true(device_state_save(&made));
    assert_true(device_state_load(&loaded, place->folder));
    assert_false(loaded.has_identity);
    assert_int_equal(device_state_keys(&loaded, keys), 1);
    assert_int_equal(keys[0].type, MANIFEST_KEY_SEALED_BOX);
    device_state_clear(&loaded);
    device_state_clear(&made);
}

static void only_the_owner_may_read_the_keys(void **state)
{
    const struct place *place = *state;
    struct device_state made;
    struct stat status;
    char path[TEMP_DIR_BYTES + 40];

    device_state_init(&made, place->folder, "https://relay.example", "x", NULL);
    assert_true(device_state_save(&made));
    assert_int_equal(stat(place->folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof path, "%s/device.json", place->folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    device_state_clear(&made);
}

static void a_damaged_file_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{}", "{\"url\":\"https://relay.example\"}", "not JSON at all",
    };
    const struct place *place = *state;
    struct device_state loaded;

    assert_false(device_state_load(&loaded, place->folder)); /* nothing is there */
    assert_true(folder_make(place->folder));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(folder_write(place->folder, "device.json", bytes_text(texts[i])));
        assert_false(device_state_load(&loaded, place->folder));
    }
}

static void every_device_has_keys_of_its_own(void **state)
{
    struct device_state one;
    struct device_state two;

    (void)state;
    device_state_init(&one, "/nowhere", "https://relay.example", "x", NULL);
    device_state_init(&two, "/nowhere", "https://relay.example", "x", NULL);
    assert_memory_not_equal(one.seed, two.seed, 32);
    assert_memory_not_equal(one.box_secret, two.box_secret, 32);
    assert_memory_not_equal(one.identity_seed, two.identity_seed, 32);
    assert_memory_not_equal(one.identity_seed, one.seed, 32);
    assert_true(crypto_point_is_valid(one.pub.raw));
    device_state_clear(&one);
    device_state_clear(&two);
}

static void urls_are_judged(void **state)
{
    static const struct {
        const char *url;
        const char *base; /* NULL: refused */
    } rows[] = {
        { "https://relay.example", "https://relay.example" },
        { "https://relay.example/", "https://relay.example" },
        { "https://relay.example/prefix/", "https://relay.example/prefix" },
        { "http://127.0.0.1:8080", "http://127.0.0.1:8080" },
        { "http://[::1]:8080/x", "http://[::1]:8080/x" },
        { "relay.example", NULL },
        { "ftp://relay.example", NULL },
        { "HTTPS://relay.example", NULL },
        { "https://Relay.example", NULL },
        { "https://", NULL },
        { "https:///x", NULL },
        { "https://user@relay.example", NULL },
        { "https://relay.example/?x", NULL },
        { "https://relay.example/#spi1_x", NULL },
        { "https://relay.example /", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = 0;
        bool is_good = device_state_url_check(rows[i].url, &size);
        assert_true(is_good == (rows[i].base != NULL));
        assert_true(!is_good ||
                    (size == strlen(rows[i].base) && memcmp(rows[i].url, rows[i].base, size) == 0));
    }
}

static size_t count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    assert_non_null(dir);
    /* cppcheck-suppress readdirCalled */
    while (readdir(dir) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        count++;
    }
    assert_int_equal(closedir(dir), 0);
    return count - 2; /* . and .. */
}

static void a_file_is_replaced_whole(void **state)
{
    const struct place *place = *state;
    struct buf content = { 0 };

    assert_true(folder_make(place->folder));
    assert_true(folder_make(place->folder)); /* is there already */
    assert_true(folder_write(place->folder, "f", bytes_text("a long first content")));
    assert_true(folder_write(place->folder, "f", bytes_text("short")));
    assert_true(folder_read(place->folder, "f", &content));
    assert_true(bytes_equal(buf_view(&content), bytes_text("short")));
    assert_int_equal(count_files(place->folder), 1);
    assert_false(folder_read(place->folder, "g", &content));
    assert_false(folder_write("/nowhere/at/all", "f", bytes_text("x")));
    assert_true(folder_has(place->base, "one"));
    folder_remove(place->folder);
    assert_false(folder_has(place->base, "one/two"));
    buf_clear(&content);
}

static bool write_often(const char *folder)
{
    bool is_written = true;

    for (int i = 0; is_written && i < WRITES; i++) {
        is_written = folder_write(folder, "f", bytes_text("whole"));
    }
    return is_written;
}

static void processes_that_write_one_file_at_once_all_write_it(void **state)
{
    const struct place *place = *state;
    struct buf content = { 0 };
    pid_t writers[WRITERS];

    assert_true(folder_make(place->folder));
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        assert_true(writers[i] >= 0);
        if (writers[i] == 0) {
            _exit(write_often(place->folder) ? 0 : 1);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    assert_true(folder_read(place->folder, "f", &content));
    assert_true(bytes_equal(buf_view(&content), bytes_text("whole")));
    assert_int_equal(count_files(place->folder), 1);
    buf_clear(&content);
}

static void one_at_a_time_has_a_lock(void **state)
{
    const struct place *place = *state;

    assert_true(folder_make(place->folder));
    int lock = folder_lock(place->folder, "l");
    assert_true(lock >= 0);
    assert_true(folder_lock(place->folder, "l") < 0);
    folder_unlock(lock);
    lock = folder_lock(place->folder, "l");
    assert_true(lock >= 0);
    folder_unlock(lock);
    assert_true(folder_lock("/nowhere/at/all", "l") < 0);
}

#define ON_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_PLACE(what_is_saved_is_loaded),
        ON_A_PLACE(a_device_without_an_account_is_loaded_as_one),
        ON_A_PLACE(a_device_of_an_older_program_is_loaded_without_identity),
        ON_A_PLACE(only_the_owner_may_read_the_keys),
        ON_A_PLACE(a_damaged_file_is_refused),
        cmocka_unit_test(every_device_has_keys_of_its_own),
        cmocka_unit_test(urls_are_judged),
        ON_A_PLACE(a_file_is_replaced_whole),
        ON_A_PLACE(processes_that_write_one_file_at_once_all_write_it),
        ON_A_PLACE(one_at_a_time_has_a_lock),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
