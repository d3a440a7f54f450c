/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/factors_json.h"

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factors.h"

static json_t *view_json(const struct factors_view *view)
{
    json_t *object =
        json_pack("{s:o, s:s, s:b, s:o, s:I}", "factor_id",
                  json_base64url(bytes_of(view->factor_id.raw, sizeof view->factor_id.raw)), "kind",
                  factor_kind_text(view->kind), "confirmed", view->is_confirmed ? 1 : 0, "label",
                  json_base64url(view->label), "created_at", (json_int_t)view->created_at);

    if (view->kind == FACTOR_RECOVERY_CODE) {
        (void)json_object_set_new(object, "codes_left", json_integer(view->codes_left));
    }
    return object;
}

json_t *factors_json(const struct factors_view *views, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, view_json(&views[i]));
    }
    return array;
}
