/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/problem.h"

#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"

struct entry {
    const char *code;
    int status;
    const char *title;
    const char *detail;
};

static const struct entry entries[PROBLEM_COUNT] = {
#define PROBLEM(code, status, title, detail) [PROBLEM_##code] = { #code, status, title, detail },
#include "server/http/problem.def"
#undef PROBLEM
};

const char *problem_code(enum problem problem)
{
    return entries[problem].code;
}

int problem_status(enum problem problem)
{
    return entries[problem].status;
}

const char *problem_title(enum problem problem)
{
    return entries[problem].title;
}

const char *problem_detail(enum problem problem)
{
    return entries[problem].detail;
}

void problem_append(struct buf *out, enum problem problem, int retry_after_s, const char *members)
{
    buf_append_format(out,
                      "{\"type\":\"urn:sealpost:problem:%s\",\"title\":", problem_code(problem));
    json_append_quoted(out, bytes_text(problem_title(problem)));
    buf_append_format(out, ",\"status\":%d,\"detail\":", problem_status(problem));
    json_append_quoted(out, bytes_text(problem_detail(problem)));
    if (retry_after_s > 0) {
        buf_append_format(out, ",\"retry_after\":%d", retry_after_s);
    }
    buf_append_text(out, members);
    buf_append_text(out, "}");
}
