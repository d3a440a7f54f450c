/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of mls_references; a claim of keys writes them (keys_claim_sql.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"

struct store_batch;
struct store_rows;

/* Ask for the device of a reference. */
void welcomes_sql_ask(struct store_batch *batch, struct bytes reference);
bool welcomes_sql_device(struct store_rows *rows, struct device_pub *out);

/* Forget all references of a device. */
void welcomes_sql_forget(struct store_batch *batch, int64_t mailbox);

/* Forget up to limit references that are free on that day. */
struct store_batch *welcomes_sql_purge(int64_t today, size_t limit);
