/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "server/domain/link_watches.h"
#include "tests/support/unit.h"

struct hearing {
    struct link_watches *watches;
    struct link_id again; /* watched again when it is told */
    bool begins_again;
    int told, over;
};

static const struct link_id one = { .raw = { 1 } };
static const struct link_id other = { .raw = { 2 } };

static int set_up(void **state)
{
    static const uint8_t key[16] = { 3 };

    *state = link_watches_create(key);
    return 0;
}

static int tear_down(void **state)
{
    link_watches_destroy(*state);
    return 0;
}

static void hear(void *arg, bool is_over)
{
    struct hearing *hearing = arg;

    hearing->told++;
    hearing->over += is_over ? 1 : 0;
    if (hearing->begins_again) {
        (void)link_watches_begin(hearing->watches, &hearing->again, hear, hearing);
    }
}

static void the_watches_of_a_link_are_told_once(void **state)
{
    struct link_watches *watches = *state;
    struct hearing hearing[3] = { { .told = 0 } };

    (void)link_watches_begin(watches, &one, hear, &hearing[0]);
    (void)link_watches_begin(watches, &one, hear, &hearing[1]);
    (void)link_watches_begin(watches, &other, hear, &hearing[2]);
    assert_int_equal(link_watches_count(watches), 3);
    link_watches_tell(watches, &one);
    link_watches_tell(watches, &one);
    assert_int_equal(hearing[0].told + hearing[1].told, 2);
    assert_int_equal(hearing[0].over + hearing[2].told, 0);
    assert_int_equal(link_watches_count(watches), 1);
    link_watches_tell_all(watches, true);
    assert_int_equal(hearing[2].over, 1);
    assert_int_equal(link_watches_count(watches), 0);
}

static void a_watch_that_ended_is_not_told(void **state)
{
    struct link_watches *watches = *state;
    struct hearing hearing[2] = { { .told = 0 } };
    struct link_watch *watch = link_watches_begin(watches, &one, hear, &hearing[0]);

    (void)link_watches_begin(watches, &one, hear, &hearing[1]);
    link_watches_end(watches, watch);
    link_watches_tell(watches, &one);
    assert_int_equal(hearing[0].told, 0);
    assert_int_equal(hearing[1].told, 1);
}

static void whoever_watches_again_when_told_is_not_told_at_once(void **state)
{
    struct link_watches *watches = *state;
    struct hearing hearing = { .watches = watches, .again = one, .begins_again = true };

    (void)link_watches_begin(watches, &one, hear, &hearing);
    link_watches_tell(watches, &one);
    link_watches_tell_all(watches, false);
    assert_int_equal(hearing.told, 2);
    assert_int_equal(link_watches_count(watches), 1);
    hearing.begins_again = false;
    link_watches_tell_all(watches, true);
}

static void of_one_link_the_oldest_watch_makes_room(void **state)
{
    struct link_watches *watches = *state;
    struct hearing hearing[LIMIT_LINK_WAITS_ONE + 1] = { { .told = 0 } };

    for (size_t i = 0; i <= LIMIT_LINK_WAITS_ONE; i++) {
        assert_non_null(link_watches_begin(watches, &one, hear, &hearing[i]));
    }
    assert_int_equal(hearing[0].over, 1);
    assert_int_equal(hearing[1].told, 0);
    assert_int_equal(link_watches_count(watches), LIMIT_LINK_WAITS_ONE);
    link_watches_tell_all(watches, true);
}

static void there_are_so_many_watches_and_no_more(void **state)
{
    struct link_watches *watches = *state;
    struct hearing hearing = { .told = 0 };

    for (uint32_t i = 0; i < LIMIT_LINK_WAITS; i++) {
        struct link_id id = { { 0 } };

        memcpy(id.raw, &i, sizeof i);
        assert_non_null(link_watches_begin(watches, &id, hear, &hearing));
    }
    assert_null(link_watches_begin(watches, &(struct link_id){ .raw = { 0xff, 0xff, 0xff } }, hear,
                                   &hearing));
    link_watches_tell_all(watches, true);
    assert_int_equal(hearing.over, LIMIT_LINK_WAITS);
    assert_int_equal(link_watches_count(watches), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_watches_of_a_link_are_told_once),
        TEST(a_watch_that_ended_is_not_told),
        TEST(whoever_watches_again_when_told_is_not_told_at_once),
        TEST(of_one_link_the_oldest_watch_makes_room),
        TEST(there_are_so_many_watches_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
