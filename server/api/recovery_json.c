/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/recovery_json.h"

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/sas.h"
#include "server/domain/recoveries.h"
#include "server/domain/recovery_contacts.h"

static json_t *view_json(const struct recoveries_view *view)
{
    const struct bytes id = bytes_of(view->recovery_id.raw, sizeof view->recovery_id.raw);

    return json_pack("{s:o, s:s, s:I, s:I, s:I}", "recovery_id", json_base64url(id), "state",
                     recoveries_state_text(view->state), "created_at", (json_int_t)view->created_at,
                     "wait_until", (json_int_t)view->wait_until, "expires_at",
                     (json_int_t)view->expires_at);
}

json_t *recoveries_json(const struct recoveries_view *views, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, view_json(&views[i]));
    }
    return array;
}

json_t *recovery_json(const struct recoveries_view *view)
{
    json_t *object = view_json(view);

    (void)json_object_set_new(object, "public_key",
                              json_base64url(bytes_of(view->public_key, sizeof view->public_key)));
    (void)json_object_set_new(object, "exchange", json_integer(view->exchange));
    (void)json_object_set_new(object, "packet", json_boolean(view->has_packet));
    if (view->has_commit) {
        (void)json_object_set_new(
            object, "commit", json_base64url(bytes_of(view->commit.raw, sizeof view->commit.raw)));
    }
    if (view->has_contact_random) {
        (void)json_object_set_new(
            object, "contact_random",
            json_base64url(bytes_of(view->contact_random.raw, sizeof view->contact_random.raw)));
    }
    if (view->has_random) {
        (void)json_object_set_new(
            object, "random", json_base64url(bytes_of(view->random.raw, sizeof view->random.raw)));
    }
    return object;
}

json_t *recovery_contacts_json(const struct recovery_contacts_view *views, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array,
                                    json_pack("{s:I, s:o, s:I}", "slot", (json_int_t)views[i].slot,
                                              "label", json_base64url(views[i].label), "created_at",
                                              (json_int_t)views[i].created_at));
    }
    return array;
}
