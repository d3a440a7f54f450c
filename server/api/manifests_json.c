/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/manifests_json.h"

#include <stddef.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "server/domain/manifests.h"

json_t *manifests_json(const struct account_id *account_id, const struct manifests_page *page)
{
    json_t *manifests = json_array();

    for (size_t i = 0; i < page->count; i++) {
        (void)json_array_append_new(manifests, json_base64url(page->manifests[i]));
    }
    return json_pack("{s:o, s:I, s:o, s:o, s:b}", "account_id",
                     json_base64url(bytes_of(account_id->raw, sizeof account_id->raw)), "epoch",
                     (json_int_t)page->epoch, "hash",
                     json_base64url(bytes_of(page->hash.raw, sizeof page->hash.raw)), "manifests",
                     manifests, "more", page->more ? 1 : 0);
}
