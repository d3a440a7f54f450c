/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "server/domain/commands.h"
#include "server/store/store.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

#define SIG "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_header_of_the_form_is_read(void **state)
{
    struct command command;

    (void)state;
    assert_true(commands_parse(bytes_text("seq=1767225600123, sig=" SIG), &command));
    assert_int_equal(command.seq, INT64_C(1767225600123));
    assert_true(commands_parse(bytes_text("seq=0, sig=" SIG), &command));
    assert_int_equal(command.seq, 0);
    assert_true(commands_parse(bytes_text("seq=9223372036854775807, sig=" SIG), &command));
}

static void a_header_of_any_other_form_is_refused(void **state)
{
    static const char *const headers[] = {
        "",
        "seq=",
        "seq=1",
        "sig=" SIG,
        "seq=1, sig=",
        "seq=1,sig=" SIG,
        "seq=1,  sig=" SIG,
        "seq=1; sig=" SIG,
        " seq=1, sig=" SIG,
        "seq= 1, sig=" SIG,
        "seq=1 , sig=" SIG,
        "seq=-1, sig=" SIG,
        "seq=+1, sig=" SIG,
        "seq=01, sig=" SIG,
        "seq=0x1, sig=" SIG,
        "seq=1.0, sig=" SIG,
        "seq=, sig=" SIG,
        "seq=9223372036854775808, sig=" SIG,
        "seq=99999999999999999999, sig=" SIG,
        "Seq=1, sig=" SIG,
        "sig=" SIG ", seq=1",
        "seq=1, sig=" SIG "A",
        "seq=1, sig=" SIG "==",
        "seq=1, sig=" SIG ", sig=" SIG,
        "seq=1, sig=" SIG " ",
    };
    struct command command;

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        assert_false(commands_parse(bytes_text(headers[i]), &command));
    }
}

struct signing {
    struct domain domain;
    struct person ada;
    struct command command;
    struct command_claim claim;
};

static void sign(struct signing *signing)
{
    struct sigbytes_command fields;

    memset(signing, 0, sizeof *signing);
    signing->domain.base_url = "https://relay.example";
    person_init(&signing->ada, 1);
    signing->command.seq = SCENE_NOW_MS;
    signing->claim = (struct command_claim){ .account_id = &signing->ada.account_id,
                                             .device_pub = &signing->ada.devices[0].pub,
                                             .device_id = 1,
                                             .op = COMMAND_SESSIONS_REVOKE,
                                             .payload = bytes_text("{}") };
    fields = (struct sigbytes_command){ .audience = bytes_text(signing->domain.base_url),
                                        .account = &signing->ada.account_id,
                                        .device_id = 1,
                                        .seq = (uint64_t)signing->command.seq,
                                        .op = COMMAND_SESSIONS_REVOKE,
                                        .payload = bytes_text("{}") };
    person_sign_command(&signing->ada.devices[0], &fields, signing->command.signature);
}

static enum command_verdict check(const struct signing *signing, int64_t now_ms)
{
    return commands_check(&signing->domain, &signing->command, &signing->claim, now_ms);
}

static void a_good_signature_is_fine(void **state)
{
    struct signing signing;

    (void)state;
    sign(&signing);
    assert_int_equal(check(&signing, SCENE_NOW_MS), COMMAND_FINE);
    person_clear(&signing.ada);
}

static void every_signed_part_counts(void **state)
{
    const struct account_id other = { { 1 } };
    struct signing signing;
    struct signing changed;

    (void)state;
    sign(&signing);
    changed = signing;
    changed.claim.op = COMMAND_ACCOUNT_DELETE;
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    changed = signing;
    changed.claim.payload = bytes_text("{ }");
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    changed = signing;
    changed.claim.device_id = 2;
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    changed = signing;
    changed.claim.account_id = &other;
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    changed = signing;
    changed.command.seq++;
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    changed = signing;
    changed.domain.base_url = "https://relay.example/other";
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    changed = signing;
    changed.command.signature[63] ^= 1;
    assert_int_equal(check(&changed, SCENE_NOW_MS), COMMAND_INVALID);
    person_clear(&signing.ada);
}

static void a_seq_may_be_a_day_ahead_and_no_more(void **state)
{
    struct signing signing;

    (void)state;
    sign(&signing);
    assert_int_equal(check(&signing, signing.command.seq - LIMIT_COMMAND_AHEAD_MS), COMMAND_FINE);
    assert_int_equal(check(&signing, signing.command.seq - LIMIT_COMMAND_AHEAD_MS - 1),
                     COMMAND_CLOCK);
    person_clear(&signing.ada);
}

static enum store_status spend(struct temp_domain *temp, int64_t mailbox, int64_t seq)
{
    const struct command_guard guard = { .mailbox = mailbox, .seq = seq };
    struct store_batch *batch = store_batch_create();

    commands_spend(batch, &guard);
    return temp_store_run(&temp->temp, &batch, NULL, NULL);
}

struct heard_last {
    bool done;
    bool ok;
    int64_t last_seq;
};

static void hear_last(void *arg, bool ok, int64_t last_seq)
{
    struct heard_last *heard = arg;

    *heard = (struct heard_last){ true, ok, last_seq };
}

static int64_t last(struct temp_domain *temp, int64_t mailbox)
{
    struct heard_last heard = { 0 };

    commands_last(&temp->domain, mailbox, hear_last, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    assert_true(heard.ok);
    return heard.last_seq;
}

static void a_seq_is_spent_once_and_only_upwards(void **state)
{
    struct temp_domain temp;
    struct person ada;
    int64_t mailbox = 0;

    (void)state;
    temp_domain_open(&temp);
    person_init(&ada, 2);
    scene_register(&temp, &ada);
    mailbox = scene_mailbox(&temp, &ada.devices[0].pub)->number;
    assert_int_equal(last(&temp, mailbox), 0);
    assert_int_equal(spend(&temp, mailbox, 0), STORE_REFUSED);
    assert_int_equal(spend(&temp, mailbox, 7), STORE_OK);
    assert_int_equal(spend(&temp, mailbox, 7), STORE_REFUSED);
    assert_int_equal(spend(&temp, mailbox, 6), STORE_REFUSED);
    assert_int_equal(spend(&temp, mailbox, 8), STORE_OK);
    assert_int_equal(last(&temp, mailbox), 8);
    assert_int_equal(last(&temp, scene_mailbox(&temp, &ada.devices[1].pub)->number), 0);
    assert_int_equal(spend(&temp, 999, 9), STORE_REFUSED);
    assert_int_equal(last(&temp, 999), -1);
    person_clear(&ada);
    temp_domain_close(&temp);
}

static int start_crypto(void **state)
{
    (void)state;
    return crypto_start() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_of_the_form_is_read),
        cmocka_unit_test(a_header_of_any_other_form_is_refused),
        cmocka_unit_test(a_good_signature_is_fine),
        cmocka_unit_test(every_signed_part_counts),
        cmocka_unit_test(a_seq_may_be_a_day_ahead_and_no_more),
        cmocka_unit_test(a_seq_is_spent_once_and_only_upwards),
    };

    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
