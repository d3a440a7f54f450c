/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of recovery_contacts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/recovery_contacts.h"

struct store_batch;
struct store_rows;

/* Put a share into a slot of an account, in place of what is there. */
void recovery_contacts_sql_put(struct store_batch *batch, int64_t account,
                               const struct recovery_contacts_view *view, struct bytes contact_id,
                               struct bytes sealed);

/* Expect that a slot is taken, and empty it; or empty all. */
void recovery_contacts_sql_expect_remove(struct store_batch *batch, int64_t account, int64_t slot);
void recovery_contacts_sql_end_account(struct store_batch *batch, int64_t account);

/* Ask for the slots of an account that are taken, ascending; the label is borrowed. */
void recovery_contacts_sql_list(struct store_batch *batch, const struct account_id *account_id);
bool recovery_contacts_sql_next(struct store_rows *rows, struct recovery_contacts_view *out);
