/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of real manifests, and what a dishonest relay could show instead. */
#include <string.h>

#include "common/crypto.h"
#include "common/manifest.h"
#include "server/ctl/chain.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    EPOCHS = 3
};

static void the_chain_of_the_vectors_is_verified_to_its_head(void **state)
{
    json_t *vectors = vectors_load(TESTS_DIR "/vectors/manifest.json");
    const json_t *manifests = json_object_get(vectors, "manifests");
    struct account_id account;
    struct manifest_hash hash;
    struct chain chain;

    (void)state;
    vectors_hex_exact(vectors_text(vectors, "account_id"), account.raw, sizeof account.raw);
    chain_init(&chain, &account);
    assert_int_equal(json_array_size(manifests), EPOCHS);
    for (size_t i = 0; i < EPOCHS; i++) {
        const json_t *row = json_array_get(manifests, i);
        struct buf bytes = { 0 };
        vectors_hex(vectors_text(row, "signed"), &bytes);
        vectors_hex_exact(vectors_text(row, "hash"), hash.raw, sizeof hash.raw);
        assert_int_equal(chain_extend(&chain, buf_view(&bytes)), CHAIN_OK);
        assert_int_equal(chain.head->epoch, i);
        assert_int_equal(chain_judge_head(&chain, i, &hash), CHAIN_SAME);
        buf_clear(&bytes);
    }
    chain_clear(&chain);
    json_decref(vectors);
}

/* A person at epoch 2 whose manifests are all kept. */
struct story {
    struct person ada;
    struct buf signed_bytes[EPOCHS];
    struct chain chain; /* of ada, empty */
};

static void story_keep(struct story *story, size_t epoch)
{
    buf_append(&story->signed_bytes[epoch], buf_view(&story->ada.manifest));
}

static int story_begin(void **state)
{
    static struct story story;

    memset(&story, 0, sizeof story);
    person_init(&story.ada, 2);
    story_keep(&story, 0);
    (void)person_add(&story.ada, 3, 0);
    person_next(&story.ada);
    story_keep(&story, 1);
    person_remove(&story.ada, 2);
    person_next(&story.ada);
    story_keep(&story, 2);
    chain_init(&story.chain, &story.ada.account_id);
    *state = &story;
    return 0;
}

static int story_end(void **state)
{
    struct story *story = *state;

    for (size_t i = 0; i < EPOCHS; i++) {
        buf_clear(&story->signed_bytes[i]);
    }
    chain_clear(&story->chain);
    person_clear(&story->ada);
    return 0;
}

static enum chain_result extend(struct story *story, size_t epoch)
{
    return chain_extend(&story->chain, buf_view(&story->signed_bytes[epoch]));
}

static void a_chain_begins_at_epoch_0(void **state)
{
    struct story *story = *state;

    assert_int_equal(extend(story, 1), CHAIN_BACK);
    assert_null(story->chain.head);
    assert_int_equal(extend(story, 0), CHAIN_OK);
}

static void a_step_may_not_be_skipped_or_undone(void **state)
{
    struct story *story = *state;

    assert_int_equal(extend(story, 0), CHAIN_OK);
    assert_int_equal(extend(story, 2), CHAIN_BACK);
    assert_int_equal(extend(story, 1), CHAIN_OK);
    assert_int_equal(extend(story, 0), CHAIN_BACK);
    assert_int_equal(extend(story, 1), CHAIN_SAME);
    assert_int_equal(story->chain.head->epoch, 1);
}

static void a_ghost_device_that_no_admin_signed_is_refused(void **state)
{
    struct story *story = *state;
    struct person ghost;

    assert_int_equal(extend(story, 0), CHAIN_OK);
    /* The relay makes an account of its own with the victim's account id in it. */
    person_init(&ghost, 3);
    struct buf forged = { 0 };
    buf_append(&forged, buf_view(&ghost.manifest));
    memcpy(forged.at + 24, story->ada.account_id.raw, sizeof story->ada.account_id.raw);
    assert_int_not_equal(chain_extend(&story->chain, buf_view(&forged)), CHAIN_OK);
    assert_int_equal(story->chain.head->device_count, 2);
    buf_clear(&forged);
    person_clear(&ghost);
}

static void a_device_that_signs_itself_in_is_refused(void **state)
{
    struct story *story = *state;
    struct buf forged = { 0 };

    assert_int_equal(extend(story, 0), CHAIN_OK);
    /* Epoch 1 with the admin's signature left out: only the newcomer's and device 2's remain. */
    struct manifest next;
    struct manifest_signature kept[4];
    size_t count = 0;
    assert_int_equal(manifest_parse(buf_view(&story->signed_bytes[1]), &next), MANIFEST_VALID);
    for (size_t i = 0; i < next.signature_count; i++) {
        if (next.signatures[i].signer != 1) {
            kept[count++] = next.signatures[i];
        }
    }
    buf_append(&forged, next.body);
    manifest_append_signatures(&forged, kept, count);
    assert_int_equal(chain_extend(&story->chain, buf_view(&forged)), CHAIN_BROKEN);
    assert_int_equal(story->chain.rule, MANIFEST_RULE_4_AUTHORITY);
    buf_clear(&forged);
}

static void a_flipped_bit_anywhere_in_the_next_step_is_refused(void **state)
{
    struct story *story = *state;
    struct buf *next = &story->signed_bytes[1];

    assert_int_equal(extend(story, 0), CHAIN_OK);
    for (size_t i = 0; i < next->size; i++) {
        next->at[i] ^= 0x10;
        assert_int_not_equal(extend(story, 1), CHAIN_OK);
        assert_int_equal(story->chain.head->epoch, 0);
        next->at[i] ^= 0x10;
    }
    assert_int_equal(extend(story, 1), CHAIN_OK);
}

static void another_accounts_manifest_is_foreign(void **state)
{
    struct story *story = *state;
    struct person bob;

    person_init(&bob, 1);
    assert_int_equal(chain_extend(&story->chain, buf_view(&bob.manifest)), CHAIN_FOREIGN);
    assert_false(chain_restore(&story->chain, buf_view(&bob.manifest)));
    assert_null(story->chain.head);
    person_clear(&bob);
}

static void a_fork_of_the_head_is_refused_although_it_is_valid(void **state)
{
    struct story *story = *state;
    struct person other;

    assert_int_equal(extend(story, 0), CHAIN_OK);
    assert_int_equal(extend(story, 1), CHAIN_OK);
    assert_int_equal(extend(story, 2), CHAIN_OK);
    person_copy(&story->ada, &other); /* both go on from epoch 2, each in its own way */
    (void)person_add(&story->ada, 4, 0);
    person_next(&story->ada);
    (void)person_add(&other, 5, 0);
    person_next(&other);
    assert_int_equal(chain_extend(&story->chain, buf_view(&story->ada.manifest)), CHAIN_OK);
    assert_int_equal(chain_extend(&story->chain, buf_view(&other.manifest)), CHAIN_FORK);
    assert_int_equal(chain_judge_head(&story->chain, 3, &other.hash), CHAIN_FORK);
    assert_int_equal(chain_judge_head(&story->chain, 3, &story->ada.hash), CHAIN_SAME);
    person_clear(&other);
}

static void another_epoch_than_the_heads_is_back(void **state)
{
    struct story *story = *state;

    assert_int_equal(chain_judge_head(&story->chain, 0, &story->ada.hash), CHAIN_BACK);
    assert_int_equal(extend(story, 0), CHAIN_OK);
    assert_int_equal(extend(story, 1), CHAIN_OK);
    assert_int_equal(chain_judge_head(&story->chain, 0, &story->chain.hash), CHAIN_BACK);
    assert_int_equal(chain_judge_head(&story->chain, 2, &story->chain.hash), CHAIN_BACK);
}

static void a_restored_pin_goes_on_from_where_it_was(void **state)
{
    struct story *story = *state;

    assert_true(chain_restore(&story->chain, buf_view(&story->signed_bytes[1])));
    assert_int_equal(story->chain.head->epoch, 1);
    assert_int_equal(extend(story, 0), CHAIN_BACK);
    assert_int_equal(extend(story, 2), CHAIN_OK);
}

static void a_damaged_pin_is_not_restored(void **state)
{
    struct story *story = *state;

    assert_false(chain_restore(&story->chain, bytes_of(story->signed_bytes[1].at, 100)));
    assert_false(chain_restore(&story->chain, bytes_of(NULL, 0)));
    assert_null(story->chain.head);
}

static void every_result_has_a_sentence(void **state)
{
    (void)state;
    for (int result = CHAIN_OK; result <= CHAIN_FORK; result++) {
        assert_true(strlen(chain_result_text((enum chain_result)result, 4)) > 10);
    }
}

#define WITH_STORY(test) cmocka_unit_test_setup_teardown(test, story_begin, story_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_of_the_vectors_is_verified_to_its_head),
        WITH_STORY(a_chain_begins_at_epoch_0),
        WITH_STORY(a_step_may_not_be_skipped_or_undone),
        WITH_STORY(a_ghost_device_that_no_admin_signed_is_refused),
        WITH_STORY(a_device_that_signs_itself_in_is_refused),
        WITH_STORY(a_flipped_bit_anywhere_in_the_next_step_is_refused),
        WITH_STORY(another_accounts_manifest_is_foreign),
        WITH_STORY(a_fork_of_the_head_is_refused_although_it_is_valid),
        WITH_STORY(another_epoch_than_the_heads_is_back),
        WITH_STORY(a_restored_pin_goes_on_from_where_it_was),
        WITH_STORY(a_damaged_pin_is_not_restored),
        cmocka_unit_test(every_result_has_a_sentence),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
