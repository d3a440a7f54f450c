/* SPDX-License-Identifier: Apache-2.0 */
/* What owners put, remove and count. */
#include <string.h>

#include "common/crypto.h"
#include "common/limits.h"
#include "common/metrics.h"
#include "server/domain/keys.h"
#include "server/domain/keys_private.h"
#include "tests/domain/support/key_scenes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

#define EC KEY_SCENES_EC

static int64_t pool_count(struct key_scenes *scenes, const char *slot)
{
    return key_scenes_pool(scenes, slot, SCENE_NOW_MS).count;
}

static void the_same_keys_once_more_change_nothing(void **state)
{
    key_scenes_fill(*state, EC, 1, 3);
    key_scenes_fill(*state, EC, 1, 3);
    assert_int_equal(pool_count(*state, EC), 3);
    assert_int_equal(key_scenes_pool(*state, EC, SCENE_NOW_MS).generation, 1);
}

static void other_keys_under_the_same_ids_are_a_conflict_and_nothing_is_put(void **state)
{
    const struct key_batch batch = { .slot = EC, .first = 2, .count = 4, .other = 1 };
    struct heard_keys heard;

    key_scenes_fill(*state, EC, 1, 3);
    heard = key_scenes_put(*state, 1, &batch);
    assert_int_equal(heard.result, KEYS_CONFLICT);
    assert_int_equal(heard.id_count, 2);
    assert_int_equal(pool_count(*state, EC), 3);
}

static void a_replacement_begins_a_new_generation(void **state)
{
    const struct key_batch batch = {
        .slot = EC, .first = 2, .count = 2, .other = 1, .whole = true
    };
    struct heard_keys heard;

    key_scenes_fill(*state, EC, 1, 3);
    heard = key_scenes_put(*state, 1, &batch);
    assert_int_equal(heard.result, KEYS_DONE);
    assert_int_equal(heard.stock.count, 1);
    assert_int_equal(heard.stock.pools[0].generation, 2);
    assert_int_equal(heard.stock.pools[0].count, 2);
}

static void a_call_and_a_slot_have_a_cap(void **state)
{
    const struct key_batch large = { .slot = EC, .first = 1, .count = LIMIT_KEYS_PER_CALL + 1 };
    const struct key_batch over = { .slot = EC, .first = 201, .count = 57 };
    struct heard_keys heard = key_scenes_put(*state, 1, &large);

    assert_int_equal(heard.result, KEYS_INVALID);
    assert_int_equal(heard.fault, SLOT_TOO_MANY);
    assert_int_equal(heard.index, LIMIT_KEYS_PER_CALL);
    key_scenes_fill(*state, EC, 1, 100);
    key_scenes_fill(*state, EC, 101, 100);
    heard = key_scenes_put(*state, 1, &over);
    assert_int_equal(heard.result, KEYS_FULL);
    assert_int_equal(heard.held, 200);
    key_scenes_fill(*state, EC, 201, 56);
    assert_int_equal(pool_count(*state, EC), LIMIT_KEYS_STORED);
}

static void a_static_key_takes_the_place_of_the_one_before(void **state)
{
    key_scenes_fill(*state, "x.note", 1, 1);
    key_scenes_fill(*state, "x.note", 2, 1);
    assert_int_equal(pool_count(*state, "x.note"), 1);
    assert_int_equal(key_scenes_claim(*state, "x.note").id, 2);
    assert_int_equal(key_scenes_claim(*state, "x.note").id, 2);
}

static void keys_are_removed_by_id_or_all_at_once(void **state)
{
    const struct key_batch some = { .slot = EC, .first = 2, .count = 9 };
    const struct key_batch all = { .slot = EC, .whole = true };

    key_scenes_fill(*state, EC, 1, 3);
    assert_int_equal(key_scenes_remove(*state, 1, &some).result, KEYS_DONE);
    assert_int_equal(pool_count(*state, EC), 1);
    assert_int_equal(key_scenes_remove(*state, 1, &all).result, KEYS_DONE);
    assert_int_equal(pool_count(*state, EC), 0);
}

static void a_command_works_once(void **state)
{
    struct key_scenes *scenes = *state;
    const struct key_batch batch = { .slot = EC, .first = 9, .count = 1 };
    struct heard_keys heard;

    key_scenes_fill(scenes, EC, 1, 1);
    scenes->command_seq--;
    heard = key_scenes_put(scenes, 1, &batch);
    assert_int_equal(heard.result, KEYS_REPLAYED);
    assert_int_equal(heard.last_seq, scenes->command_seq - 1);
    assert_int_equal(pool_count(scenes, EC), 1);
}

struct heard_digest {
    bool done;
    uint8_t digest[CRYPTO_SHA256_BYTES];
};

static void hear_digest(void *arg, const uint8_t digest[CRYPTO_SHA256_BYTES])
{
    struct heard_digest *heard = arg;

    assert_non_null(digest);
    memcpy(heard->digest, digest, sizeof heard->digest);
    heard->done = true;
}

static struct heard_digest digest_of(struct key_scenes *scenes)
{
    struct mailbox *mailbox = scene_mailbox(&scenes->temp, &scenes->ada.devices[0].pub);
    struct heard_digest heard = { .done = false };

    keys_digest(&scenes->temp.domain, mailbox->number, SCENE_NOW_MS, hear_digest, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

/* One key with the id 7, as keys.h spells it. */
static void the_digest_is_that_of_the_contract(void **state)
{
    static const char label[] = "sealpost/keys-check/1";
    uint8_t key[33] = { 5 };
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct buf all = { 0 };
    struct bytes view = bytes_of(key, sizeof key);
    struct heard_digest heard;

    buf_append(&all, bytes_of(label, sizeof label));
    view = buf_view(&all);
    crypto_sha256(&view, 1, hash);
    heard = digest_of(*state);
    assert_memory_equal(heard.digest, hash, sizeof hash); /* of nothing */
    key_scenes_fill(*state, EC, 7, 1);
    for (size_t i = 4; i < sizeof key; i += 4) {
        key[i] = 7;
    }
    view = bytes_of(key, sizeof key);
    crypto_sha256(&view, 1, hash);
    buf_append_u8(&all, sizeof EC - 1);
    buf_append(&all, bytes_text(EC));
    buf_append_u32(&all, 1);
    buf_append_u16(&all, 4);
    buf_append_u32(&all, 7);
    buf_append(&all, bytes_of(hash, sizeof hash));
    view = buf_view(&all);
    crypto_sha256(&view, 1, hash);
    heard = digest_of(*state);
    assert_memory_equal(heard.digest, hash, sizeof hash);
    buf_clear(&all);
}

/* How a slot's keys were checked. */
static struct {
    bool begun;
    int all;
    int in_turn, in_turn_max;
    int64_t turn;
} checks;

static enum slot_fault count_check(const struct slot *slot, const struct slot_object *object,
                                   const struct slot_identity *identity, int64_t now_s,
                                   struct slot_facts *out)
{
    int64_t turn = metrics_value(METRIC_loop_turns);

    checks.in_turn = turn == checks.turn ? checks.in_turn + 1 : 1;
    checks.turn = turn;
    checks.in_turn_max = checks.in_turn > checks.in_turn_max ? checks.in_turn : checks.in_turn_max;
    checks.all++;
    checks.begun = true;
    return slots_check_opaque(slot, object, identity, now_s, out);
}

static struct slot counting_slot(const struct key_scenes *scenes)
{
    struct slot slot = *slots_find(scenes->temp.domain.slots, bytes_text("x.test"));

    memset(&checks, 0, sizeof checks);
    slot.check = count_check;
    return slot;
}

static void an_upload_is_judged_in_parts(void **state)
{
    struct slot slot = counting_slot(*state);
    const struct key_batch batch = {
        .slot = "x.test", .first = 1, .count = LIMIT_KEYS_PER_CALL, .judge = &slot
    };

    assert_int_equal(key_scenes_put(*state, 1, &batch).result, KEYS_DONE);
    assert_int_equal(checks.all, LIMIT_KEYS_PER_CALL);
    assert_int_equal(checks.in_turn_max, KEYS_JUDGED_AT_ONCE);
    assert_int_equal(pool_count(*state, "x.test"), LIMIT_KEYS_PER_CALL);
}

static void an_upload_that_is_overtaken_between_its_parts_is_not_written(void **state)
{
    struct key_scenes *scenes = *state;
    struct slot slot = counting_slot(scenes);
    const struct key_batch batch = {
        .slot = "x.test", .first = 1, .count = LIMIT_KEYS_PER_CALL, .judge = &slot
    };
    struct heard_keys heard;

    scenes->command_seq = 9;
    key_scenes_put_start(scenes, 1, &batch, &heard);
    temp_store_wait(&scenes->temp.temp, &checks.begun);
    scene_run(&scenes->temp, "UPDATE devices SET command_seq = 9");
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.result, KEYS_REPLAYED);
    assert_int_equal(heard.last_seq, 9);
    assert_int_equal(pool_count(scenes, "x.test"), 0);
}

static void an_upload_whose_store_is_closed_between_its_parts_is_answered(void **state)
{
    struct key_scenes *scenes = *state;
    struct slot slot = counting_slot(scenes);
    const struct key_batch batch = {
        .slot = "x.test", .first = 1, .count = LIMIT_KEYS_PER_CALL, .judge = &slot
    };
    struct heard_keys heard;

    key_scenes_put_start(scenes, 1, &batch, &heard);
    temp_store_wait(&scenes->temp.temp, &checks.begun);
    (void)key_scenes_tear_down(state);
    assert_true(heard.done);
    assert_int_equal(heard.result, KEYS_UNAVAILABLE);
    (void)key_scenes_set_up(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, key_scenes_set_up, key_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_same_keys_once_more_change_nothing),
        TEST(other_keys_under_the_same_ids_are_a_conflict_and_nothing_is_put),
        TEST(a_replacement_begins_a_new_generation),
        TEST(a_call_and_a_slot_have_a_cap),
        TEST(a_static_key_takes_the_place_of_the_one_before),
        TEST(keys_are_removed_by_id_or_all_at_once),
        TEST(a_command_works_once),
        TEST(the_digest_is_that_of_the_contract),
        TEST(an_upload_is_judged_in_parts),
        TEST(an_upload_that_is_overtaken_between_its_parts_is_not_written),
        TEST(an_upload_whose_store_is_closed_between_its_parts_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
