/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict door of the HTTP parser: reads a request's head byte by byte and
 * refuses whatever two parsers might read in two ways (RFC 9112 sections 2.2,
 * 3, 5 and 11.2), and every head over a limit of common/limits.h.  What it lets
 * pass is: at most one empty line, a request line of a known method, an
 * origin-form target and version 1.0 or 1.1, and field lines of token names and
 * values without control bytes, each ended by CRLF.
 *
 * Pure; the verdict does not depend on how the bytes were cut.  Any thread.
 */
#pragma once

#include <stdint.h>

#include "common/bytes.h"
#include "server/http/problem.h"

enum parse_step {
    PARSE_DONE = 0,
    PARSE_MORE, /* fine so far, give more */
    PARSE_BAD,  /* refuse and close */
};

/* Zero it before a request's first byte. */
struct guard {
    uint16_t size; /* bytes looked at; when done, the size of the head with its empty line */
    uint16_t method_at;
    uint16_t target_at;
    uint16_t field_count;
    uint8_t state;
    uint8_t version_at;
    uint8_t minor; /* of the version */
};

/*
 * Look at what input has beyond guard->size.  input begins at the request's
 * first byte, in every call.  PARSE_BAD leaves the problem to answer in
 * *out_problem: bad_request, target_too_long, head_too_large, not_implemented or
 * version_not_supported.
 */
enum parse_step guard_scan(struct guard *guard, struct bytes input, enum problem *out_problem);
