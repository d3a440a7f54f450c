/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an account's chain of manifests, page by page. */
#include "server/domain/manifests.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

struct setting {
    struct temp_domain temp;
    struct person ada;
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 1);
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

struct heard_page {
    bool done;
    bool known;
    struct manifests_page page; /* less the bytes */
    struct buf last;
};

static void hear_page(void *arg, bool ok, const struct manifests_page *page)
{
    struct heard_page *heard = arg;

    assert_true(ok);
    heard->done = true;
    heard->known = page != NULL;
    if (page != NULL) {
        heard->page = *page;
        buf_empty(&heard->last);
        if (page->count > 0) {
            buf_append(&heard->last, page->manifests[page->count - 1]);
        }
    }
}

static void list(struct setting *setting, int64_t since, struct heard_page *heard)
{
    heard->done = false;
    manifests_list(&setting->temp.domain, &setting->ada.account_id, since, hear_page, heard);
    temp_store_wait(&setting->temp.temp, &heard->done);
    assert_true(heard->known);
}

static void the_chain_comes_in_pages(void **state)
{
    struct setting *setting = *state;
    struct heard_page heard = { 0 };

    for (int i = 0; i < LIMIT_MANIFESTS_PAGE + 2; i++) {
        person_next(&setting->ada);
        assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    }
    list(setting, -1, &heard);
    assert_int_equal(heard.page.count, LIMIT_MANIFESTS_PAGE);
    assert_true(heard.page.more);
    assert_int_equal(heard.page.epoch, LIMIT_MANIFESTS_PAGE + 2);
    list(setting, LIMIT_MANIFESTS_PAGE - 1, &heard);
    assert_int_equal(heard.page.count, 3);
    assert_false(heard.page.more);
    assert_true(bytes_equal(buf_view(&heard.last), buf_view(&setting->ada.manifest)));
    list(setting, LIMIT_MANIFESTS_PAGE + 2, &heard);
    assert_int_equal(heard.page.count, 0);
    assert_false(heard.page.more);
    assert_memory_equal(heard.page.hash.raw, setting->ada.hash.raw, 32);
    buf_clear(&heard.last);
}

static void the_chain_of_nobody_is_unknown(void **state)
{
    struct setting *setting = *state;
    const struct account_id nobody = { { 3 } };
    struct heard_page heard = { 0 };

    manifests_list(&setting->temp.domain, &nobody, -1, hear_page, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_false(heard.known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_chain_comes_in_pages),
        TEST(the_chain_of_nobody_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
