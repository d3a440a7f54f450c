/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts, judged by the rules that the relay and every client run. */
#include <string.h>

#include "common/crypto.h"
#include "common/manifest.h"
#include "common/random.h"
#include "server/ctl/chain.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "tests/support/unit.h"

enum {
    NOW_S = 1767225600 + 1234
};

/* An account with one device, verified, and a second device that is to be added. */
struct story {
    struct device_state first;
    struct device_state second;
    struct buf entry; /* of the second */
    struct chain chain;
};

/* The account that a first manifest makes. */
static struct account_id account_in(struct bytes signed_manifest)
{
    struct manifest manifest;

    assert_int_equal(manifest_parse(signed_manifest, &manifest), MANIFEST_VALID);
    return manifest.account;
}

static int story_begin(void **state)
{
    static struct story story;
    struct buf first = { 0 };

    memset(&story, 0, sizeof story);
    device_state_init(&story.first, "/nowhere", "https://relay.example", "one", NULL);
    device_state_init(&story.second, "/nowhere", "https://relay.example", "two", NULL);
    device_state_entry(&story.second, &story.entry);
    draft_first(&story.first, NULL, NOW_S, &first);
    struct account_id account = account_in(buf_view(&first));
    chain_init(&story.chain, &account);
    assert_int_equal(chain_extend(&story.chain, buf_view(&first)), CHAIN_OK);
    buf_clear(&first);
    *state = &story;
    return 0;
}

static int story_end(void **state)
{
    struct story *story = *state;

    device_state_clear(&story->first);
    device_state_clear(&story->second);
    buf_clear(&story->entry);
    chain_clear(&story->chain);
    return 0;
}

/* Sign *draft with seed in place. */
static void sign(struct buf *draft, uint32_t signer, const uint8_t seed[32])
{
    struct buf signed_draft = { 0 };

    assert_int_equal(draft_sign(buf_view(draft), signer, seed, &signed_draft), DRAFT_OK);
    buf_clear(draft);
    *draft = signed_draft;
}

static struct draft_entry entry_of(const struct story *story)
{
    return (struct draft_entry){ .bytes = buf_view(&story->entry) };
}

/* The entry has what the device can be written to with, by every kind of client. */
static void expect_keys_of(const struct device_state *state, const struct manifest_device *device)
{
    struct bytes box = manifest_find_key(device, MANIFEST_KEY_SEALED_BOX);
    struct bytes identity = manifest_find_key(device, MANIFEST_KEY_SIGNAL);

    assert_true(bytes_equal(box, bytes_of(state->box_public, sizeof state->box_public)));
    assert_true(bytes_equal(identity, bytes_of(state->identity, sizeof state->identity)));
    assert_int_equal(device->key_count, 2);
}

static void a_first_manifest_has_one_admin_and_the_keys_of_its_device(void **state)
{
    const struct story *story = *state;
    const struct manifest *head = story->chain.head;

    assert_int_equal(head->epoch, 0);
    assert_int_equal(head->created % 3600, 0);
    assert_true(head->created <= NOW_S && head->created > NOW_S - 3600);
    assert_int_equal(head->device_count, 1);
    assert_int_equal(head->devices[0].device_id, 1);
    assert_int_equal(head->devices[0].flags, MANIFEST_DEVICE_ADMIN);
    expect_keys_of(&story->first, &head->devices[0]);
    assert_false(head->has_recovery);
}

static void a_first_manifest_with_a_recovery_key_is_valid(void **state)
{
    struct story *story = *state;
    struct buf first = { 0 };
    struct chain chain;
    uint8_t seed[32];

    random_fill(seed, sizeof seed);
    draft_first(&story->first, seed, NOW_S, &first);
    struct account_id account = account_in(buf_view(&first));
    chain_init(&chain, &account);
    assert_int_equal(chain_extend(&chain, buf_view(&first)), CHAIN_OK);
    assert_true(chain.head->has_recovery);
    chain_clear(&chain);
    buf_clear(&first);
}

static void an_added_device_needs_both_signatures(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = entry_of(story);
    struct buf draft = { 0 };

    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_OK);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_BROKEN);
    sign(&draft, 1, story->first.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_BROKEN);
    sign(&draft, 2, story->second.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    assert_int_equal(story->chain.head->device_count, 2);
    assert_int_equal(story->chain.head->devices[1].flags, 0);
    assert_memory_equal(story->chain.head->devices[1].pub.raw, story->second.pub.raw, 32);
    expect_keys_of(&story->second, &story->chain.head->devices[1]);
    buf_clear(&draft);
}

static void a_device_of_an_older_program_has_its_box_key_alone(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = { .is_admin = false };
    struct buf old_entry = { 0 };
    struct buf draft = { 0 };
    const struct manifest_device *added = NULL;

    story->second.has_identity = false;
    device_state_entry(&story->second, &old_entry);
    entry.bytes = buf_view(&old_entry);
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_OK);
    sign(&draft, 1, story->first.seed);
    sign(&draft, 2, story->second.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    added = manifest_find(story->chain.head, 2);
    assert_int_equal(added->key_count, 1);
    assert_int_equal(manifest_find_key(added, MANIFEST_KEY_SEALED_BOX).size, 32);
    assert_int_equal(manifest_find_key(added, MANIFEST_KEY_SIGNAL).size, 0);
    buf_clear(&draft);
    buf_clear(&old_entry);
}

static void signatures_may_come_in_any_order_and_again(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = entry_of(story);
    struct buf draft = { 0 };

    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_OK);
    sign(&draft, 2, story->second.seed);
    sign(&draft, 1, story->second.seed); /* the wrong key, mended below */
    sign(&draft, 1, story->first.seed);
    sign(&draft, 2, story->second.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    buf_clear(&draft);
}

static void a_number_can_be_chosen_and_the_list_stays_sorted(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = entry_of(story);
    struct device_state third;
    struct buf third_entry = { 0 };
    struct buf draft = { 0 };

    entry.device_id = 9;
    entry.is_admin = true;
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_OK);
    sign(&draft, 1, story->first.seed);
    sign(&draft, 9, story->second.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    assert_int_equal(story->chain.head->devices[1].flags, MANIFEST_DEVICE_ADMIN);
    buf_clear(&draft);

    device_state_init(&third, "/nowhere", "https://relay.example", "three", NULL);
    device_state_entry(&third, &third_entry);
    entry = (struct draft_entry){ .bytes = buf_view(&third_entry) };
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_OK);
    sign(&draft, 9, story->second.seed);
    sign(&draft, 2, third.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    assert_int_equal(story->chain.head->devices[1].device_id, 2);
    assert_int_equal(story->chain.head->devices[2].device_id, 9);
    buf_clear(&draft);
    buf_clear(&third_entry);
    device_state_clear(&third);
}

static void a_taken_number_or_key_is_refused(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = entry_of(story);
    struct buf own_entry = { 0 };
    struct buf draft = { 0 };

    entry.device_id = 1;
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_DEVICE_TAKEN);
    device_state_entry(&story->first, &own_entry);
    entry = (struct draft_entry){ .bytes = buf_view(&own_entry) };
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_DEVICE_TAKEN);
    assert_int_equal(draft.size, 0);
    buf_clear(&own_entry);
}

static void a_damaged_entry_is_refused_at_every_length(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = entry_of(story);
    struct buf draft = { 0 };

    for (size_t size = 0; size < story->entry.size; size++) {
        entry.bytes.size = size;
        assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_ENTRY_BAD);
    }
    buf_append_u8(&story->entry, 0);
    entry = entry_of(story);
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_ENTRY_BAD);
    assert_int_equal(draft.size, 0);
}

static void a_removed_device_is_gone(void **state)
{
    struct story *story = *state;
    struct draft_entry entry = entry_of(story);
    struct buf draft = { 0 };

    assert_int_equal(draft_remove(story->chain.head, 2, NOW_S, &draft), DRAFT_DEVICE_UNKNOWN);
    assert_int_equal(draft_add(story->chain.head, &entry, NOW_S, &draft), DRAFT_OK);
    sign(&draft, 1, story->first.seed);
    sign(&draft, 2, story->second.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    buf_clear(&draft);
    assert_int_equal(draft_remove(story->chain.head, 2, NOW_S, &draft), DRAFT_OK);
    sign(&draft, 1, story->first.seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    assert_int_equal(story->chain.head->device_count, 1);
    assert_int_equal(story->chain.head->epoch, 2);
    buf_clear(&draft);
}

static void signing_what_is_no_manifest_is_refused(void **state)
{
    struct story *story = *state;
    struct buf out = { 0 };

    assert_int_equal(draft_sign(bytes_text("SPM1 but not really"), 1, story->first.seed, &out),
                     DRAFT_BAD);
    assert_int_equal(out.size, 0);
}

/* The first key: the only admin, and the key itself, sign that it is there. */
static void a_recovery_key_is_added_and_replaced_by_the_one_that_stands(void **state)
{
    static const uint8_t seeds[2][32] = { { 1 }, { 2 } };
    struct story *story = *state;
    uint8_t pub[32];

    for (size_t i = 0; i < 2; i++) {
        struct buf draft = { 0 };

        crypto_public_of(seeds[i], pub);
        draft_recovery_key(story->chain.head, pub, NOW_S, &draft);
        sign(&draft, 1, story->first.seed);
        assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_BROKEN);
        sign(&draft, MANIFEST_SIGNER_NEW_RECOVERY, seeds[i]);
        if (i > 0) {
            assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_BROKEN);
            sign(&draft, MANIFEST_SIGNER_RECOVERY, seeds[0]);
        }
        assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
        assert_memory_equal(story->chain.head->recovery_pub, pub, sizeof pub);
        buf_clear(&draft);
    }
}

static void who_recovers_stands_alone_under_a_number_of_its_own(void **state)
{
    static const uint8_t seed[32] = { 1 };
    static const uint8_t other[32] = { 2 };
    struct story *story = *state;
    struct buf draft = { 0 };
    uint8_t pub[32];

    crypto_public_of(seed, pub);
    draft_recovery_key(story->chain.head, pub, NOW_S, &draft);
    sign(&draft, 1, story->first.seed);
    sign(&draft, MANIFEST_SIGNER_NEW_RECOVERY, seed);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    buf_clear(&draft);
    draft_recover(&story->second, story->chain.head, other, NOW_S, &draft);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_BROKEN);
    buf_clear(&draft);
    draft_recover(&story->second, story->chain.head, seed, NOW_S, &draft);
    assert_int_equal(chain_extend(&story->chain, buf_view(&draft)), CHAIN_OK);
    assert_int_equal(story->chain.head->flags, MANIFEST_FLAG_RECOVERY);
    assert_int_equal(story->chain.head->device_count, 1);
    assert_int_equal(story->chain.head->devices[0].device_id, 2);
    assert_int_equal(story->chain.head->devices[0].flags, MANIFEST_DEVICE_ADMIN);
    expect_keys_of(&story->second, &story->chain.head->devices[0]);
    buf_clear(&draft);
}

#define WITH_STORY(test) cmocka_unit_test_setup_teardown(test, story_begin, story_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORY(a_first_manifest_has_one_admin_and_the_keys_of_its_device),
        WITH_STORY(a_first_manifest_with_a_recovery_key_is_valid),
        WITH_STORY(an_added_device_needs_both_signatures),
        WITH_STORY(a_device_of_an_older_program_has_its_box_key_alone),
        WITH_STORY(signatures_may_come_in_any_order_and_again),
        WITH_STORY(a_number_can_be_chosen_and_the_list_stays_sorted),
        WITH_STORY(a_taken_number_or_key_is_refused),
        WITH_STORY(a_damaged_entry_is_refused_at_every_length),
        WITH_STORY(a_removed_device_is_gone),
        WITH_STORY(signing_what_is_no_manifest_is_refused),
        WITH_STORY(a_recovery_key_is_added_and_replaced_by_the_one_that_stands),
        WITH_STORY(who_recovers_stands_alone_under_a_number_of_its_own),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
