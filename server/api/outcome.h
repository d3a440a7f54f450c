/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the end of a send is told, alike over HTTP and on the stream: a status and
 * a JSON document.  Loop thread.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "server/domain/envelopes.h"
#include "server/http/problem.h"

/* Say whether outcome is a success; else *out_problem names what it is. */
bool outcome_is_success(const struct envelope_outcome *outcome, enum problem *out_problem);

/* Append the members of a problem, each with a leading comma. */
void outcome_append_members(const struct envelope_outcome *outcome, struct buf *out);

/* Append the document of a success; returns its status, 201 or 202. */
int outcome_append_success(const struct envelope_outcome *outcome, struct buf *out);

/* Seconds after which to try again; 0 for outcomes where that does not help. */
int outcome_retry_s(const struct envelope_outcome *outcome, enum problem problem);
