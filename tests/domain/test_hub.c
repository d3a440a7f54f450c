/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

static const uint8_t key[16] = { 1 };

struct both {
    struct temp_domain temp; /* only its hub is used */
};

static void begin(struct both *both)
{
    both->temp.domain.hub = hub_create(key);
}

static void announced_mail_reaches_only_its_mailbox(void **state)
{
    struct both both = { 0 };
    static struct temp_heard one;
    static struct temp_heard two;
    struct device_pub pub = temp_domain_pub(1);

    (void)state;
    begin(&both);
    temp_domain_listen(&both.temp, 1, &one);
    temp_domain_listen(&both.temp, 2, &two);
    hub_announce(both.temp.domain.hub, &pub, &(struct hub_mail){ .seq = 42 });
    assert_int_equal(one.mail_count, 1);
    assert_int_equal(one.mails[0].seq, 42);
    assert_int_equal(two.mail_count, 0);
    assert_int_equal(hub_announced(one.stream), 42);
    assert_int_equal(hub_announced(two.stream), 0);
    temp_domain_unlisten(&both.temp, &one);
    temp_domain_unlisten(&both.temp, &two);
    hub_destroy(both.temp.domain.hub);
}

static void a_newer_stream_replaces_the_older(void **state)
{
    struct both both = { 0 };
    static struct temp_heard older;
    static struct temp_heard newer;
    struct device_pub pub = temp_domain_pub(1);

    (void)state;
    begin(&both);
    temp_domain_listen(&both.temp, 1, &older);
    temp_domain_listen(&both.temp, 1, &newer);
    assert_int_equal(older.end_count, 1);
    assert_int_equal(older.end, HUB_END_REPLACED);
    assert_int_equal(newer.end_count, 0);
    hub_announce(both.temp.domain.hub, &pub, &(struct hub_mail){ .seq = 1 });
    assert_int_equal(older.mail_count, 0);
    assert_int_equal(newer.mail_count, 1);
    temp_domain_unlisten(&both.temp, &older); /* must not take the newer one out */
    assert_true(hub_has_stream(both.temp.domain.hub, &pub));
    assert_int_equal(hub_count(both.temp.domain.hub), 1);
    temp_domain_unlisten(&both.temp, &newer);
    assert_false(hub_has_stream(both.temp.domain.hub, &pub));
    hub_destroy(both.temp.domain.hub);
}

static void online_only_mail_passes_only_to_a_stream_that_caught_up(void **state)
{
    struct both both = { 0 };
    static struct temp_heard heard;
    struct device_pub pub = temp_domain_pub(1);
    struct device_pub nobody = temp_domain_pub(9);
    struct hub_mail mail = { .online_only = true };

    (void)state;
    begin(&both);
    temp_domain_listen(&both.temp, 1, &heard);
    assert_true(hub_pass(both.temp.domain.hub, &pub, &mail));
    assert_int_equal(hub_announced(heard.stream), 0);
    heard.caught_up = false;
    assert_false(hub_pass(both.temp.domain.hub, &pub, &mail));
    assert_false(hub_pass(both.temp.domain.hub, &nobody, &mail));
    assert_int_equal(heard.mail_count, 1);
    temp_domain_unlisten(&both.temp, &heard);
    hub_destroy(both.temp.domain.hub);
}

static void a_session_that_ends_takes_only_its_stream(void **state)
{
    struct both both = { 0 };
    static struct temp_heard one;
    static struct temp_heard two;
    uint8_t token_hash[32] = { 2 };
    struct device_pub pub = temp_domain_pub(1);

    (void)state;
    begin(&both);
    temp_domain_listen(&both.temp, 1, &one);
    temp_domain_listen(&both.temp, 2, &two);
    hub_end_session(both.temp.domain.hub, token_hash);
    assert_int_equal(one.end_count, 0);
    assert_int_equal(two.end_count, 1);
    assert_int_equal(two.end, HUB_END_SESSION);
    hub_end_device(both.temp.domain.hub, &pub, HUB_END_REVOKED);
    assert_int_equal(one.end, HUB_END_REVOKED);
    temp_domain_unlisten(&both.temp, &one);
    temp_domain_unlisten(&both.temp, &two);
    hub_destroy(both.temp.domain.hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announced_mail_reaches_only_its_mailbox),
        cmocka_unit_test(a_newer_stream_replaces_the_older),
        cmocka_unit_test(online_only_mail_passes_only_to_a_stream_that_caught_up),
        cmocka_unit_test(a_session_that_ends_takes_only_its_stream),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
