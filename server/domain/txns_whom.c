/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/txns_whom.h"

#include <stddef.h>

#include "server/domain/domain.h"
#include "server/domain/handles.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

struct txns_whom txns_whom_of(const struct handle *handle, const struct account_id *account_id)
{
    struct txns_whom whom = { .by_handle = handle != NULL };

    if (handle != NULL) {
        whom.handle = *handle;
    } else {
        whom.account_id = *account_id;
    }
    return whom;
}

struct store_batch *txns_whom_ask(const struct domain *domain, const struct txns_whom *whom)
{
    struct handle_key key;

    if (!whom->by_handle) {
        return txns_sql_find_account(&whom->account_id);
    }
    handles_key(domain, &whom->handle, &key);
    return txns_sql_find_handle(&key);
}

bool txns_whom_read(const struct domain *domain, const struct txns_whom *whom,
                    struct store_rows *rows, struct txns_person *out_person, int64_t *out_subject)
{
    bool known = txns_sql_person(rows, out_person);

    if (known) {
        *out_subject = txns_subject(domain, &out_person->account_id);
    } else if (whom->by_handle) {
        *out_subject = txns_subject_of_handle(domain, &whom->handle);
    } else {
        *out_subject = txns_subject(domain, &whom->account_id);
    }
    return known;
}
