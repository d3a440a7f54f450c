/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of mls_groups. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/domain/mls_groups.h"
#include "server/store/store.h"

/* Ask for a group. */
struct mls_groups_row {
    int64_t epoch;
    bool commit_known;
    struct mls_hash commit;
};
void mls_groups_sql_ask(struct store_batch *batch, const struct mls_hash *group);
bool mls_groups_sql_row(struct store_rows *rows, struct mls_groups_row *out);

/* Expect that the group is at epoch, or new, and put it to the next. */
struct mls_groups_step {
    const struct mls_hash *group;
    const struct mls_hash *commit;
    int64_t epoch;
    struct bytes members;
    int64_t today;
};
void mls_groups_sql_advance(struct store_batch *batch, const struct mls_groups_step *step);

/* Expect that member is one, and that commit was the last one when it is not NULL; put the epoch. */
void mls_groups_sql_reset(struct store_batch *batch, const struct mls_groups_step *step,
                          const uint8_t member[MLS_MEMBER_BYTES]);

/* Say whether member is one of the group: a row when it is. */
void mls_groups_sql_ask_member(struct store_batch *batch, const struct mls_hash *group,
                               const uint8_t member[MLS_MEMBER_BYTES]);

/* Delete up to limit groups not seen since that day. */
struct store_batch *mls_groups_sql_purge(int64_t before_day, size_t limit);
