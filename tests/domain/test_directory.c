/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/domain/directory.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

struct setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 and 2 */
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 2);
    scene_register(&setting.temp, &setting.ada);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    temp_domain_close(&setting->temp);
    return 0;
}

struct heard_head {
    bool done;
    bool known;
    uint64_t epoch;
    size_t device_count;
    struct directory_device last;
};

static void hear_head(void *arg, bool ok, const struct directory_head *head)
{
    struct heard_head *heard = arg;

    assert_true(ok);
    assert_false(heard->done);
    heard->done = true;
    heard->known = head != NULL;
    if (head != NULL) {
        heard->epoch = head->epoch;
        heard->device_count = head->device_count;
        heard->last = head->devices[head->device_count - 1];
    }
}

static struct heard_head load(struct setting *setting, const struct account_id *account_id)
{
    struct heard_head heard = { 0 };

    directory_load(&setting->temp.domain, account_id, hear_head, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard;
}

static void a_loaded_head_lists_the_devices_and_stays_in_memory(void **state)
{
    struct setting *setting = *state;
    const struct directory_head *cached = NULL;
    struct heard_head heard;

    assert_null(directory_cached(&setting->temp.domain, &setting->ada.account_id));
    heard = load(setting, &setting->ada.account_id);
    assert_true(heard.known);
    assert_int_equal(heard.device_count, 2);
    assert_int_equal(heard.last.device_id, 2);
    cached = directory_cached(&setting->temp.domain, &setting->ada.account_id);
    assert_non_null(cached);
    assert_memory_equal(cached->hash.raw, setting->ada.hash.raw, 32);
    assert_memory_equal(cached->account_id.raw, setting->ada.account_id.raw, 32);
    assert_memory_equal(cached->devices[0].pub.raw, setting->ada.devices[0].pub.raw, 32);
    assert_int_equal(cached->devices[0].flags, MANIFEST_DEVICE_ADMIN);
    assert_true(cached->account > 0);
}

static void the_head_of_nobody_is_unknown(void **state)
{
    const struct account_id nobody = { { 3 } };

    assert_false(load(*state, &nobody).known);
}

static void a_new_head_takes_the_place_of_the_old_one(void **state)
{
    struct setting *setting = *state;
    struct heard_head heard;

    (void)load(setting, &setting->ada.account_id);
    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_null(directory_cached(&setting->temp.domain, &setting->ada.account_id));
    heard = load(setting, &setting->ada.account_id);
    assert_int_equal(heard.epoch, 1);
    assert_int_equal(heard.last.device_id, 3);
}

static void loads_that_race_with_a_manifest_never_leave_the_old_head_behind(void **state)
{
    enum {
        LOADS = 8
    };
    struct setting *setting = *state;
    struct heard_head heard[LOADS] = { 0 };
    struct heard_put put;
    const struct directory_head *cached = NULL;

    person_next(&setting->ada);
    for (size_t i = 0; i < LOADS; i++) {
        if (i == LOADS / 2) {
            scene_put_start(&setting->temp, &setting->ada, &put);
        }
        directory_load(&setting->temp.domain, &setting->ada.account_id, hear_head, &heard[i]);
    }
    temp_store_wait(&setting->temp.temp, &put.done);
    for (size_t i = 0; i < LOADS; i++) {
        temp_store_wait(&setting->temp.temp, &heard[i].done);
    }
    cached = directory_cached(&setting->temp.domain, &setting->ada.account_id);
    assert_true(cached == NULL || cached->epoch == 1);
    buf_clear(&put.head);
}

static void an_erased_account_is_forgotten(void **state)
{
    struct setting *setting = *state;
    const struct accounts_erasure order = { .account_id = setting->ada.account_id };
    struct heard_account heard = { 0 };

    (void)load(setting, &setting->ada.account_id);
    accounts_erase(&setting->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_null(directory_cached(&setting->temp.domain, &setting->ada.account_id));
    assert_false(load(setting, &setting->ada.account_id).known);
}

static void memory_is_bounded_and_drops_the_least_recently_used(void **state)
{
    struct setting *setting = *state;
    struct person people[2];

    directory_destroy(setting->temp.domain.directory);
    setting->temp.domain.directory = directory_create(setting->temp.domain.keys.tag, 2);
    for (size_t i = 0; i < 2; i++) {
        person_init(&people[i], 1);
        scene_register(&setting->temp, &people[i]);
    }
    (void)load(setting, &setting->ada.account_id);
    (void)load(setting, &people[0].account_id);
    assert_non_null(directory_cached(&setting->temp.domain, &setting->ada.account_id));
    (void)load(setting, &people[1].account_id);
    assert_non_null(directory_cached(&setting->temp.domain, &setting->ada.account_id));
    assert_null(directory_cached(&setting->temp.domain, &people[0].account_id));
    person_clear(&people[0]);
    person_clear(&people[1]);
}

struct heard_split {
    bool done;
    bool left[3];
};

static void hear_split(void *arg, bool ok, const bool *left)
{
    struct heard_split *heard = arg;

    assert_true(ok);
    heard->done = true;
    memcpy(heard->left, left, sizeof heard->left);
}

static void a_key_that_left_is_told_from_one_that_never_was_there(void **state)
{
    struct setting *setting = *state;
    struct device_pub pubs[3] = { { { 0 } }, setting->ada.devices[1].pub, { { 0 } } };
    struct heard_split heard = { 0 };
    struct heard_split foreign = { 0 };
    int64_t account = 0;

    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    (void)load(setting, &setting->ada.account_id);
    account = directory_cached(&setting->temp.domain, &setting->ada.account_id)->account;
    pubs[0].raw[0] = 9;
    pubs[2] = setting->ada.devices[0].pub;
    directory_split_unknown(&setting->temp.domain, account, pubs, 3, hear_split, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_false(heard.left[0]);
    assert_true(heard.left[1]);
    assert_false(heard.left[2]);
    directory_split_unknown(&setting->temp.domain, account + 1, pubs, 3, hear_split, &foreign);
    temp_store_wait(&setting->temp.temp, &foreign.done);
    assert_false(foreign.left[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loaded_head_lists_the_devices_and_stays_in_memory),
        TEST(the_head_of_nobody_is_unknown),
        TEST(a_new_head_takes_the_place_of_the_old_one),
        TEST(loads_that_race_with_a_manifest_never_leave_the_old_head_behind),
        TEST(an_erased_account_is_forgotten),
        TEST(memory_is_bounded_and_drops_the_least_recently_used),
        TEST(a_key_that_left_is_told_from_one_that_never_was_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
