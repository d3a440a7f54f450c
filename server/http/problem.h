/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of problem codes (RFC 9457).  type is urn:sealpost:problem:<code>;
 * detail tells the person what to do.  problem.def has lines
 *   PROBLEM(code, status, "title", "detail")
 */
#pragma once

enum problem {
#define PROBLEM(code, status, title, detail) PROBLEM_##code,
#include "server/http/problem.def"
#undef PROBLEM
    PROBLEM_COUNT
};

/* Parts of a problem.  Static. */
const char *problem_code(enum problem problem);
int problem_status(enum problem problem);
const char *problem_title(enum problem problem);
const char *problem_detail(enum problem problem);

struct buf;

/*
 * Append the whole application/problem+json document.  members is "" or JSON
 * members with a leading comma; retry_after_s > 0 adds retry_after.
 */
void problem_append(struct buf *out, enum problem problem, int retry_after_s, const char *members);
