/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/keys_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/wire.h"
#include "server/api/problem.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum {
    DAY_S = 86400
};

static json_t *pool_json(const struct keys_pool *pool)
{
    json_t *object =
        json_pack("{s:I, s:I, s:b}", "count", (json_int_t)pool->count, "generation",
                  (json_int_t)pool->generation, "last_resort", pool->has_last_resort ? 1 : 0);

    if (pool->stale > 0) {
        (void)json_object_set_new(object, "stale", json_true());
    }
    if (pool->rotate) {
        (void)json_object_set_new(object, "rotate", json_true());
    }
    if (pool->uses > 0) {
        (void)json_object_set_new(object, "last_resort_uses", json_integer(pool->uses));
        (void)json_object_set_new(object, "last_resort_first_use",
                                  json_integer(pool->first_use_day * DAY_S));
    }
    return object;
}

json_t *keys_json_stock(const struct keys_stock *stock)
{
    json_t *object = json_object();

    for (size_t i = 0; i < stock->count; i++) {
        (void)json_object_set_new(object, stock->pools[i].name, pool_json(&stock->pools[i]));
    }
    return object;
}

json_t *keys_json_id(const struct slot *slot, struct bytes id)
{
    struct wire wire = wire_of(id);

    return slot->id_form == SLOT_ID_NUMBER ? json_integer(wire_u32(&wire)) : json_base64url(id);
}

static const struct slot *slot_of(struct exchange *exchange, const struct slots *slots,
                                  struct bytes name)
{
    const struct slot *slot = slots_find(slots, name);
    struct buf members = { 0 };

    if (slot == NULL) {
        buf_append_text(&members, ",\"slot\":");
        json_append_quoted(
            &members,
            bytes_of(name.at, name.size < JSON_FAULT_BYTES ? name.size : (size_t)JSON_FAULT_BYTES));
        buf_append_u8(&members, '\0');
        exchange_reply_problem(exchange, PROBLEM_slot_unknown, 0, (const char *)members.at);
        buf_clear(&members);
    }
    return slot;
}

const struct slot *keys_json_slot(struct exchange *exchange, const struct slots *slots,
                                  const json_t *value, const char *member)
{
    if (!json_is_string(value)) {
        problem_of_member(exchange, JSON_MALFORMED, member);
        return NULL;
    }
    return slot_of(exchange, slots, bytes_of(json_string_value(value), json_string_length(value)));
}

static struct bytes since(const struct buf *bytes, size_t before)
{
    return bytes_of(bytes->at + before, bytes->size - before);
}

/* A number out of range stays empty, which no slot takes. */
static void append_number(struct buf *bytes, int64_t number)
{
    if (number >= 0 && number <= UINT32_MAX) {
        buf_append_u32(bytes, (uint32_t)number);
    }
}

/* Append an id as the column has it.  False: it has the wrong type. */
static bool read_id(const struct slot *slot, const json_t *value, struct buf *bytes)
{
    if (slot->id_form == SLOT_ID_NUMBER && json_is_integer(value)) {
        append_number(bytes, json_integer_value(value));
        return true;
    }
    return slot->id_form == SLOT_ID_REFERENCE && json_is_string(value) &&
           base64url_decode(bytes_of(json_string_value(value), json_string_length(value)), bytes);
}

static struct bytes need_id(struct json_reader *reader, const struct slot *slot, struct buf *bytes)
{
    size_t before = bytes->size;
    int64_t number = -1;

    if (slot->id_form == SLOT_ID_NUMBER) {
        json_need_int(reader, "id", INT64_MIN, INT64_MAX, &number);
        append_number(bytes, number);
    } else {
        json_need_bytes(reader, "id", bytes);
    }
    return since(bytes, before);
}

/* The views into bytes hold because its room was made before the first byte went in. */
static bool read_object(const struct slot *slot, json_t *value, struct buf *bytes,
                        struct slot_object *out)
{
    struct json_reader reader;
    size_t before = 0;

    if (!json_reader_begin_value(&reader, value)) {
        return false;
    }
    out->id = need_id(&reader, slot, bytes);
    before = bytes->size;
    json_need_bytes(&reader, "key", bytes);
    out->key = since(bytes, before);
    before = bytes->size;
    (void)json_may_bytes(&reader, "signature", bytes);
    out->signature = since(bytes, before);
    out->says_last_resort = json_may_bool(&reader, "last_resort", &out->last_resort);
    return json_reader_end(&reader);
}

/* What is being read; answered when something was refused. */
struct reading {
    struct exchange *exchange;
    const struct slots *slots;
    struct keys_parcel *parcel;
};

static struct keys_pile *add_pile(struct reading *reading, const struct slot *slot)
{
    struct keys_parcel *parcel = reading->parcel;
    struct keys_pile *pile = &parcel->piles[parcel->pile_count];

    *pile = (struct keys_pile){ .slot = slot, .first = parcel->object_count };
    parcel->pile_count++;
    return pile;
}

/* Answer what is wrong with the slot's value. */
static bool refuse_slot(struct reading *reading, const struct slot *slot, enum json_fault_kind kind)
{
    char member[JSON_FAULT_BYTES];

    (void)snprintf(member, sizeof member, "slots.%s", slot->name);
    problem_of_member(reading->exchange, kind, member);
    return false;
}

static bool read_keys(struct reading *reading, const struct slot *slot, const json_t *keys)
{
    struct keys_parcel *parcel = reading->parcel;
    struct keys_pile *pile = add_pile(reading, slot);

    if (!json_is_array(keys)) {
        return refuse_slot(reading, slot, JSON_MALFORMED);
    }
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (!read_object(slot, json_array_get(keys, i), &parcel->bytes,
                         &parcel->objects[parcel->object_count])) {
            return refuse_slot(reading, slot, JSON_MALFORMED);
        }
        parcel->object_count++;
        pile->count++;
    }
    return true;
}

static bool read_ids(struct reading *reading, const struct slot *slot, const json_t *ids)
{
    struct keys_parcel *parcel = reading->parcel;
    struct keys_pile *pile = add_pile(reading, slot);

    if (!json_is_array(ids)) {
        return refuse_slot(reading, slot, JSON_MALFORMED);
    }
    if (json_array_size(ids) > LIMIT_KEYS_STORED) { /* each is a statement of the batch */
        return refuse_slot(reading, slot, JSON_OUT_OF_RANGE);
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        size_t before = parcel->bytes.size;
        if (!read_id(slot, json_array_get(ids, i), &parcel->bytes)) {
            return refuse_slot(reading, slot, JSON_MALFORMED);
        }
        parcel->objects[parcel->object_count].id = since(&parcel->bytes, before);
        parcel->object_count++;
        pile->count++;
    }
    return true;
}

typedef bool read_pile_fn(struct reading *reading, const struct slot *slot, const json_t *value);

static bool read_piles(struct reading *reading, json_t *object, read_pile_fn *read_pile)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        const struct slot *slot = slot_of(reading->exchange, reading->slots, bytes_text(name));
        if (slot == NULL || !read_pile(reading, slot, value)) {
            return false;
        }
    }
    return true;
}

static struct keys_pile *find_pile(struct keys_parcel *parcel, const struct slot *slot)
{
    for (size_t i = 0; i < parcel->pile_count; i++) {
        if (parcel->piles[i].slot == slot) {
            return &parcel->piles[i];
        }
    }
    return NULL;
}

static bool read_replace(struct reading *reading, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const struct slot *slot =
            keys_json_slot(reading->exchange, reading->slots, json_array_get(names, i), "replace");
        struct keys_pile *pile = slot == NULL ? NULL : find_pile(reading->parcel, slot);

        if (slot == NULL) {
            return false;
        }
        if (pile == NULL || pile->whole) { /* nothing to replace it with, or named twice */
            problem_of_member(reading->exchange, JSON_OUT_OF_RANGE, "replace");
            return false;
        }
        pile->whole = true;
    }
    return true;
}

static bool read_whole(struct reading *reading, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const struct slot *slot =
            keys_json_slot(reading->exchange, reading->slots, json_array_get(names, i), "slots");

        if (slot == NULL) {
            return false;
        }
        if (find_pile(reading->parcel, slot) != NULL) {
            problem_of_member(reading->exchange, JSON_OUT_OF_RANGE, "slots");
            return false;
        }
        add_pile(reading, slot)->whole = true;
    }
    return true;
}

/* How many elements the arrays in an object have. */
static size_t count_elements(json_t *object)
{
    const char *name;
    json_t *value;
    size_t count = 0;

    json_object_foreach (object, name, value) {
        count += json_array_size(value);
    }
    return count;
}

/* Room for all that the body can hold: no text of a value is shorter than its bytes. */
static void reading_begin(struct reading *reading, size_t object_count)
{
    reading->parcel = keys_parcel_create(object_count);
    buf_reserve(&reading->parcel->bytes,
                exchange_body(reading->exchange).size + object_count * sizeof(uint32_t) + 1);
}

/* End both readings: the parcel, or NULL once something was answered. */
static struct keys_parcel *reading_end(struct reading *reading, struct json_reader *reader,
                                       bool good)
{
    bool whole = json_reader_end(reader);

    if (good && !whole) {
        problem_of_reader(reading->exchange, reader);
    }
    if (good && whole) {
        return reading->parcel;
    }
    keys_parcel_destroy(reading->parcel);
    return NULL;
}

struct keys_parcel *keys_json_read_put(struct exchange *exchange, const struct slots *slots)
{
    struct reading reading = { .exchange = exchange, .slots = slots };
    struct json_reader reader;
    json_t *piles = NULL;
    json_t *replace = NULL;
    int64_t registration_id = 0;
    bool registers = false;
    bool good = true;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    registers = json_may_int(&reader, "registration_id", 0, UINT32_MAX, &registration_id);
    json_need_object(&reader, "slots", &piles);
    (void)json_may_array(&reader, "replace", &replace);
    if (reader.kind == JSON_FINE) {
        reading_begin(&reading, count_elements(piles));
        reading.parcel->has_registration = registers;
        reading.parcel->registration_id = (uint32_t)registration_id;
        good = read_piles(&reading, piles, read_keys) && read_replace(&reading, replace);
    }
    return reading_end(&reading, &reader, good);
}

struct keys_parcel *keys_json_read_removal(struct exchange *exchange, const struct slots *slots)
{
    struct reading reading = { .exchange = exchange, .slots = slots };
    struct json_reader reader;
    json_t *piles = NULL;
    json_t *names = NULL;
    bool good = true;

    (void)json_reader_begin(&reader, exchange_body(exchange));
    if (json_is_array(json_object_get(reader.object, "slots"))) {
        json_need_array(&reader, "slots", &names);
    } else {
        json_need_object(&reader, "slots", &piles);
    }
    if (reader.kind == JSON_FINE) {
        reading_begin(&reading, count_elements(piles));
        good = names != NULL ? read_whole(&reading, names) : read_piles(&reading, piles, read_ids);
    }
    return reading_end(&reading, &reader, good);
}
