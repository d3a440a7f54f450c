/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How faults of a request and failures of the store become problems, in one
 * place, so that every call answers them alike.  Each function finishes the
 * exchange.  Loop thread.
 */
#pragma once

#include <stdbool.h>

#include "common/json.h"
#include "common/manifest.h"

struct exchange;

/* Answer a reader's fault: 400 malformed or 422 value_invalid, with its member. */
void problem_of_reader(struct exchange *exchange, const struct json_reader *reader);

/* The same for a member that is not JSON: a part of the path or a query parameter. */
void problem_of_member(struct exchange *exchange, enum json_fault_kind kind, const char *member);

/* Answer which rule a manifest breaks: 422 manifest_invalid with rule and a sentence on it. */
void problem_of_manifest(struct exchange *exchange, enum manifest_verdict verdict);

/* Answer that the store did not do it: 503 storage_full when full, else 503 unavailable. */
void problem_of_store(struct exchange *exchange, bool full);
