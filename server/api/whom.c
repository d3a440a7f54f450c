/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/whom.h"

#include "common/bytes.h"

bool whom_read(struct json_reader *reader, struct account_id *out_account_id,
               struct handle *out_handle)
{
    struct bytes text = { 0 };
    bool has_account =
        json_may_exact(reader, "account_id", out_account_id->raw, sizeof out_account_id->raw);

    if (json_may_text(reader, "handle", &text)) {
        if (has_account || !handle_read(text, out_handle)) {
            json_reader_fail(reader, JSON_OUT_OF_RANGE, "handle");
        }
        return true;
    }
    if (!has_account && reader->kind == JSON_FINE) {
        json_reader_fail(reader, JSON_MALFORMED, "account_id");
    }
    return false;
}
