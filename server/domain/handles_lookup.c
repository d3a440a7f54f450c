/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding.  Whatever is asked for costs one read of one index and one opening of
 * a sealed value: what there is not opens a value that nobody sealed.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/handle.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/seal.h"
#include "server/domain/domain.h"
#include "server/domain/handles.h"
#include "server/domain/handles_sql.h"
#include "server/domain/sealed.h"
#include "server/store/store.h"

struct lookup {
    const struct domain *domain;
    struct handle_key key;
    handles_found_fn *done;
    void *arg;
};

static void open_nothing(const struct lookup *lookup)
{
    const struct seal_place place =
        sealed_place(SEALED_BINDING, bytes_of(lookup->key.raw, sizeof lookup->key.raw));

    seal_open_decoy(lookup->domain->seal, &place, HANDLE_BINDING_MAX_BYTES);
}

static void on_rows(void *arg, enum store_status status, struct store_rows *rows)
{
    struct lookup *lookup = arg;
    struct handles_found found;
    struct bytes sealed = { 0 };
    struct buf binding = { 0 };
    bool ok = status == STORE_OK;
    bool known = ok && handles_sql_found(rows, &found.account_id, &sealed);

    if (known) {
        ok = handles_open(lookup->domain, &lookup->key, sealed, &binding);
        found.binding = buf_view(&binding);
    } else {
        open_nothing(lookup);
    }
    lookup->done(lookup->arg, ok, known && ok ? &found : NULL);
    buf_clear(&binding);
    free(lookup);
}

void handles_lookup(struct domain *domain, const struct handle *handle, handles_found_fn *done,
                    void *arg)
{
    struct lookup *lookup = mem_zeroed(1, sizeof *lookup);
    struct store_batch *batch = NULL;

    lookup->domain = domain;
    handles_key(domain, handle, &lookup->key);
    lookup->done = done;
    lookup->arg = arg;
    metrics_add(METRIC_handles_looked_up, 1);
    batch = handles_sql_find(&lookup->key);
    store_read(domain->store, &batch, on_rows, lookup);
}
