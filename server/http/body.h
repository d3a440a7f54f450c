/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's body: Content-Length bytes, or chunks (RFC 9112 section 7.1) in
 * the strictest form: a size of one to eight hex digits, CRLF, the data, CRLF.
 * Chunk extensions and trailers are refused; nobody here would read them, and
 * proxies differ about where they end.
 *
 * Pure; the verdict does not depend on how the bytes were cut.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/http/guard.h"
#include "server/http/problem.h"

struct body {
    size_t left; /* bytes of the body, or of the present chunk, still to come */
    size_t max;  /* more than this all together: too_large */
    size_t taken;
    uint8_t state;
    uint8_t digits; /* of the present chunk size */
};

/* Begin a body of length bytes, which is not above max, or one in chunks. */
void body_begin(struct body *body, bool chunked, size_t length, size_t max);

/*
 * Take from input, append the data to out, say in *out_used how much of input is
 * taken.  PARSE_BAD: bad_request, or too_large when the chunks pass max.
 */
enum parse_step body_take(struct body *body, struct bytes input, size_t *out_used, struct buf *out,
                          enum problem *out_problem);
