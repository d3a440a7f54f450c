/* SPDX-License-Identifier: Apache-2.0 */
/* References are noted as rows here; that a claim notes them is proved end to end. */
#include "common/buf.h"
#include "common/bytes.h"
#include "common/tlsvec.h"
#include "server/domain/welcomes.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

enum {
    REFERENCE_BYTES = 32
};

struct heard {
    bool done;
    enum welcomes_result result;
    size_t count, unknown_count;
    struct device_pub pubs[4];
    uint8_t unknown; /* the first byte of the first reference that is */
};

static struct temp_domain temp;

/* The references 01.. and 02.. are those of device 1, kept until day 30000. */
static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    temp_domain_device(&temp, 1, 1);
    damage_run(
        &temp,
        "INSERT INTO mls_references SELECT"
        " x'0100000000000000000000000000000000000000000000000000000000000000', mailbox, 30000"
        " FROM devices UNION ALL SELECT"
        " x'0200000000000000000000000000000000000000000000000000000000000000', mailbox, 30000"
        " FROM devices",
        "INSERT INTO mls_references SELECT decode(rpad('01', 64, '0'), 'hex'), mailbox, 30000"
        " FROM devices UNION ALL SELECT decode(rpad('02', 64, '0'), 'hex'), mailbox, 30000"
        " FROM devices");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_domain_close(&temp);
    return 0;
}

static void hear(void *arg, const struct welcomes_found *found)
{
    struct heard *heard = arg;

    assert_false(heard->done);
    *heard = (struct heard){ .done = true,
                             .result = found->result,
                             .count = found->count,
                             .unknown_count = found->unknown_count };
    for (size_t i = 0; i < found->count && i < 4; i++) {
        heard->pubs[i] = found->pubs[i];
    }
    heard->unknown = found->unknown_count == 0 ? 0 : found->unknown[0].at[0];
}

/* Find whom a Welcome is for that names these references. */
static struct heard find(const char *references)
{
    struct heard heard = { .done = false };
    struct buf secrets = { 0 };
    struct buf welcome = { 0 };

    for (size_t i = 0; references[i] != '\0'; i++) {
        uint8_t reference[REFERENCE_BYTES] = { (uint8_t)(references[i] - '0') };

        tlsvec_append(&secrets, bytes_of(reference, sizeof reference));
        tlsvec_append(&secrets, bytes_text("kem"));
        tlsvec_append(&secrets, bytes_text("sealed"));
    }
    buf_append_u16(&welcome, 1);
    buf_append_u16(&welcome, 3);
    buf_append_u16(&welcome, 1);
    tlsvec_append(&welcome, buf_view(&secrets));
    tlsvec_append(&welcome, bytes_text("info"));
    welcomes_find(&temp.domain, buf_view(&welcome), hear, &heard);
    buf_clear(&secrets);
    buf_clear(&welcome);
    temp_store_wait(&temp.temp, &heard.done);
    return heard;
}

static void a_device_that_is_named_twice_is_found_once(void **state)
{
    struct heard heard = find("12");
    struct device_pub pub = temp_domain_pub(1);

    (void)state;
    assert_int_equal(heard.result, WELCOMES_FOUND);
    assert_int_equal(heard.count, 1);
    assert_memory_equal(heard.pubs[0].raw, pub.raw, sizeof pub.raw);
}

static void an_unknown_reference_is_named(void **state)
{
    struct heard heard = find("17");

    (void)state;
    assert_int_equal(heard.result, WELCOMES_UNKNOWN);
    assert_int_equal(heard.unknown_count, 1);
    assert_int_equal(heard.unknown, 7);
}

static void references_go_with_their_device(void **state)
{
    struct heard heard;

    (void)state;
    temp_domain_remove(&temp, 1);
    heard = find("1");
    assert_int_equal(heard.result, WELCOMES_UNKNOWN);
}

static void what_is_no_welcome_is_told_at_once(void **state)
{
    struct heard heard = { .done = false };

    (void)state;
    welcomes_find(&temp.domain, bytes_text("no"), hear, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.result, WELCOMES_INVALID);
}

static void old_references_are_forgotten(void **state)
{
    struct heard_purge purge = { 0 };
    struct heard heard;

    (void)state;
    welcomes_purge(&temp.domain, INT64_C(29999) * DOMAIN_DAY_MS, scene_hear_purge, &purge);
    temp_store_wait(&temp.temp, &purge.done);
    assert_int_equal(purge.row_count, 0);
    purge.done = false;
    welcomes_purge(&temp.domain, INT64_C(30000) * DOMAIN_DAY_MS, scene_hear_purge, &purge);
    temp_store_wait(&temp.temp, &purge.done);
    assert_int_equal(purge.row_count, 2);
    heard = find("1");
    assert_int_equal(heard.result, WELCOMES_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_device_that_is_named_twice_is_found_once),
        TEST(an_unknown_reference_is_named),
        TEST(references_go_with_their_device),
        TEST(what_is_no_welcome_is_told_at_once),
        TEST(old_references_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
