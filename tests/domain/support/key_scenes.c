/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/key_scenes.h"

#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

enum {
    KEY_BYTES = 33,
    TYPE = 0x05
};

int key_scenes_set_up(void **state)
{
    static struct key_scenes scenes;

    temp_domain_open(&scenes.temp);
    person_init(&scenes.ada, 2);
    person_init(&scenes.bob, 1);
    scene_register(&scenes.temp, &scenes.ada);
    scene_register(&scenes.temp, &scenes.bob);
    scenes.command_seq = 1;
    *state = &scenes;
    return 0;
}

int key_scenes_tear_down(void **state)
{
    struct key_scenes *scenes = *state;

    person_clear(&scenes->ada);
    person_clear(&scenes->bob);
    temp_domain_close(&scenes->temp);
    return 0;
}

static const struct slot *slot_named(const struct temp_domain *temp, const char *name)
{
    const struct slot *slot = slots_find(temp->domain.slots, bytes_text(name));

    assert_non_null(slot);
    return slot;
}

static struct bytes append_number(struct buf *out, uint32_t number)
{
    size_t at = out->size;

    buf_append_u32(out, number);
    return bytes_of(out->at + at, out->size - at);
}

void key_scenes_append_key(struct buf *out, uint32_t id, uint8_t other)
{
    buf_append_u8(out, TYPE);
    for (size_t i = 1; i < KEY_BYTES; i += sizeof id) {
        buf_append_u32(out, id + other * UINT32_C(1000000));
    }
}

static struct bytes append_key(struct buf *out, uint32_t id, uint8_t other)
{
    size_t at = out->size;

    key_scenes_append_key(out, id, other);
    return bytes_of(out->at + at, out->size - at);
}

static struct keys_parcel *parcel_of(const struct key_scenes *scenes, const struct key_batch *batch)
{
    struct keys_parcel *parcel = keys_parcel_create(batch->count + 1);

    buf_reserve(&parcel->bytes, (batch->count + 1) * (KEY_BYTES + sizeof batch->first));
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t id = batch->first + (uint32_t)i;

        parcel->objects[i] = (struct slot_object){ .says_last_resort = batch->last_resort,
                                                   .last_resort = batch->last_resort };
        parcel->objects[i].id = append_number(&parcel->bytes, id);
        parcel->objects[i].key = append_key(&parcel->bytes, id, batch->other);
    }
    parcel->object_count = batch->count;
    parcel->pile_count = 1;
    parcel->piles[0] =
        (struct keys_pile){ .slot = batch->judge != NULL ? batch->judge
                                                         : slot_named(&scenes->temp, batch->slot),
                            .whole = batch->whole,
                            .count = batch->count };
    return parcel;
}

static void hear(void *arg, const struct keys_outcome *outcome)
{
    struct heard_keys *heard = arg;

    assert_false(heard->done);
    *heard = (struct heard_keys){ .done = true,
                                  .result = outcome->result,
                                  .fault = outcome->fault,
                                  .index = outcome->index,
                                  .id_count = outcome->id_count,
                                  .held = outcome->held,
                                  .last_seq = outcome->last_seq };
    if (outcome->stock != NULL) {
        heard->stock = *outcome->stock;
    }
}

static int64_t mailbox_of(struct key_scenes *scenes, uint32_t device_id)
{
    struct mailbox *mailbox =
        scene_mailbox(&scenes->temp, &person_device(&scenes->ada, device_id)->pub);

    assert_non_null(mailbox);
    return mailbox->number;
}

static struct keys_owner next_owner(struct key_scenes *scenes, uint32_t device_id)
{
    struct keys_owner owner = { .account_id = scenes->ada.account_id, .device_id = device_id };

    owner.guard.mailbox = mailbox_of(scenes, device_id);
    owner.guard.seq = scenes->command_seq;
    scenes->command_seq++;
    return owner;
}

void key_scenes_put_start(struct key_scenes *scenes, uint32_t device_id,
                          const struct key_batch *batch, struct heard_keys *heard)
{
    struct keys_owner owner = next_owner(scenes, device_id);
    struct keys_parcel *parcel = parcel_of(scenes, batch);

    *heard = (struct heard_keys){ .done = false };
    keys_put(&scenes->temp.domain, &owner, &parcel, SCENE_NOW_MS, hear, heard);
    assert_null(parcel);
}

struct heard_keys key_scenes_put(struct key_scenes *scenes, uint32_t device_id,
                                 const struct key_batch *batch)
{
    struct heard_keys heard;

    key_scenes_put_start(scenes, device_id, batch, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

struct heard_keys key_scenes_remove(struct key_scenes *scenes, uint32_t device_id,
                                    const struct key_batch *batch)
{
    struct keys_owner owner = next_owner(scenes, device_id);
    struct keys_parcel *parcel = parcel_of(scenes, batch);
    struct heard_keys heard = { .done = false };

    keys_remove(&scenes->temp.domain, &owner, &parcel, SCENE_NOW_MS, hear, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

void key_scenes_fill(struct key_scenes *scenes, const char *slot, uint32_t first, size_t count)
{
    const struct key_batch batch = { .slot = slot, .first = first, .count = count };

    assert_int_equal(key_scenes_put(scenes, 1, &batch).result, KEYS_DONE);
}

struct heard_stock {
    bool done;
    struct keys_stock stock;
};

static void hear_stock(void *arg, const struct keys_stock *stock)
{
    struct heard_stock *heard = arg;

    assert_non_null(stock);
    heard->stock = *stock;
    heard->done = true;
}

struct keys_pool key_scenes_pool(struct key_scenes *scenes, const char *slot, int64_t now_ms)
{
    struct heard_stock heard = { .done = false };

    keys_count(&scenes->temp.domain, mailbox_of(scenes, 1), now_ms, hear_stock, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    for (size_t i = 0; i < heard.stock.count; i++) {
        if (strcmp(heard.stock.pools[i].name, slot) == 0) {
            return heard.stock.pools[i];
        }
    }
    return (struct keys_pool){ .count = 0 };
}

struct heard_digest {
    bool done;
    uint8_t digest[CRYPTO_SHA256_BYTES];
};

static void hear_digest(void *arg, const uint8_t *digest)
{
    struct heard_digest *heard = arg;

    assert_non_null(digest);
    memcpy(heard->digest, digest, sizeof heard->digest);
    heard->done = true;
}

void key_scenes_digest(struct key_scenes *scenes, int64_t now_ms, uint8_t out[CRYPTO_SHA256_BYTES])
{
    struct heard_digest heard = { .done = false };

    keys_digest(&scenes->temp.domain, mailbox_of(scenes, 1), now_ms, hear_digest, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    memcpy(out, heard.digest, sizeof heard.digest);
}

static void hear_claim(void *arg, const struct keys_claim_outcome *outcome)
{
    struct heard_claim *heard = arg;
    const struct keys_claimed_device *device = outcome->devices;

    assert_false(heard->done);
    *heard = (struct heard_claim){ .done = true,
                                   .result = outcome->result,
                                   .device_count = outcome->device_count };
    if (outcome->result == KEYS_CLAIM_DONE && outcome->device_count > 0) {
        heard->key_count = device->key_count;
    }
    if (heard->key_count > 0) {
        const uint8_t *id = device->keys[0].id.at;

        assert_int_equal(device->keys[0].id.size, sizeof heard->id);
        heard->id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
        heard->is_last_resort = device->keys[0].is_last_resort;
    }
}

void key_scenes_claim_start(struct key_scenes *scenes, struct temp_domain *by, const char *slot,
                            struct heard_claim *heard)
{
    const struct keys_claim_order order = { .claimant = scenes->bob.account_id,
                                            .claimant_pub = scenes->bob.devices[0].pub,
                                            .account_id = scenes->ada.account_id,
                                            .since = -1,
                                            .device_count = 1,
                                            .devices = { 1 },
                                            .slot_count = 1,
                                            .slots = { slot_named(by, slot) } };

    *heard = (struct heard_claim){ .done = false };
    keys_claim(&by->domain, &order, SCENE_NOW_MS, hear_claim, heard);
}

struct heard_claim key_scenes_claim(struct key_scenes *scenes, const char *slot)
{
    struct heard_claim heard;

    key_scenes_claim_start(scenes, &scenes->temp, slot, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}
