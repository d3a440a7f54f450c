/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/welcomes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/mlsmessage.h"
#include "server/domain/purge.h"
#include "server/domain/welcomes_sql.h"
#include "server/store/store.h"

struct finding {
    struct buf welcome; /* which the references borrow */
    struct bytes *references;
    size_t reference_count;
    welcomes_found_fn *done;
    void *arg;
};

static void finish(struct finding *finding, const struct welcomes_found *found)
{
    finding->done(finding->arg, found);
    buf_clear(&finding->welcome);
    free(finding->references);
    free(finding);
}

static bool is_there(const struct device_pub *pubs, size_t count, const struct device_pub *pub)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(pubs[i].raw, pub->raw, sizeof pub->raw) == 0) {
            return true;
        }
    }
    return false;
}

static void on_rows(void *arg, enum store_status status, struct store_rows *rows)
{
    struct finding *finding = arg;
    size_t room = finding->reference_count;
    struct device_pub *pubs = mem_zeroed(room, sizeof *pubs);
    struct bytes *unknown = mem_zeroed(room, sizeof *unknown);
    struct welcomes_found found = { .result = WELCOMES_UNAVAILABLE,
                                    .pubs = pubs,
                                    .unknown = unknown };

    for (size_t i = 0; status == STORE_OK && i < room; i++) {
        store_rows_select(rows, i);
        if (!welcomes_sql_device(rows, &pubs[found.count])) {
            unknown[found.unknown_count] = finding->references[i];
            found.unknown_count++;
        } else if (!is_there(pubs, found.count, &pubs[found.count])) {
            found.count++;
        }
    }
    if (status == STORE_OK) {
        found.result = found.unknown_count == 0 ? WELCOMES_FOUND : WELCOMES_UNKNOWN;
    }
    finish(finding, &found);
    free(pubs);
    free(unknown);
}

void welcomes_find(struct domain *domain, struct bytes welcome, welcomes_found_fn *done, void *arg)
{
    struct finding *finding = mem_zeroed(1, sizeof *finding);
    struct store_batch *batch = NULL;
    struct mlsmessage_welcome read;
    enum mlsmessage_verdict verdict = MLSMESSAGE_READ;

    finding->done = done;
    finding->arg = arg;
    buf_append(&finding->welcome, welcome);
    finding->references = mem_zeroed(LIMIT_WELCOME_MEMBERS, sizeof *finding->references);
    verdict = mlsmessage_read_welcome(buf_view(&finding->welcome), finding->references,
                                      LIMIT_WELCOME_MEMBERS, &read);
    if (verdict != MLSMESSAGE_READ) {
        finish(finding, &(struct welcomes_found){ .result = WELCOMES_INVALID,
                                                  .why = mlsmessage_verdict_text(verdict) });
        return;
    }
    finding->reference_count = read.member_count;
    batch = store_batch_create();
    for (size_t i = 0; i < read.member_count; i++) {
        welcomes_sql_ask(batch, finding->references[i]);
    }
    store_read(domain->store, &batch, on_rows, finding);
}

void welcomes_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "welcomes.purge", .done = done, .arg = arg };
    struct store_batch *batch = welcomes_sql_purge(now_ms / DOMAIN_DAY_MS, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}
