/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of links, link_messages and link_prompts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/links.h"

struct store_batch;
struct store_rows;

struct links_row {
    struct link_id link_id;
    struct link_token_hash token_hash;
    int64_t subject; /* 0: it asks nobody */
    int64_t account; /* 0: nobody's yet, or a decoy */
    enum link_state state;
    int64_t version;
    struct bytes entry;
    struct bytes name;
    uint32_t device_id;
    int64_t mailbox;
    struct device_pub device_pub;
    struct bytes candidate;
    int64_t expires_at;
    struct account_id account_id; /* read alone, and when account is not 0 */
};

/* Expect that less than max links are under way, and put one. */
void links_sql_put(struct store_batch *batch, const struct links_row *row, int64_t now_s,
                   int64_t max);

/* Ask for a link, and behind it for its messages in order. */
void links_sql_ask(struct store_batch *batch, const struct link_id *link_id);
bool links_sql_row(struct store_rows *rows, struct links_row *out);
bool links_sql_next_message(struct store_rows *rows, struct links_message *out);

/* The links of an account that are under way, oldest first. */
struct store_batch *links_sql_list(int64_t account, int64_t now_s, size_t limit);

/* What a step expects of the link and makes of it, if the version is still the one seen. */
struct links_change {
    const struct link_id *link_id;
    int64_t version;
    int64_t now_s;
};

/*
 * Expect that a side may speak: the new device by its token, the other by its mailbox; and say it.  The
 * first statement yields the state.
 */
void links_sql_say_new(struct store_batch *batch, const struct links_change *change,
                       const struct link_token_hash *token_hash, struct bytes body);
void links_sql_say_old(struct store_batch *batch, const struct links_change *change,
                       int64_t mailbox, struct bytes body);
enum link_state links_sql_said(struct store_rows *rows);

/* Expect that the device may claim it, its account having less than max, and claim it. */
void links_sql_claim(struct store_batch *batch, const struct links_change *change,
                     const struct links_actor *actor, int64_t max);

/* Expect that it is under way and still whose it was (account), and deny it for by (0: nobody). */
void links_sql_deny(struct store_batch *batch, const struct links_change *change, int64_t account,
                    int64_t by);

/* Expect that the device claimed it and it waits for a candidate or has one, and put this one. */
void links_sql_candidate(struct store_batch *batch, const struct links_change *change,
                         int64_t mailbox, struct bytes signed_bytes);

/* Expect that it has this candidate, and end it. */
void links_sql_finish(struct store_batch *batch, const struct links_change *change);

/* Expect that it is over and was not ended, and end it. */
void links_sql_expire(struct store_batch *batch, const struct links_change *change);

/* Up to limit links of accounts that are over and were not ended. */
struct store_batch *links_sql_ask_over(int64_t now_s, size_t limit);

/* Expect that the subject was asked less than max times since, and note that it is; then when. */
void links_sql_prompt(struct store_batch *batch, const struct links_row *row, int64_t now_s);
struct store_batch *links_sql_ask_prompts(int64_t subject);
bool links_sql_next_prompt(struct store_rows *rows, int64_t *out_at);

/* What an account began becomes nobody's, what it claimed is denied; the prompts at it go. */
void links_sql_end_account(struct store_batch *batch, int64_t account, int64_t subject);

/* Forget up to limit rows: links that are over since before_s, messages of no link, prompts. */
struct store_batch *links_sql_purge(int64_t before_s, size_t limit);
struct store_batch *links_sql_purge_prompts(int64_t before_s, size_t limit);
