/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/problem.h"

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
