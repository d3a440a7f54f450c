/* SPDX-License-Identifier: Apache-2.0 */
#include "common/limits.h"
#include "server/domain/report.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

struct heard_report {
    bool done;
    bool known;
    struct report report;
    int64_t expiries[4];
};

#define ROW                                                                                    \
    "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag, id, " \
    "body) "
#define OF_SECOND " FROM devices WHERE device_id = 2"

static void hear_report(void *arg, bool ok, const struct report *report)
{
    struct heard_report *heard = arg;

    assert_true(ok);
    heard->done = true;
    heard->known = report != NULL;
    if (report != NULL) {
        heard->report = *report;
        for (size_t i = 0; i < 3; i++) {
            heard->expiries[i] = report->session_expiries[i];
        }
    }
}

static void the_report_holds_what_the_store_holds(void **state)
{
    static struct heard_report heard;
    struct temp_domain temp;
    struct person ada;
    const struct report_device *second = &heard.report.devices[1];

    (void)state;
    temp_domain_open(&temp);
    person_init(&ada, 2);
    scene_register(&temp, &ada);
    (void)person_add(&ada, 3, 0);
    person_next(&ada);
    assert_int_equal(scene_put(&temp, &ada), MANIFESTS_STORED);
    person_remove(&ada, 3);
    person_next(&ada);
    assert_int_equal(scene_put(&temp, &ada), MANIFESTS_STORED);
    (void)scene_begin(&temp, &ada, 1);
    (void)scene_begin(&temp, &ada, 2);
    (void)scene_begin(&temp, &ada, 2);
    damage_run(&temp,
               ROW "SELECT mailbox, mailbox, 0, 0, 1, 1, 0, 0, x'00', zeroblob(117)" OF_SECOND,
               ROW "SELECT mailbox, mailbox, 0, 0, 1, 1, 0, 0, '\\x00'::bytea,"
                   " decode(repeat('00', 117), 'hex')" OF_SECOND);
    damage_run(&temp, ROW "SELECT 99, mailbox, 1, 0, 1, 1, 2, 0, x'', zeroblob(20)" OF_SECOND,
               ROW "SELECT 99, mailbox, 1, 0, 1, 1, 2, 0, ''::bytea,"
                   " decode(repeat('00', 20), 'hex')" OF_SECOND);
    report_make(&temp.domain, &ada.account_id, hear_report, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    assert_true(heard.known);
    assert_memory_equal(heard.report.account_id.raw, ada.account_id.raw, 32);
    assert_memory_equal(heard.report.hash.raw, ada.hash.raw, 32);
    assert_int_equal(heard.report.epoch, 2);
    assert_int_equal(heard.report.manifest_count, 3);
    assert_int_equal(heard.report.left_count, 1);
    assert_int_equal(heard.report.created_day, SCENE_DAY);
    assert_int_equal(heard.report.seen_day, SCENE_DAY);
    assert_int_equal(heard.report.device_count, 2);
    assert_int_equal(heard.report.devices[0].session_count, 1);
    assert_int_equal(heard.report.devices[0].envelope_count, 0);
    assert_memory_equal(second->device_pub.raw, person_device(&ada, 2)->pub.raw, 32);
    assert_int_equal(second->session_first, 1);
    assert_int_equal(second->session_count, 2);
    assert_int_equal(second->envelope_count, 1);
    assert_int_equal(second->envelope_bytes, 100);
    assert_int_equal(second->gap_count, 1);
    assert_int_equal(heard.expiries[2], SCENE_NOW_MS / 1000 + LIMIT_SESSION_S);
    person_clear(&ada);
    temp_domain_close(&temp);
}

static void there_is_no_report_on_nobody(void **state)
{
    static struct heard_report heard;
    const struct account_id nobody = { { 3 } };
    struct temp_domain temp;

    (void)state;
    temp_domain_open(&temp);
    report_make(&temp.domain, &nobody, hear_report, &heard);
    temp_store_wait(&temp.temp, &heard.done);
    assert_false(heard.known);
    temp_domain_close(&temp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_holds_what_the_store_holds),
        cmocka_unit_test(there_is_no_report_on_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
