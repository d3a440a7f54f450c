/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/outcome.h"

#include <inttypes.h>
#include <stddef.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"

enum {
    RETRY_UNAVAILABLE_S = 2,
    RETRY_FULL_S = 30
};

bool outcome_is_success(const struct envelope_outcome *outcome, enum problem *out_problem)
{
    switch (outcome->result) {
    case ENVELOPE_STORED:
    case ENVELOPE_PASSED:
        return true;
    case ENVELOPE_VALUE_INVALID:
        *out_problem = PROBLEM_value_invalid;
        return false;
    case ENVELOPE_TOO_LARGE:
        *out_problem = PROBLEM_too_large;
        return false;
    case ENVELOPE_RATE_LIMITED:
        *out_problem = PROBLEM_rate_limited;
        return false;
    case ENVELOPE_PLAINTEXT:
        *out_problem = PROBLEM_plaintext_refused;
        return false;
    case ENVELOPE_OFF_BUCKET:
        *out_problem = PROBLEM_size_bucket;
        return false;
    case ENVELOPE_LIST_MISMATCH:
        *out_problem = PROBLEM_device_list_mismatch;
        return false;
    case ENVELOPE_UNKNOWN:
        *out_problem = PROBLEM_recipient_unknown;
        return false;
    case ENVELOPE_MAILBOX_FULL:
        *out_problem = PROBLEM_mailbox_full;
        return false;
    case ENVELOPE_OVERTAKEN: /* whoever let something ride along has answered it */
        *out_problem = PROBLEM_unavailable;
        return false;
    case ENVELOPE_STORAGE_FULL:
        *out_problem = PROBLEM_storage_full;
        return false;
    case ENVELOPE_UNAVAILABLE:
        *out_problem = PROBLEM_unavailable;
        return false;
    }
    CHECK_UNREACHABLE();
}

static void append_list(struct buf *out, const char *name, const struct envelope_list *list)
{
    buf_append_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < list->count; i++) {
        buf_append_text(out, i == 0 ? "\"" : ",\"");
        base64url_encode(bytes_of(list->at[i].raw, sizeof list->at[i].raw), out);
        buf_append_u8(out, '"');
    }
    buf_append_u8(out, ']');
}

static void append_head(struct buf *out, const struct envelope_outcome *outcome)
{
    buf_append_format(out, ",\"head\":{\"epoch\":%" PRIu64 ",\"hash\":\"", outcome->head_epoch);
    base64url_encode(bytes_of(outcome->head_hash.raw, sizeof outcome->head_hash.raw), out);
    buf_append_text(out, "\"}");
}

void outcome_append_members(const struct envelope_outcome *outcome, struct buf *out)
{
    switch (outcome->result) {
    case ENVELOPE_VALUE_INVALID:
        buf_append_format(out, ",\"member\":\"%s\"", outcome->member);
        return;
    case ENVELOPE_TOO_LARGE:
        buf_append_format(out, ",\"max\":%" PRId64, outcome->max);
        return;
    case ENVELOPE_RATE_LIMITED:
        append_list(out, "limited", &outcome->limited);
        return;
    case ENVELOPE_LIST_MISMATCH:
        append_list(out, "missing", &outcome->missing);
        append_list(out, "extra", &outcome->extra);
        append_list(out, "stale", &outcome->stale);
        append_head(out, outcome);
        return;
    case ENVELOPE_UNKNOWN:
        append_list(out, "unknown", &outcome->unknown);
        return;
    case ENVELOPE_MAILBOX_FULL:
        append_list(out, "full", &outcome->full);
        append_list(out, "closed", &outcome->closed);
        return;
    case ENVELOPE_STORED:
    case ENVELOPE_PASSED:
    case ENVELOPE_PLAINTEXT:
    case ENVELOPE_OFF_BUCKET:
    case ENVELOPE_OVERTAKEN:
    case ENVELOPE_STORAGE_FULL:
    case ENVELOPE_UNAVAILABLE:
        return;
    }
}

int outcome_append_success(const struct envelope_outcome *outcome, struct buf *out)
{
    static const char one_stored[] = "{\"stored\":1,\"duplicates\":[],\"full\":[],\"closed\":[]}";

    if (outcome->result == ENVELOPE_PASSED) {
        buf_append_format(out, "{\"sent\":%zu}", outcome->stored);
        return 202;
    }
    if (outcome->stored == 1 && outcome->duplicates.count == 0 && outcome->full.count == 0 &&
        outcome->closed.count == 0) {
        buf_append(out, bytes_of(one_stored, sizeof one_stored - 1));
        return 201;
    }
    buf_append_format(out, "{\"stored\":%zu", outcome->stored);
    append_list(out, "duplicates", &outcome->duplicates);
    append_list(out, "full", &outcome->full);
    append_list(out, "closed", &outcome->closed);
    buf_append_u8(out, '}');
    return 201;
}

int outcome_retry_s(const struct envelope_outcome *outcome, enum problem problem)
{
    if (problem == PROBLEM_rate_limited) {
        return outcome->retry_s;
    }
    if (problem == PROBLEM_unavailable) {
        return RETRY_UNAVAILABLE_S;
    }
    return problem == PROBLEM_storage_full ? RETRY_FULL_S : 0;
}
