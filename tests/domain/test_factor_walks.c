/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random walks over second factors, links and recoveries against a model of them
 * (tests/domain/support/factor_rules.h, ways_rules.h) and a referee (factor_referee.h).  How they are repeated: tests/domain/support/walk.h.
 */
#include <stddef.h>

#include "tests/domain/support/factor_steps.h"
#include "tests/domain/support/walk.h"
#include "tests/domain/support/ways_steps.h"
#include "tests/support/unit.h"

static const struct walk_kind kinds[] = {
    { "arrive", 2, step_arrive },
    { "erase", 1, step_erase },
    { "release", 1, step_release },
    { "begin", 10, step_begin },
    { "challenge", 18, step_challenge },
    { "answer", 30, step_answer },
    { "whole", 16, step_whole },
    { "fault", 2, step_fault },
    { "enrol", 10, step_enrol },
    { "confirm", 10, step_confirm },
    { "remove", 4, step_remove },
    { "look", 6, step_look },
    { "clock", 9, step_clock },
    { "back", 2, step_back },
    { "day", 1, step_day },
    { "purge", 2, step_purge },
    { "restart", 1, step_restart },
    { "start_at_once", 2, step_start_at_once },
    { "wrong_at_once", 4, step_wrong_at_once },
    { "right_at_once", 3, step_right_at_once },
    { "twice_at_once", 2, step_twice_at_once },
    { "grant_at_once", 3, step_grant_at_once },
    { "link_begin", 20, step_link_begin },
    { "link", 40, step_link },
    { "recovery_begin", 12, step_recovery_begin },
    { "recovery", 40, step_recovery },
    { "recovery_key", 1, step_recovery_key },
    { "asleep", 1, step_asleep },
};

static void walks_over_second_factors_agree_with_the_model(void **state)
{
    const struct walk_plan plan = { .kinds = kinds,
                                    .kind_count = sizeof kinds / sizeof kinds[0],
                                    .steps = 300,
                                    .walks = 3,
                                    .begin = factor_steps_begin,
                                    .end = factor_steps_end };

    (void)state;
    assert_true(walks_agree(&plan));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_over_second_factors_agree_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
