/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind envelopes.c, gaps.c and janitor.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/store/store.h"

struct envelope_row {
    int64_t seq;
    int64_t mailbox;
    int64_t flags;
    int64_t minute;
    int64_t expires_at;
    int64_t own_ttl;
    uint64_t tag;
    struct envelope_id id;
    struct bytes stored; /* borrowed until the batch is done */
};

enum {
    ENVELOPE_FLAG_URGENT = 1,
    ENVELOPE_FLAG_SHOWN = 2 /* a gap that a read has shown */
};
enum {
    ENVELOPE_TTL_LONGEST = 0,
    ENVELOPE_TTL_OWN = 1,
    ENVELOPE_TTL_NONE = 2
};

/* Expect that the head of account (short integer) has this epoch. */
void envelopes_sql_expect_head(struct store_batch *batch, int64_t account, uint64_t epoch);

/* Append a copy; expected to find its mailbox open. */
void envelopes_sql_append(struct store_batch *batch, const struct envelope_row *row);

/* Append a gap row, or write a gap row anew; both are expected to find what they name. */
void envelopes_sql_append_gap(struct store_batch *batch, const struct envelope_row *row);
void envelopes_sql_merge_gap(struct store_batch *batch, int64_t mailbox, int64_t seq,
                             struct bytes stored);

/* Delete one envelope that is lost; expected to be there still. */
void envelopes_sql_lose(struct store_batch *batch, int64_t mailbox, int64_t seq);

/* A row of what may be lost, or of what was sent lately. */
struct envelope_head_row {
    int64_t seq;
    int64_t mailbox;
    int64_t minute;
    int64_t stored_bytes;
    uint64_t tag;
    struct envelope_id id;
    struct device_pub pub;
};

/* Read up to limit envelopes newest first below seq: for dedup after a start. */
void envelopes_sql_recent(struct store_batch *batch, int64_t below, int64_t limit);
bool envelopes_sql_recent_row(struct store_rows *rows, struct envelope_head_row *out);

/* Read up to limit expired envelopes with a life of their own, and the oldest of the others. */
void envelopes_sql_expired(struct store_batch *batch, int64_t now_s, int64_t limit);
void envelopes_sql_oldest(struct store_batch *batch, int64_t from_seq, int64_t limit);
bool envelopes_sql_loss_row(struct store_rows *rows, struct envelope_head_row *out,
                            int64_t *out_expires_at);

/* Read up to limit oldest envelopes of one mailbox, in the same columns. */
void envelopes_sql_oldest_of(struct store_batch *batch, int64_t mailbox, int64_t limit);
