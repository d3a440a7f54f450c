/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/sealed.h"

#include <stddef.h>

#include "common/check.h"

/* What is authenticated with each value: a name that changes makes all that was sealed unreadable. */
static const struct {
    const char *table;
    const char *column;
} names[SEALED_COLUMNS] = {
    [SEALED_FACTOR_SECRET] = { "factors", "secret" },
    [SEALED_CODE] = { "txn_challenges", "code" },
    [SEALED_BINDING] = { "handles", "binding" },
    [SEALED_SHARE] = { "recovery_contacts", "share" },
};

struct seal_place sealed_place(enum sealed_column column, struct bytes row)
{
    CHECK(column < SEALED_COLUMNS && names[column].table != NULL);
    return (struct seal_place){
        .table = names[column].table,
        .column = names[column].column,
        .row = row,
    };
}
