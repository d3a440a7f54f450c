/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bytes.h"
#include "common/network.h"
#include "tests/support/unit.h"

static struct network_address address_of(const char *text)
{
    struct network_address address = { { 0 } };

    assert_true(network_parse_address(bytes_text(text), &address));
    return address;
}

static void addresses_have_one_form(void **state)
{
    char name[NETWORK_NAME_BYTES];
    struct network_address plain = address_of("192.0.2.1");
    struct network_address mapped = address_of("::ffff:192.0.2.1");

    (void)state;
    assert_memory_equal(&plain, &mapped, sizeof plain);
    network_name(&mapped, name);
    assert_string_equal(name, "192.0.2.1");
}

static void whatever_else_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:5",
        "[::1]",
        "::1%lo",
        ":::",
        "12345::",
        "1::2::3",
        "relay.example",
        "0x7f.0.0.1",
        "2130706433",
        "::1/64",
        "1.2.3.4/8",
        "unix",
        "unknown",
        "::ffff:1.2.3.4.5.6.7.8.9.10.11.12.13.14.15",
    };
    struct network_address address;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(network_parse_address(bytes_text(texts[i]), &address));
    }
    assert_false(network_parse_address(bytes_of((const uint8_t *)"1.2.3.4\0", 8), &address));
}

static void a_name_cuts_ipv6_to_the_64_bits_of_a_customer(void **state)
{
    struct network_address address = address_of("2001:db8:1111:2222:3333:4444:5555:6666");
    char name[NETWORK_NAME_BYTES];

    (void)state;
    network_name(&address, name);
    assert_string_equal(name, "2001:db8:1111:2222::");
}

static bool holds(const char *block, const char *text)
{
    struct network network;
    struct network_address address = address_of(text);

    assert_true(network_parse(bytes_text(block), &network));
    return network_contains(&network, &address);
}

static void blocks_hold_what_agrees_in_their_bits(void **state)
{
    (void)state;
    assert_true(holds("10.0.0.0/8", "10.255.0.1"));
    assert_false(holds("10.0.0.0/8", "11.0.0.0"));
    assert_true(holds("172.16.0.0/12", "172.31.255.255"));
    assert_false(holds("172.16.0.0/12", "172.32.0.0"));
    assert_true(holds("192.0.2.7", "192.0.2.7"));
    assert_false(holds("192.0.2.7", "192.0.2.6"));
    assert_true(holds("192.0.2.7/32", "::ffff:192.0.2.7"));
    assert_true(holds("0.0.0.0/0", "203.0.113.9"));
    assert_false(holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(holds("::/0", "203.0.113.9"));
    assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(holds("::1", "::1"));
}

static void blocks_that_are_none_are_refused(void **state)
{
    static const char *const texts[] = {
        "",           "/8",           "10.0.0.0/",      "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08",
        "10.0.0.1/8", "10.0.0.0/8/8", "2001:db8::1/32", "::/129",      "10/8",        "10.0.0.0 /8",
    };
    struct network network;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(network_parse(bytes_text(texts[i]), &network));
    }
}

static void local_is_what_the_internet_does_not_route(void **state)
{
    static const char *const local[] = {
        "127.0.0.1",  "127.9.9.9", "10.1.2.3", "172.20.0.1", "192.168.1.1",    "169.254.1.1",
        "100.64.0.1", "::1",       "fd00::1",  "fe80::1",    "::ffff:10.0.0.1"
    };
    static const char *const public[] = { "203.0.113.1", "8.8.8.8", "172.32.0.1", "2001:db8::1",
                                          "::2" };

    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        struct network_address address = address_of(local[i]);
        assert_true(network_is_local(&address));
    }
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        struct network_address address = address_of(public[i]);
        assert_false(network_is_local(&address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(whatever_else_is_refused),
        cmocka_unit_test(a_name_cuts_ipv6_to_the_64_bits_of_a_customer),
        cmocka_unit_test(blocks_hold_what_agrees_in_their_bits),
        cmocka_unit_test(blocks_that_are_none_are_refused),
        cmocka_unit_test(local_is_what_the_internet_does_not_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
