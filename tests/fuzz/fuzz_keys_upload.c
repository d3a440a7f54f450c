/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is the body of PUT /v1/keys; behind a NUL, which no JSON has, may stand
 * the identity keys of its device: 33 bytes of Signal, then 32 of MLS.
 *
 * What is refused is answered at once, and what is not answered is a parcel whose
 * views lie in its own bytes.  It is judged under the identity keys.  What is good
 * has nothing to do when it comes once more, and is a conflict when other keys stand
 * under its ids.  At last the input is read as a body of DELETE /v1/keys.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/api/keys_json.h"
#include "server/domain/keys.h"
#include "server/domain/keys_private.h"
#include "server/domain/slots.h"
#include "server/http/exchange_private.h"
#include "server/http/server.h"
#include "server/http/server_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    NOW_S = 1800000000,
    DAY_S = 86400,
    SIGNAL_BYTES = 33,
    MLS_BYTES = 32
};

static struct http_server *server;
static struct slots *slots;

static void start(void)
{
    static const struct http_config config = { .base_path = "", .cors_origins = "" };

    CHECK(crypto_start());
    server = http_server_create(loop_create(), &config);
    slots = slots_create("x.note:static, x.post, x.spare:last");
}

/* A request whose peer has gone: what is answered goes nowhere, and ends it. */
static struct exchange *exchange_of(struct bytes body)
{
    struct exchange *exchange = exchange_create(NULL, server, bytes_of("", 0));

    buf_append(&exchange->body, body);
    return exchange;
}

static bool lies_within(struct bytes view, const struct buf *bytes)
{
    return view.size == 0 ||
           (view.at >= bytes->at && view.at + view.size <= bytes->at + bytes->size);
}

static void expect_sound(const struct keys_parcel *parcel)
{
    size_t next = 0;

    CHECK(parcel->pile_count <= SLOTS_MAX);
    for (size_t i = 0; i < parcel->pile_count; i++) {
        const struct keys_pile *pile = &parcel->piles[i];

        CHECK(pile->slot != NULL && pile->first == next);
        next += pile->count;
        for (size_t j = 0; j < i; j++) {
            CHECK(parcel->piles[j].slot != pile->slot);
        }
    }
    CHECK(next == parcel->object_count);
    for (size_t i = 0; i < parcel->object_count; i++) {
        CHECK(lies_within(parcel->objects[i].id, &parcel->bytes));
        CHECK(lies_within(parcel->objects[i].key, &parcel->bytes));
        CHECK(lies_within(parcel->objects[i].signature, &parcel->bytes));
    }
}

typedef struct keys_parcel *read_fn(struct exchange *exchange, const struct slots *slots);

/* Refused and answered, or a parcel and not answered. */
static struct keys_parcel *read_with(read_fn *read, struct bytes body)
{
    struct exchange *exchange = exchange_of(body);
    struct keys_parcel *parcel = read(exchange, slots);

    CHECK((parcel == NULL) == LIST_EMPTY(&server->exchanges));
    if (parcel != NULL) {
        expect_sound(parcel);
        exchange_destroy(exchange);
    }
    return parcel;
}

static void judge(struct keys_judged *judged)
{
    size_t turns = judged->parcel->object_count / KEYS_JUDGED_AT_ONCE + 1;

    keys_judge_begin(judged);
    while (!keys_judge_some(judged)) {
        CHECK(turns > 0);
        turns--;
    }
}

static void expect_reason(const struct keys_judged *judged)
{
    const struct keys_outcome *outcome = &judged->outcome;
    const struct keys_pile *pile = &judged->parcel->piles[judged->pile_at];

    CHECK(outcome->result == KEYS_INVALID && outcome->slot == pile->slot);
    CHECK(outcome->fault > SLOT_FINE && outcome->fault < SLOT_FAULT_COUNT);
    CHECK(outcome->index < pile->count);
    CHECK(slots_fault_word(outcome->fault)[0] != '\0' && outcome->detail[0] != '\0');
}

static void expect_fact(const struct slot *slot, const struct slot_object *object,
                        const struct slot_facts *facts)
{
    CHECK(object->key.size >= slot->key_min && object->key.size <= slot->key_max);
    CHECK(object->id.size >= 1 && object->id.size <= SLOTS_REFERENCE_MAX_BYTES);
    CHECK(slot->id_form != SLOT_ID_NUMBER || object->id.size == sizeof(uint32_t));
    CHECK(facts->use == slot->use || (slot->takes_last_resort && facts->use == KEY_SLOTS_LAST));
    CHECK(facts->expires_at == 0 ||
          (facts->expires_at > NOW_S &&
           facts->expires_at <= NOW_S + INT64_C(1) * LIMIT_KEYPACKAGE_DAYS * DAY_S));
}

static void expect_good(const struct keys_judged *judged)
{
    const struct keys_parcel *parcel = judged->parcel;

    for (size_t i = 0; i < parcel->pile_count; i++) {
        const struct keys_pile *pile = &parcel->piles[i];

        CHECK(pile->count <= slots_call_max(pile->slot));
        for (size_t at = pile->first; at < pile->first + pile->count; at++) {
            expect_fact(pile->slot, &parcel->objects[at], &judged->facts[at]);
        }
    }
}

/* Make what was judged the keys that are held; other: others under the same ids. */
static void hold(const struct keys_judged *good, bool other, struct keys_judged *out)
{
    const struct keys_parcel *parcel = good->parcel;

    *out =
        (struct keys_judged){ .parcel = good->parcel, .now_s = NOW_S, .identity = good->identity };
    out->held = mem_zeroed(parcel->object_count, sizeof *out->held);
    for (size_t i = 0; i < parcel->pile_count; i++) {
        const struct keys_pile *pile = &parcel->piles[i];

        for (size_t at = pile->first; at < pile->first + pile->count; at++) {
            struct keys_held *held = &out->held[out->held_count];

            held->slot = pile->slot;
            held->id = parcel->objects[at].id;
            held->use = good->facts[at].use;
            memcpy(held->hash, good->hashes[at], sizeof held->hash);
            held->hash[0] ^= other ? 1 : 0;
            out->held_count++;
        }
    }
}

static void expect_nothing_to_do(const struct keys_judged *good)
{
    const struct keys_parcel *parcel = good->parcel;
    static struct keys_judged again; /* large */

    hold(good, false, &again);
    judge(&again);
    CHECK(again.outcome.result == KEYS_DONE);
    for (size_t i = 0; i < parcel->pile_count; i++) {
        for (size_t j = 0; j < parcel->piles[i].count; j++) {
            CHECK(again.is_there[parcel->piles[i].first + j] == !parcel->piles[i].whole);
        }
    }
    keys_judged_clear(&again);
}

static void expect_conflict(const struct keys_judged *good)
{
    const struct keys_parcel *parcel = good->parcel;
    static struct keys_judged again; /* large */
    size_t i = 0;

    hold(good, true, &again);
    judge(&again);
    while (i < parcel->pile_count && (parcel->piles[i].whole || parcel->piles[i].count == 0)) {
        i++;
    }
    CHECK((again.outcome.result == KEYS_DONE) == (i == parcel->pile_count));
    if (i < parcel->pile_count) {
        CHECK(again.outcome.result == KEYS_CONFLICT && again.outcome.slot == parcel->piles[i].slot);
        CHECK(again.outcome.id_count == parcel->piles[i].count);
    }
    keys_judged_clear(&again);
}

/* The identity keys behind the NUL, as far as they are there. */
static struct slot_identity identity_of(struct bytes keys)
{
    struct slot_identity identity = { .signal = bytes_of(NULL, 0) };

    if (keys.size >= SIGNAL_BYTES) {
        identity.signal = bytes_of(keys.at, SIGNAL_BYTES);
    }
    if (keys.size >= SIGNAL_BYTES + MLS_BYTES) {
        identity.mls = bytes_of(keys.at + SIGNAL_BYTES, MLS_BYTES);
    }
    return identity;
}

static void try_upload(struct bytes body, struct bytes keys)
{
    struct keys_judged judged = { .now_s = NOW_S, .identity = identity_of(keys) };

    judged.parcel = read_with(keys_json_read_put, body);
    if (judged.parcel == NULL) {
        return;
    }
    judge(&judged);
    if (judged.outcome.result == KEYS_DONE) {
        expect_good(&judged);
        expect_nothing_to_do(&judged);
        expect_conflict(&judged);
    } else {
        expect_reason(&judged);
    }
    keys_judged_clear(&judged);
    keys_parcel_destroy(judged.parcel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size == 0 ? NULL : memchr(data, 0, size);
    size_t body_size = nul == NULL ? size : (size_t)(nul - data);
    uint8_t *keys = mem_raw(size - body_size + 1); /* of their own, so that each overrun is seen */

    if (server == NULL) {
        start();
    }
    if (nul != NULL) {
        memcpy(keys, nul + 1, size - body_size - 1);
    }
    try_upload(bytes_of(data, body_size), bytes_of(keys, nul == NULL ? 0 : size - body_size - 1));
    keys_parcel_destroy(read_with(keys_json_read_removal, bytes_of(data, body_size)));
    free(keys);
    return 0;
}
