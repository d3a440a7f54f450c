/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto.h"
#include "server/config/keyring.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

enum {
    ERROR_BYTES = 512,
    PATH_BYTES = TEMP_DIR_BYTES + 64
};

struct place {
    char above[TEMP_DIR_BYTES]; /* a folder of the test's own */
    char dir[PATH_BYTES];       /* the key directory in it */
    char error[ERROR_BYTES];
};

static void place_start(struct place *place)
{
    memset(place, 0, sizeof *place);
    temp_dir_create(place->above);
    (void)snprintf(place->dir, sizeof place->dir, "%s/keys", place->above);
}

static struct keyring *place_open(struct place *place, bool create)
{
    place->error[0] = '\0';
    return keyring_open(place->dir, create, place->error, sizeof place->error);
}

static void place_path(const struct place *place, const char *name, char out[PATH_BYTES + 64])
{
    (void)snprintf(out, PATH_BYTES + 64, "%s/%s", place->dir, name);
}

/* Make or replace a file in the key directory. */
static void place_put(const struct place *place, const char *name, const char *text, mode_t mode)
{
    char path[PATH_BYTES + 64];
    int fd = -1;

    place_path(place, name, path);
    assert_true(unlink(path) == 0 || errno == ENOENT);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void place_expect_refused(struct place *place, bool create, const char *words)
{
    struct keyring *keyring = place_open(place, create);

    assert_null(keyring);
    if (strstr(place->error, words) == NULL) {
        fail_msg("said: %s\nnot: %s", place->error, words);
    }
}

static void place_made(struct place *place)
{
    place_start(place);
    keyring_destroy(place_open(place, true));
}

static void the_first_start_makes_every_key_and_later_ones_find_it(void **state)
{
    struct place place;
    uint8_t first[KEYRING_PURPOSES][KEYRING_KEY_BYTES];
    uint8_t again[KEYRING_KEY_BYTES];
    uint32_t id = 0;
    struct keyring *keyring = NULL;

    (void)state;
    place_start(&place);
    keyring = place_open(&place, true);
    assert_non_null(keyring);
    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        keyring_current(keyring, (enum keyring_purpose)i, &id, first[i]);
        assert_int_equal(id, 1);
    }
    assert_memory_not_equal(first[KEYRING_CHALLENGE], first[KEYRING_INDEX], KEYRING_KEY_BYTES);
    assert_memory_not_equal(first[KEYRING_INDEX], first[KEYRING_TAG], KEYRING_KEY_BYTES);
    keyring_destroy(keyring);

    keyring = place_open(&place, false);
    assert_non_null(keyring);
    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        keyring_current(keyring, (enum keyring_purpose)i, &id, again);
        assert_memory_equal(again, first[i], KEYRING_KEY_BYTES);
    }
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void every_key_of_a_purpose_is_found_in_order(void **state)
{
    static const char text[] =
        "sealpost-key 1 seal 12 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    struct place place;
    struct keyring *keyring = NULL;
    uint8_t key[KEYRING_KEY_BYTES];
    uint8_t zeros[KEYRING_KEY_BYTES] = { 0 };
    uint32_t id = 0;

    (void)state;
    place_made(&place);
    place_put(&place, "seal-12.key", text, 0400);
    keyring = place_open(&place, false);
    assert_non_null(keyring);
    assert_true(keyring_next(keyring, KEYRING_SEAL, 0, &id, key));
    assert_int_equal(id, 1);
    assert_memory_not_equal(key, zeros, sizeof zeros);
    assert_true(keyring_next(keyring, KEYRING_SEAL, id, &id, key));
    assert_int_equal(id, 12);
    assert_memory_equal(key, zeros, sizeof zeros);
    assert_false(keyring_next(keyring, KEYRING_SEAL, id, &id, key));
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void keys_are_for_their_owner_alone(void **state)
{
    struct place place;
    struct stat status;
    char path[PATH_BYTES + 64];
    mode_t before = umask(0);

    (void)state;
    place_made(&place);
    (void)umask(before);
    assert_int_equal(stat(place.dir, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    place_path(&place, "challenge-1.key", path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0400);
    assert_int_equal(status.st_nlink, 1);
    temp_dir_remove(place.above);
}

static void a_key_file_has_the_documented_text(void **state)
{
    struct place place;
    char path[PATH_BYTES + 64];
    char text[128] = { 0 };
    int fd = -1;

    (void)state;
    place_made(&place);
    place_path(&place, "index-1.key", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text - 1), strlen("sealpost-key 1 index 1 ") + 43 + 1);
    assert_int_equal(close(fd), 0);
    assert_memory_equal(text, "sealpost-key 1 index 1 ", strlen("sealpost-key 1 index 1 "));
    assert_int_equal(text[strlen(text) - 1], '\n');
    temp_dir_remove(place.above);
}

static void the_highest_id_is_current_and_the_others_stay(void **state)
{
    struct place place;
    struct keyring *keyring = NULL;
    uint8_t key[KEYRING_KEY_BYTES];
    uint8_t zeros[KEYRING_KEY_BYTES] = { 0 };
    uint32_t id = 0;

    (void)state;
    place_made(&place);
    place_put(&place, "tag-9.key",
              "sealpost-key 1 tag 9 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0400);
    place_put(&place, "tag-10.key",
              "sealpost-key 1 tag 10 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\n", 0400);
    place_put(&place, "tag-4294967295.key",
              "sealpost-key 1 tag 4294967295 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI\n", 0400);
    keyring = place_open(&place, true);
    if (keyring == NULL) {
        fail_msg("%s", place.error);
    }
    keyring_current(keyring, KEYRING_TAG, &id, key);
    assert_int_equal(id, UINT32_MAX);
    assert_true(keyring_find(keyring, KEYRING_TAG, 9, key));
    assert_memory_equal(key, zeros, sizeof key);
    assert_true(keyring_find(keyring, KEYRING_TAG, 10, key));
    assert_int_equal(key[31], 1);
    assert_true(keyring_find(keyring, KEYRING_TAG, 1, key));
    assert_false(keyring_find(keyring, KEYRING_TAG, 2, key));
    assert_false(keyring_find(keyring, KEYRING_INDEX, 9, key));
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void nothing_is_made_unless_asked_for(void **state)
{
    struct place place;
    char path[PATH_BYTES + 64];

    (void)state;
    place_start(&place);
    place_expect_refused(&place, false, "/keys: cannot be opened (No such file or directory)");
    assert_int_equal(access(place.dir, F_OK), -1);
    assert_int_equal(mkdir(place.dir, 0700), 0);
    place_expect_refused(&place, false, "/keys: there is no challenge key; put the key files back");
    place_path(&place, "challenge-1.key", path);
    assert_int_equal(access(path, F_OK), -1);
    temp_dir_remove(place.above);
}

static void a_missing_parent_is_told(void **state)
{
    struct place place;

    (void)state;
    place_start(&place);
    (void)snprintf(place.dir, sizeof place.dir, "%s/no/keys", place.above);
    place_expect_refused(&place, true, "cannot be made (No such file or directory)");
    temp_dir_remove(place.above);
}

static void open_modes_are_refused_with_the_command_to_run(void **state)
{
    struct place place;
    char path[PATH_BYTES + 64];
    char words[PATH_BYTES + 128];

    (void)state;
    place_made(&place);
    assert_int_equal(chmod(place.dir, 0750), 0);
    (void)snprintf(words, sizeof words, "(mode 0750); run: chmod 0700 %s", place.dir);
    place_expect_refused(&place, true, words);
    assert_int_equal(chmod(place.dir, 0700), 0);

    place_path(&place, "tag-1.key", path);
    assert_int_equal(chmod(path, 0440), 0);
    (void)snprintf(words, sizeof words, "its mode is 0440, not 0400; run: chmod 0400 %s", path);
    place_expect_refused(&place, true, words);
    assert_int_equal(chmod(path, 0400), 0);
    keyring_destroy(place_open(&place, false));
    assert_string_equal(place.error, "");
    temp_dir_remove(place.above);
}

static void owners_other_than_us_are_refused(void **state)
{
    struct place place;
    char path[PATH_BYTES + 64];

    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can give files away */
    }
    place_made(&place);
    place_path(&place, "tag-1.key", path);
    assert_int_equal(chown(path, 12345, 0), 0);
    place_expect_refused(&place, true, "tag-1.key: belongs to user 12345, but sealpostd runs as");
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chown(place.dir, 12345, 0), 0);
    place_expect_refused(&place, true, "/keys: belongs to user 12345");
    assert_int_equal(chown(place.dir, 0, 0), 0);
    temp_dir_remove(place.above);
}

static void damaged_key_files_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "sealpost-key 1 tag 1 \n",
        "sealpost-key 1 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "sealpost-key 1 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "sealpost-key 1 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "sealpost-key 1 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n",
        "sealpost-key 1 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "sealpost-key 1 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n",
        "sealpost-key 1 tag 2 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "sealpost-key 1 index 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "sealpost-key 2 tag 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    };
    struct place place;

    (void)state;
    place_made(&place);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        place_put(&place, "tag-1.key", texts[i], 0400);
        place_expect_refused(&place, true, "/tag-1.key: this is no key file, or it is damaged");
    }
    temp_dir_remove(place.above);
}

static void links_are_not_followed(void **state)
{
    struct place place;
    char path[PATH_BYTES + 64];
    char other[PATH_BYTES + 64];

    (void)state;
    place_made(&place);
    place_path(&place, "tag-1.key", path);
    place_path(&place, "tag-2.key", other);
    assert_int_equal(symlink(path, other), 0);
    place_expect_refused(&place, true, "tag-2.key: cannot be opened");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(mkdir(other, 0400), 0);
    place_expect_refused(&place, true, "tag-2.key: this is no regular file");
    assert_int_equal(rmdir(other), 0);
    temp_dir_remove(place.above);
}

static void other_files_are_left_alone(void **state)
{
    static const char *const names[] = {
        "heartbeat", "tag-1.key.tmp", "tag-01.key", "tag-0.key",          "tag-.key",
        "tag-x.key", "pepper-1.key",  "tag.key",    "tag-4294967296.key", "tag-2.key~",
    };
    struct place place;
    struct keyring *keyring = NULL;
    uint8_t key[KEYRING_KEY_BYTES];
    uint32_t id = 0;

    (void)state;
    place_made(&place);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        place_put(&place, names[i], "not for us", 0666);
    }
    keyring = place_open(&place, false);
    if (keyring == NULL) {
        fail_msg("%s", place.error);
    }
    keyring_current(keyring, KEYRING_TAG, &id, key);
    assert_int_equal(id, 1);
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void a_draft_of_a_start_that_crashed_is_no_hindrance(void **state)
{
    struct place place;
    struct keyring *keyring = NULL;
    char path[PATH_BYTES + 64];

    (void)state;
    place_start(&place);
    assert_int_equal(mkdir(place.dir, 0700), 0);
    place_put(&place, "tag-1.key.tmp", "sealpost-key 1 ta", 0400);
    keyring = place_open(&place, true);
    assert_non_null(keyring);
    keyring_destroy(keyring);
    place_path(&place, "tag-1.key.tmp", path);
    assert_int_equal(access(path, F_OK), -1);
    temp_dir_remove(place.above);
}

static void a_key_is_made_under_its_id_and_never_in_place_of_another(void **state)
{
    struct place place;
    struct keyring *keyring = NULL;
    struct stat status;
    char path[PATH_BYTES + 64];
    uint8_t made[KEYRING_KEY_BYTES];
    uint8_t again[KEYRING_KEY_BYTES];

    (void)state;
    place_made(&place);
    keyring = place_open(&place, false);
    assert_true(keyring_make(keyring, place.dir, KEYRING_SEAL, 2, place.error, sizeof place.error));
    assert_true(keyring_find(keyring, KEYRING_SEAL, 2, made));
    place_path(&place, "seal-2.key", path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0400);
    assert_false(
        keyring_make(keyring, place.dir, KEYRING_SEAL, 2, place.error, sizeof place.error));
    assert_non_null(strstr(place.error, "seal-2.key: cannot be written (File exists)"));
    keyring_destroy(keyring);
    keyring = place_open(&place, false);
    assert_true(keyring_find(keyring, KEYRING_SEAL, 2, again));
    assert_memory_equal(again, made, sizeof made);
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void a_key_is_dropped_from_memory_and_its_file_deleted(void **state)
{
    struct place place;
    struct keyring *keyring = NULL;
    char path[PATH_BYTES + 64];
    uint8_t key[KEYRING_KEY_BYTES];

    (void)state;
    place_made(&place);
    keyring = place_open(&place, false);
    place_path(&place, "seal-1.key", path);
    keyring_drop(keyring, KEYRING_SEAL, 7);
    keyring_drop(keyring, KEYRING_SEAL, 1);
    assert_false(keyring_find(keyring, KEYRING_SEAL, 1, key));
    assert_int_equal(access(path, F_OK), 0);
    for (int i = 0; i < 2; i++) { /* one that is gone is deleted */
        assert_true(
            keyring_delete_file(place.dir, KEYRING_SEAL, 1, place.error, sizeof place.error));
        assert_int_equal(access(path, F_OK), -1);
    }
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void what_is_missing_is_left_missing_when_it_is_only_read(void **state)
{
    struct place place;
    struct keyring *keyring = NULL;
    uint8_t key[KEYRING_KEY_BYTES];
    uint32_t id = 0;

    (void)state;
    place_start(&place);
    keyring = keyring_read(place.dir, true, place.error, sizeof place.error);
    assert_non_null(keyring);
    assert_false(keyring_next(keyring, KEYRING_SEAL, 0, &id, key));
    keyring_destroy(keyring);
    assert_int_equal(rmdir(place.dir), 0); /* so it is empty */
    temp_dir_remove(place.above);
}

static void a_fingerprint_tells_keys_and_purposes_apart(void **state)
{
    static const char seal[] =
        "sealpost-key 1 seal 9 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    static const char tag[] = "sealpost-key 1 tag 9 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    struct place place;
    struct keyring *keyring = NULL;
    uint8_t one[KEYRING_FINGERPRINT_BYTES];
    uint8_t other[KEYRING_FINGERPRINT_BYTES];

    (void)state;
    place_made(&place);
    place_put(&place, "seal-9.key", seal, 0400);
    place_put(&place, "tag-9.key", tag, 0400);
    keyring = place_open(&place, false);
    keyring_fingerprint(keyring, KEYRING_SEAL, 9, one);
    keyring_fingerprint(keyring, KEYRING_TAG, 9, other);
    assert_memory_not_equal(one, other, sizeof one);
    keyring_fingerprint(keyring, KEYRING_SEAL, 1, other);
    assert_memory_not_equal(one, other, sizeof one);
    keyring_fingerprint(keyring, KEYRING_SEAL, 9, other);
    assert_memory_equal(one, other, sizeof one);
    keyring_destroy(keyring);
    temp_dir_remove(place.above);
}

static void keys_of_stored_hashes_cannot_be_changed(void **state)
{
    enum keyring_purpose purpose = KEYRING_CHALLENGE;

    (void)state;
    for (int i = 0; i < KEYRING_PURPOSES; i++) {
        assert_true(keyring_purpose_of(keyring_word((enum keyring_purpose)i), &purpose));
        assert_int_equal(purpose, i);
    }
    assert_false(keyring_purpose_of("pepper", &purpose));
    assert_null(keyring_why_fixed(KEYRING_SEAL));
    assert_null(keyring_why_fixed(KEYRING_CHALLENGE));
    assert_non_null(strstr(keyring_why_fixed(KEYRING_INDEX), "recovery codes"));
    assert_non_null(keyring_why_fixed(KEYRING_TAG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_start_makes_every_key_and_later_ones_find_it),
        cmocka_unit_test(every_key_of_a_purpose_is_found_in_order),
        cmocka_unit_test(keys_are_for_their_owner_alone),
        cmocka_unit_test(a_key_file_has_the_documented_text),
        cmocka_unit_test(the_highest_id_is_current_and_the_others_stay),
        cmocka_unit_test(nothing_is_made_unless_asked_for),
        cmocka_unit_test(a_missing_parent_is_told),
        cmocka_unit_test(open_modes_are_refused_with_the_command_to_run),
        cmocka_unit_test(owners_other_than_us_are_refused),
        cmocka_unit_test(damaged_key_files_are_refused),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(other_files_are_left_alone),
        cmocka_unit_test(a_draft_of_a_start_that_crashed_is_no_hindrance),
        cmocka_unit_test(a_key_is_made_under_its_id_and_never_in_place_of_another),
        cmocka_unit_test(a_key_is_dropped_from_memory_and_its_file_deleted),
        cmocka_unit_test(what_is_missing_is_left_missing_when_it_is_only_read),
        cmocka_unit_test(a_fingerprint_tells_keys_and_purposes_apart),
        cmocka_unit_test(keys_of_stored_hashes_cannot_be_changed),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
