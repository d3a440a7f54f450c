/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/holds_json.h"

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/domain/holds.h"

static json_t *hold_json(const struct hold *hold)
{
    json_t *json = json_pack("{s:s, s:I, s:I}", "kind",
                             hold->kind == HOLD_MANIFEST ? "manifest" : "erasure", "device_id",
                             (json_int_t)hold->signer, "held_until", (json_int_t)hold->held_until);

    if (hold->kind == HOLD_MANIFEST) {
        (void)json_object_set_new(json, "epoch", json_integer((json_int_t)hold->epoch));
        (void)json_object_set_new(json, "hash",
                                  json_base64url(bytes_of(hold->hash.raw, sizeof hold->hash.raw)));
        (void)json_object_set_new(json, "manifest", json_base64url(hold->signed_bytes));
    }
    return json;
}

json_t *holds_json(const struct hold *holds, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, hold_json(&holds[i]));
    }
    return array;
}
