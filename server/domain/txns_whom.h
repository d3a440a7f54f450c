/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a call without a session is about, and what the database has of that person: transactions,
 * links and recoveries begin with it.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/handle.h"
#include "common/ids.h"

struct domain;
struct store_rows;
struct txns_person;

struct txns_whom {
    bool by_handle;
    struct handle handle;         /* by_handle */
    struct account_id account_id; /* else */
};

/* A handle, or where that is NULL an account.  Copies. */
struct txns_whom txns_whom_of(const struct handle *handle, const struct account_id *account_id);

/* Ask who it is. */
struct store_batch *txns_whom_ask(const struct domain *domain, const struct txns_whom *whom);

/* Read the answer; false when it is nobody, and out_person stays as it is.  There is a subject in
 * either case, which costs the same. */
bool txns_whom_read(const struct domain *domain, const struct txns_whom *whom,
                    struct store_rows *rows, struct txns_person *out_person, int64_t *out_subject);
