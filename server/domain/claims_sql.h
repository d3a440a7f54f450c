/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind claims.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/store.h"

enum {
    CLAIMS_CHECKED_AT_ONCE = 500
};

/* Append that stream is the mailbox's newest; expected to find it, yields its counters. */
void claims_sql_take(struct store_batch *batch, int64_t mailbox, int64_t stream);

struct claim_row {
    int64_t mailbox;
    int64_t last; /* seq given in it */
    int64_t stream;
};

/* Append the read of up to CLAIMS_CHECKED_AT_ONCE mailboxes. */
void claims_sql_ask(struct store_batch *batch, const int64_t *mailboxes, size_t count);
bool claims_sql_row(struct store_rows *rows, struct claim_row *out);

/* Append the read of the oldest seqs that wait in a mailbox. */
void claims_sql_ask_waiting(struct store_batch *batch, int64_t mailbox);

/* Take at most HUB_WAITING_MAX of them; returns up to which seq they are all. */
int64_t claims_sql_waiting(struct store_rows *rows, int64_t *out_seqs, size_t *out_count);
