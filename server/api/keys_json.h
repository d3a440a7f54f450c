/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JSON, both ways.  Loop thread. */
#pragma once

#include <jansson.h>

#include "common/bytes.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/domain/slots.h"

struct exchange;

/* {NAME: {count, generation, last_resort, ...}}; never key material. */
json_t *keys_json_stock(const struct keys_stock *stock);

/* The id of a key of the slot: a number, or base64url. */
json_t *keys_json_id(const struct slot *slot, struct bytes id);

/*
 * Read {registration_id?, slots: {NAME: [{id, key, signature?, last_resort?}]}, replace?: [NAME]},
 * or {slots: [NAME] | {NAME: [id]}}.  NULL when it was refused, and answered.
 */
struct keys_parcel *keys_json_read_put(struct exchange *exchange, const struct slots *slots);
struct keys_parcel *keys_json_read_removal(struct exchange *exchange, const struct slots *slots);

/*
 * The slot that value, an element of member, names; NULL when it names none: answered with 400 or
 * 422 slot_unknown.
 */
const struct slot *keys_json_slot(struct exchange *exchange, const struct slots *slots,
                                  const json_t *value, const char *member);
