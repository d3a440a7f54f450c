/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where daemons share the database, each recognises the repeats of what it wrote
 * itself from memory (dedup.h), and what others wrote by its rows.  A mailbox in
 * memory knows up to which seq the names of all rows are in memory; the append
 * looks at the rows behind that.  When others write much there, their names are
 * read, so that it stays a few rows.  Loop thread.
 */
#pragma once

#include <stdint.h>

#include "common/ids.h"

struct domain;
struct mailbox;
struct store_batch;
struct store_rows;

/* Append the read of the lately stored names of a mailbox to the batch that reads its row. */
void names_ask(struct store_batch *batch, const struct device_pub *pub);

/* Take the names of rows into memory. */
void names_take(struct domain *domain, struct store_rows *rows);

/*
 * Note that this daemon's append was given seq, after before: the names in between
 * are others'.  When they are many, they are read.
 */
void names_wrote(struct domain *domain, struct mailbox *mailbox, int64_t before, int64_t seq);

/* Nobody knows whether a write was committed: what memory knows of the mailbox is not all. */
void names_doubt(struct mailbox *mailbox);
