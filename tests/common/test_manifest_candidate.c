/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/manifest.h"
#include "common/manifest_candidate.h"
#include "common/mem.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

enum {
    NEWCOMER = 3
};

/* Ada's head with devices 1 (ADMIN) and 2, and her next one with device 3, which all sign. */
struct setting {
    struct person ada;
    struct person next;
    struct manifest old;
    struct manifest whole;
    struct manifest candidate; /* whole, less the newcomer's signature */
    struct buf bytes;
};

static void make_candidate(struct setting *setting)
{
    struct manifest_signature kept[MANIFEST_SIGNERS];
    size_t count = 0;

    assert_int_equal(manifest_parse(buf_view(&setting->ada.manifest), &setting->old),
                     MANIFEST_VALID);
    assert_int_equal(manifest_parse(buf_view(&setting->next.manifest), &setting->whole),
                     MANIFEST_VALID);
    for (size_t i = 0; i < setting->whole.signature_count; i++) {
        if (setting->whole.signatures[i].signer != NEWCOMER) {
            kept[count] = setting->whole.signatures[i];
            count++;
        }
    }
    buf_empty(&setting->bytes);
    buf_append(&setting->bytes, setting->whole.body);
    manifest_append_signatures(&setting->bytes, kept, count);
    assert_int_equal(manifest_parse(buf_view(&setting->bytes), &setting->candidate),
                     MANIFEST_VALID);
}

static int set_up(void **state)
{
    struct setting *setting = mem_zeroed(1, sizeof *setting);

    person_init(&setting->ada, 2);
    person_copy(&setting->ada, &setting->next);
    (void)person_add(&setting->next, NEWCOMER, 0);
    person_next(&setting->next);
    make_candidate(setting);
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    person_clear(&setting->next);
    buf_clear(&setting->bytes);
    free(setting);
    return 0;
}

static void a_candidate_lacks_one_signature_and_is_whole_with_it(void **state)
{
    struct setting *setting = *state;
    struct manifest_signature signature = { .signer = NEWCOMER };
    struct buf completed = { 0 };

    assert_int_equal(manifest_check_next(&setting->old, &setting->candidate),
                     MANIFEST_RULE_5_SIGNATURES);
    assert_int_equal(manifest_candidate_newcomer(&setting->old, &setting->candidate), NEWCOMER);
    assert_int_equal(manifest_candidate_check(&setting->old, &setting->candidate, NEWCOMER),
                     MANIFEST_VALID);
    assert_int_equal(manifest_candidate_check(&setting->old, &setting->candidate, 2),
                     MANIFEST_RULE_5_SIGNATURES);
    for (size_t i = 0; i < setting->whole.signature_count; i++) {
        if (setting->whole.signatures[i].signer == NEWCOMER) {
            signature = setting->whole.signatures[i];
        }
    }
    manifest_candidate_complete(&setting->candidate, &signature, &completed);
    assert_true(bytes_equal(buf_view(&completed), setting->whole.signed_bytes));
    buf_clear(&completed);
}

static void a_signature_takes_its_place_among_others(void **state)
{
    struct setting *setting = *state;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES] = { 0 };
    struct manifest *read = mem_zeroed(1, sizeof *read);
    struct buf completed = { 0 };
    struct manifest_signature first = { .signer = MANIFEST_SIGNER_RECOVERY, signature };

    manifest_candidate_complete(&setting->candidate, &first, &completed);
    assert_int_equal(manifest_parse(buf_view(&completed), read), MANIFEST_VALID);
    assert_int_equal(read->signature_count, 3);
    assert_int_equal(read->signatures[0].signer, MANIFEST_SIGNER_RECOVERY);
    assert_int_equal(read->signatures[2].signer, 2);
    buf_clear(&completed);
    free(read);
}

static void a_candidate_that_changes_more_has_no_newcomer(void **state)
{
    struct setting *setting = *state;

    person_device(&setting->next, 2)->flags = MANIFEST_DEVICE_ADMIN;
    setting->next.hash = setting->ada.hash;
    setting->next.epoch = 0;
    person_next(&setting->next);
    make_candidate(setting);
    assert_int_equal(manifest_candidate_newcomer(&setting->old, &setting->candidate), 0);
    assert_int_equal(manifest_candidate_newcomer(&setting->old, &setting->old), 0);
    person_remove(&setting->next, 2);
    (void)person_add(&setting->next, 4, 0);
    setting->next.hash = setting->ada.hash;
    setting->next.epoch = 0;
    person_next(&setting->next);
    make_candidate(setting);
    assert_int_equal(manifest_candidate_newcomer(&setting->old, &setting->candidate), 0);
}

static void who_made_it_is_an_admin_whose_signature_holds(void **state)
{
    struct setting *setting = *state;

    assert_true(manifest_candidate_is_by(&setting->candidate, 1));
    assert_false(manifest_candidate_is_by(&setting->candidate, 2)); /* signed, and is no ADMIN */
    assert_false(manifest_candidate_is_by(&setting->candidate, NEWCOMER));
    assert_false(manifest_candidate_is_by(&setting->candidate, 9));
    setting->bytes.at[setting->candidate.body.size + 1 + 4] ^= 1; /* of the first signature */
    assert_false(manifest_candidate_is_by(&setting->candidate, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_candidate_lacks_one_signature_and_is_whole_with_it),
        TEST(a_signature_takes_its_place_among_others),
        TEST(a_candidate_that_changes_more_has_no_newcomer),
        TEST(who_made_it_is_an_admin_whose_signature_holds),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
