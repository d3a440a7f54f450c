/* SPDX-License-Identifier: Apache-2.0 */
/* What the report reads, in one snapshot. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/report.h"

struct store_rows;

/* Ask for everything on an account; guesses at it are counted for subject (txns.h). */
struct store_batch *report_sql_ask(const struct account_id *account_id, int64_t subject);

/* Fill out from the rows, but for sessions; false when there is no such account. */
bool report_sql_fill(struct store_rows *rows, struct report *out);

/* Turn to the sessions, and step to the next one: in order of device_id, then of expiry. */
void report_sql_turn_to_sessions(struct store_rows *rows);
bool report_sql_next_session(struct store_rows *rows, uint32_t *out_device_id,
                             int64_t *out_expires_at);

/* Turn to the handles, which handles_sql_next reads. */
void report_sql_turn_to_handles(struct store_rows *rows);
