/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/bytes.h"
#include "common/network.h"
#include "server/net/peer.h"
#include "tests/support/unit.h"

struct asked {
    const char *trusted;
    const char *from; /* "unix", or an address */
    const char *forwarded;
    const char *x_forwarded_for;
};

struct answered {
    enum peer_result result;
    const char *name;
};

static struct bytes field(const char *text)
{
    return text == NULL ? bytes_of(NULL, 0) : bytes_text(text);
}

static void expect_of(enum peer_word word, struct asked asked, struct answered wanted)
{
    struct peer_trust *trust = peer_trust_create(asked.trusted);
    struct peer_origin origin = { .is_unix = strcmp(asked.from, "unix") == 0,
                                  .word = (uint8_t)word };
    char name[NETWORK_NAME_BYTES];

    assert_non_null(trust);
    if (!origin.is_unix) {
        assert_true(network_parse_address(bytes_text(asked.from), &origin.address));
    }
    assert_int_equal(
        peer_find(trust, &origin, field(asked.forwarded), field(asked.x_forwarded_for), name),
        wanted.result);
    assert_string_equal(name, wanted.name);
    peer_trust_destroy(trust);
}

static void expect(struct asked asked, struct answered wanted)
{
    expect_of(PEER_SEEN, asked, wanted);
}

static void without_fields_the_connection_counts(void **state)
{
    (void)state;
    expect((struct asked){ "", "203.0.113.9", NULL, NULL },
           (struct answered){ PEER_ITSELF, "203.0.113.9" });
    expect((struct asked){ "127.0.0.1", "127.0.0.1", NULL, NULL },
           (struct answered){ PEER_ITSELF, "127.0.0.1" });
    expect((struct asked){ "", "unix", NULL, NULL }, (struct answered){ PEER_ITSELF, "" });
}

static void a_stranger_is_not_believed(void **state)
{
    (void)state;
    expect((struct asked){ "", "203.0.113.9", NULL, "198.51.100.1" },
           (struct answered){ PEER_ITSELF, "203.0.113.9" });
    expect((struct asked){ "10.0.0.0/8", "203.0.113.9", "for=198.51.100.1", NULL },
           (struct answered){ PEER_ITSELF, "203.0.113.9" });
}

static void whom_a_proxy_header_names_is_a_client_wherever_it_is(void **state)
{
    (void)state;
    expect_of(PEER_NAMED, (struct asked){ "127.0.0.1", "10.1.1.1", NULL, "198.51.100.1" },
              (struct answered){ PEER_ITSELF, "10.1.1.1" });
    expect_of(PEER_NAMED, (struct asked){ "127.0.0.1", "127.0.0.2", "for=198.51.100.1", NULL },
              (struct answered){ PEER_ITSELF, "127.0.0.2" });
    expect_of(PEER_NAMED,
              (struct asked){ "127.0.0.1, 10.0.0.0/8", "10.1.1.1", NULL, "198.51.100.1" },
              (struct answered){ PEER_FORWARDED, "198.51.100.1" }); /* a proxy behind the proxy */
}

static void where_a_proxy_header_named_nobody_no_field_counts(void **state)
{
    (void)state;
    expect_of(PEER_UNNAMED, (struct asked){ "127.0.0.1", "127.0.0.1", NULL, "198.51.100.1" },
              (struct answered){ PEER_ITSELF, "127.0.0.1" });
    expect_of(PEER_UNNAMED, (struct asked){ "unix", "unix", "for=198.51.100.1", NULL },
              (struct answered){ PEER_ITSELF, "" });
}

static void a_trusted_proxy_names_its_client(void **state)
{
    (void)state;
    expect((struct asked){ "127.0.0.1", "127.0.0.1", NULL, "198.51.100.1" },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "unix", "unix", NULL, "198.51.100.1" },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "10.0.0.0/8, unix", "10.1.1.1",
                           "For=\"[2001:db8:1:2:3::4]:4711\";proto=https;by=_hidden", NULL },
           (struct answered){ PEER_FORWARDED, "2001:db8:1:2::" });
    expect((struct asked){ "::1", "::1", NULL, "2001:db8:1:2:3::4" },
           (struct answered){ PEER_FORWARDED, "2001:db8:1:2::" });
    expect((struct asked){ "::1", "::1", NULL, "[2001:db8:1:2:3::4]:80" },
           (struct answered){ PEER_FORWARDED, "2001:db8:1:2::" });
    expect((struct asked){ "::1", "::1", "for=192.0.2.43:47011", NULL },
           (struct answered){ PEER_MALFORMED, "::" }); /* a colon wants quotes */
    expect((struct asked){ "::1", "::1", NULL, "192.0.2.43:47011" },
           (struct answered){ PEER_FORWARDED, "192.0.2.43" });
}

static void hops_are_read_from_the_right_to_the_first_stranger(void **state)
{
    (void)state;
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.1, 198.51.100.1, 10.0.0.2" },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1",
                           "for=1.1.1.1, for=\"198.51.100.1\" , for=10.0.0.2", NULL },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.3,10.0.0.2" },
           (struct answered){ PEER_FORWARDED, "10.0.0.3" });
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", NULL, ", ,198.51.100.1,, " },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
}

static void what_the_client_wrote_before_is_never_looked_at(void **state)
{
    (void)state;
    expect((struct asked){ "10.0.0.1", "10.0.0.1", NULL, "\"<garbage, 198.51.100.1" },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "10.0.0.1", "10.0.0.1", "for=\"open, for=198.51.100.1", NULL },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "10.0.0.1", "10.0.0.1", "for=\"\\\", for=\"198.51.100.1\"", NULL },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
}

static void what_cannot_be_read_ends_at_the_last_proxy(void **state)
{
    static const char *const bad[] = {
        "for",
        "for=",
        "=1.2.3.4",
        "for=1.2.3.4;",
        "for=1.2.3.4;for=5.6.7.8",
        "for=1.2.3.4 5",
        "for=\"1.2.3.4",
        "for=\"[::1\"",
        "for=\"[1.2.3.4]\"",
        "for=\"[::1]x\"",
        "for=\"1.2.3.4:99999\"",
        "for=\"::1\"",
        "for=relay.example",
        "for=_",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool is_fine = strcmp(bad[i], "for=1.2.3.4;") == 0; /* RFC 7239 lets pairs be empty */
        expect((struct asked){ "127.0.0.1", "127.0.0.1", bad[i], NULL },
               (struct answered){ is_fine ? PEER_FORWARDED : PEER_MALFORMED,
                                  is_fine ? "1.2.3.4" : "127.0.0.1" });
    }
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", NULL, "what, 10.0.0.2" },
           (struct answered){ PEER_MALFORMED, "10.0.0.2" });
}

static void a_client_that_is_hidden_shares_with_its_proxy(void **state)
{
    (void)state;
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", "for=unknown, for=10.0.0.2", NULL },
           (struct answered){ PEER_FORWARDED, "10.0.0.2" });
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", "for=_gazonk", NULL },
           (struct answered){ PEER_FORWARDED, "10.0.0.1" });
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", "proto=https", NULL },
           (struct answered){ PEER_FORWARDED, "10.0.0.1" });
    expect((struct asked){ "unix", "unix", NULL, "unknown" },
           (struct answered){ PEER_FORWARDED, "" });
}

static void two_fields_count_when_they_agree(void **state)
{
    (void)state;
    expect((struct asked){ "10.0.0.1", "10.0.0.1", "for=198.51.100.1", "198.51.100.1" },
           (struct answered){ PEER_FORWARDED, "198.51.100.1" });
    expect((struct asked){ "10.0.0.1", "10.0.0.1", "for=198.51.100.1", "198.51.100.2" },
           (struct answered){ PEER_MALFORMED, "10.0.0.1" });
    expect((struct asked){ "10.0.0.1", "10.0.0.1", "garbage", "198.51.100.2" },
           (struct answered){ PEER_MALFORMED, "10.0.0.1" });
}

static void a_local_proxy_that_is_not_trusted_has_no_client(void **state)
{
    (void)state;
    expect((struct asked){ "", "127.0.0.1", NULL, "198.51.100.1" },
           (struct answered){ PEER_UNTRUSTED, "" });
    expect((struct asked){ "127.0.0.1", "unix", NULL, "198.51.100.1" },
           (struct answered){ PEER_UNTRUSTED, "" });
    expect((struct asked){ "", "192.168.1.1", "for=198.51.100.1", NULL },
           (struct answered){ PEER_UNTRUSTED, "" });
}

static void more_hops_than_anybody_has_are_refused(void **state)
{
    char many[400] = "";

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)strncat(many, "10.0.0.2,", sizeof many - strlen(many) - 1);
    }
    expect((struct asked){ "10.0.0.0/8", "10.0.0.1", NULL, many },
           (struct answered){ PEER_MALFORMED, "10.0.0.2" });
}

static void lists_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_null(peer_trust_create("10.0.0.1/8"));
    assert_null(peer_trust_create("unix,relay.example"));
    peer_trust_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_fields_the_connection_counts),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(whom_a_proxy_header_names_is_a_client_wherever_it_is),
        cmocka_unit_test(where_a_proxy_header_named_nobody_no_field_counts),
        cmocka_unit_test(a_trusted_proxy_names_its_client),
        cmocka_unit_test(hops_are_read_from_the_right_to_the_first_stranger),
        cmocka_unit_test(what_the_client_wrote_before_is_never_looked_at),
        cmocka_unit_test(what_cannot_be_read_ends_at_the_last_proxy),
        cmocka_unit_test(a_client_that_is_hidden_shares_with_its_proxy),
        cmocka_unit_test(two_fields_count_when_they_agree),
        cmocka_unit_test(a_local_proxy_that_is_not_trusted_has_no_client),
        cmocka_unit_test(more_hops_than_anybody_has_are_refused),
        cmocka_unit_test(lists_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
