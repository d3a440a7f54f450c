/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross-origin requests of web pages (the Fetch standard, section 3.2): which
 * origins may call, and what a page may read of an answer.  origins is the
 * option cors_origins: comma-separated, "*" for all, "" for none.  Pure.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"

struct buf;

/* Say whether pages of origin may call. */
bool cors_allows(const char *origins, struct bytes origin);

/* Append the fields of an answer to a request from origin (size 0: no page). */
void cors_append(struct buf *out, const char *origins, struct bytes origin);

/* Append the fields of an answer to a preflight, besides those of cors_append. */
void cors_append_preflight(struct buf *out, struct bytes methods);
