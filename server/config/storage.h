/* SPDX-License-Identifier: Apache-2.0 */
/* The value of storage: which engine, and where.  Pure; any thread. */
#pragma once

#include <stdbool.h>

struct buf;

/* NULL when it names an engine as that engine takes it, else what is wrong (static text). */
const char *storage_fault(const char *storage);

/* Say whether it is the URL of a PostgreSQL database. */
bool storage_is_postgres(const char *storage);

/* Append it with *** for a password, for everything that is shown. */
void storage_mask(const char *storage, struct buf *out);
