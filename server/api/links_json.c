/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/links_json.h"

#include <stddef.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/domain/links.h"

static void set_bytes(json_t *object, const char *member, struct bytes value)
{
    (void)json_object_set_new(object, member, json_base64url(value));
}

json_t *links_json_short(const struct links_view *view)
{
    json_t *object =
        json_pack("{s:o, s:s, s:I, s:I}", "link_id",
                  json_base64url(bytes_of(view->link_id.raw, sizeof view->link_id.raw)), "state",
                  links_state_text(view->state), "version", (json_int_t)view->version, "expires_at",
                  (json_int_t)view->expires_at);

    if (view->name.size > 0) {
        (void)json_object_set_new(object, "name",
                                  json_stringn((const char *)view->name.at, view->name.size));
    }
    if (view->device_id != 0) {
        (void)json_object_set_new(object, "device_id", json_integer(view->device_id));
    }
    return object;
}

json_t *links_json(const struct links_view *view)
{
    json_t *object = links_json_short(view);
    json_t *messages = json_array();

    set_bytes(object, "entry", view->entry);
    if (view->device_id != 0) {
        set_bytes(object, "device_pub",
                  bytes_of(view->device_pub.raw, sizeof view->device_pub.raw));
        set_bytes(object, "account_id",
                  bytes_of(view->account_id.raw, sizeof view->account_id.raw));
    }
    if (view->candidate.size > 0) {
        set_bytes(object, "manifest", view->candidate);
    }
    for (size_t i = 0; i < view->message_count; i++) {
        const struct links_message *message = &view->messages[i];

        (void)json_array_append_new(messages,
                                    json_pack("{s:s, s:o}", "from", message->is_new ? "new" : "old",
                                              "body", json_base64url(message->body)));
    }
    (void)json_object_set_new(object, "messages", messages);
    return object;
}
