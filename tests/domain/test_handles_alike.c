/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up what is somebody's and what is nobody's is the same work.  Here each kind
 * is looked up many times and found to be what it is; the step lookups-alike of the
 * slow tests counts the instructions that handles_lookup and its on_rows take for each
 * kind, the name of which is the program's argument.
 */
#include <string.h>

#include "server/domain/handles.h"
#include "tests/domain/support/handle_scenes.h"
#include "tests/support/unit.h"

enum {
    LOOKUPS = 100
};

/* Ada has "known" and gave "freed" up; "ended" went with bob's account. */
static int set_up(void **state)
{
    struct handles_setting *setting = NULL;

    (void)handles_set_up(state);
    setting = *state;
    assert_int_equal(handles_claim_by(setting, &setting->ada, "known", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "freed", 0), HANDLES_DONE);
    assert_int_equal(handles_release_by(setting, &setting->ada, 1, "freed"), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ended", 0), HANDLES_DONE);
    handles_erase(setting, &setting->bob);
    return 0;
}

static void look_up(struct handles_setting *setting, const char *name, bool known)
{
    for (int i = 0; i < LOOKUPS; i++) {
        const struct heard_found found = handles_look_up(setting, name);

        assert_true(found.ok);
        assert_int_equal(found.known, known);
    }
}

static void known(void **state)
{
    look_up(*state, "known", true);
}

static void never(void **state)
{
    look_up(*state, "never", false);
}

static void freed(void **state)
{
    look_up(*state, "freed", false);
}

static void ended(void **state)
{
    look_up(*state, "ended", false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, handles_tear_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(known),
        TEST(never),
        TEST(freed),
        TEST(ended),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
