/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bytes.h"
#include "common/network.h"
#include "server/net/crowd.h"
#include "server/net/peer.h"
#include "tests/support/unit.h"

static struct peer_origin origin_of(const char *address)
{
    struct peer_origin origin = { .is_unix = false };

    assert_true(network_parse_address(bytes_text(address), &origin.address));
    return origin;
}

static void an_address_has_so_many_and_others_have_theirs(void **state)
{
    struct crowd *crowd = crowd_create(2);
    struct peer_origin a = origin_of("192.0.2.1");
    struct peer_origin b = origin_of("192.0.2.2");
    struct crowd_member *of_a[2];
    struct crowd_member *of_b = NULL;
    struct crowd_member *more = NULL;

    (void)state;
    assert_true(crowd_enter(crowd, &a, &of_a[0]));
    assert_true(crowd_enter(crowd, &a, &of_a[1]));
    assert_false(crowd_enter(crowd, &a, &more));
    assert_null(more);
    assert_true(crowd_enter(crowd, &b, &of_b));
    crowd_leave(crowd, of_a[0]);
    assert_true(crowd_enter(crowd, &a, &of_a[0]));
    crowd_leave(crowd, of_a[0]);
    crowd_leave(crowd, of_a[1]);
    crowd_leave(crowd, of_b);
    crowd_leave(crowd, NULL);
    crowd_destroy(crowd);
}

static void a_64_of_ipv6_is_one_address(void **state)
{
    struct crowd *crowd = crowd_create(1);
    struct peer_origin a = origin_of("2001:db8::1");
    struct peer_origin same = origin_of("2001:db8::ffff:1:2:3");
    struct peer_origin other = origin_of("2001:db8:0:1::1");
    struct crowd_member *members[2];
    struct crowd_member *more = NULL;

    (void)state;
    assert_true(crowd_enter(crowd, &a, &members[0]));
    assert_false(crowd_enter(crowd, &same, &more));
    assert_true(crowd_enter(crowd, &other, &members[1]));
    crowd_leave(crowd, members[0]);
    crowd_leave(crowd, members[1]);
    crowd_destroy(crowd);
}

static void a_proxy_is_spared_while_it_is_there(void **state)
{
    struct crowd *crowd = crowd_create(1);
    struct peer_origin a = origin_of("127.0.0.1");
    struct crowd_member *members[3];
    struct crowd_member *more = NULL;

    (void)state;
    crowd_spare(crowd, &a); /* it has none yet */
    assert_true(crowd_enter(crowd, &a, &members[0]));
    assert_false(crowd_enter(crowd, &a, &more));
    crowd_spare(crowd, &a);
    assert_true(crowd_enter(crowd, &a, &members[1]));
    assert_true(crowd_enter(crowd, &a, &members[2]));
    for (int i = 0; i < 3; i++) {
        crowd_leave(crowd, members[i]);
    }
    assert_true(crowd_enter(crowd, &a, &members[0]));
    assert_false(crowd_enter(crowd, &a, &more));
    crowd_leave(crowd, members[0]);
    crowd_destroy(crowd);
}

static void unix_sockets_and_a_limit_of_0_are_not_counted(void **state)
{
    struct crowd *crowd = crowd_create(1);
    struct crowd *open = crowd_create(0);
    struct peer_origin by_unix = { .is_unix = true };
    struct peer_origin a = origin_of("192.0.2.1");
    struct crowd_member *member = NULL;

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(crowd_enter(crowd, &by_unix, &member));
        assert_null(member);
        assert_true(crowd_enter(open, &a, &member));
        assert_null(member);
    }
    crowd_spare(crowd, &by_unix);
    crowd_destroy(crowd);
    crowd_destroy(open);
    crowd_destroy(NULL);
}

static void a_name_counts_with_connections_of_its_address(void **state)
{
    struct crowd *crowd = crowd_create(2);
    struct peer_origin a = origin_of("192.0.2.1");
    struct crowd_member *members[2];
    struct crowd_member *more = NULL;

    (void)state;
    assert_true(crowd_enter(crowd, &a, &members[0]));
    assert_true(crowd_enter_name(crowd, "192.0.2.1", &members[1]));
    assert_false(crowd_enter_name(crowd, "192.0.2.1", &more));
    assert_false(crowd_enter(crowd, &a, &more));
    crowd_leave(crowd, members[0]);
    assert_true(crowd_enter_name(crowd, "192.0.2.1", &members[0]));
    crowd_leave(crowd, members[0]);
    crowd_leave(crowd, members[1]);
    crowd_destroy(crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_so_many_and_others_have_theirs),
        cmocka_unit_test(a_64_of_ipv6_is_one_address),
        cmocka_unit_test(a_name_counts_with_connections_of_its_address),
        cmocka_unit_test(a_proxy_is_spared_while_it_is_there),
        cmocka_unit_test(unix_sockets_and_a_limit_of_0_are_not_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
