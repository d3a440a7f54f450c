/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/problem.h"

#include "common/buf.h"
#include "common/bytes.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"

enum {
    RETRY_UNAVAILABLE_S = 2, /* a store that restarts is back in about that time */
    RETRY_FULL_S = 30        /* a disk is not emptied faster */
};

void problem_of_member(struct exchange *exchange, enum json_fault_kind kind, const char *member)
{
    enum problem code = kind == JSON_OUT_OF_RANGE ? PROBLEM_value_invalid : PROBLEM_malformed;
    struct buf members = { 0 };

    buf_append_text(&members, ",\"member\":");
    json_append_quoted(&members, bytes_text(member));
    buf_append_u8(&members, '\0');
    exchange_reply_problem(exchange, code, 0, (const char *)members.at);
    buf_clear(&members);
}

void problem_of_reader(struct exchange *exchange, const struct json_reader *reader)
{
    problem_of_member(exchange, reader->kind, reader->fault);
}

void problem_of_manifest(struct exchange *exchange, enum manifest_verdict verdict)
{
    struct buf members = { 0 };

    buf_append_format(&members, ",\"rule\":%d,\"reason\":", (int)verdict);
    json_append_quoted(&members, bytes_text(manifest_verdict_text(verdict)));
    buf_append_u8(&members, '\0');
    exchange_reply_problem(exchange, PROBLEM_manifest_invalid, 0, (const char *)members.at);
    buf_clear(&members);
}

void problem_of_store(struct exchange *exchange, bool full)
{
    if (full) {
        exchange_reply_problem(exchange, PROBLEM_storage_full, RETRY_FULL_S, "");
    } else {
        exchange_reply_problem(exchange, PROBLEM_unavailable, RETRY_UNAVAILABLE_S, "");
    }
}
