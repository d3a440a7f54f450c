/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's head, read by llhttp after guard.h let it pass, and judged by the
 * rules on what frames a message (RFC 9112 section 6): one Host, one plain
 * Content-Length or one plain "chunked", never both.
 *
 * A head is kept as spans of the bytes it was read from, so that reading
 * allocates nothing and the bytes may move.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/limits.h"
#include "server/http/problem.h"

struct head_span {
    uint16_t at;
    uint16_t size;
};

struct head_field {
    struct head_span name;
    struct head_span value; /* without the white space around it */
};

struct head {
    struct head_span method;
    struct head_span target;
    uint64_t length; /* of the body when it is not chunked */
    bool chunked;    /* the body comes in chunks */
    bool keep_alive; /* as version and Connection say */
    bool http10;
    bool expects_continue; /* Expect: 100-continue */
    bool expects_other;    /* another expectation: 417 */
    bool coded;            /* a Content-Encoding other than identity: 415 */
    bool repeats;          /* some field name stands twice */
    uint16_t field_count;
    struct head_field fields[LIMIT_HEAD_FIELDS];
};

/*
 * Read a whole head, as guard_scan measured it.  False with bad_request or
 * not_implemented in *out_problem when its message cannot be framed.
 */
bool parser_read(struct bytes bytes, struct head *out, enum problem *out_problem);

/* View the bytes of a span. */
static inline struct bytes head_view(struct bytes bytes, struct head_span span)
{
    return bytes_of(bytes.at + span.at, span.size);
}

/* Say whether both hold the same letters; lower_name is text.size bytes in lower case. */
bool head_same_letters(struct bytes text, const char *lower_name);

/* Say whether text is lower_name, in any case of letters. */
static inline bool head_name_is(struct bytes text, const char *lower_name)
{
    return text.size == strlen(lower_name) && head_same_letters(text, lower_name);
}

/* Step through the members of a comma-separated value; false at its end. */
bool head_next_member(struct bytes *rest, struct bytes *out);
