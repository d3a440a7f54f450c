/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions come in order of their device, so each device's stand together in one array. */
#include "server/domain/report.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "server/domain/domain.h"
#include "server/domain/handles.h"
#include "server/domain/handles_sql.h"
#include "server/domain/report_sql.h"
#include "server/domain/txns.h"
#include "server/store/store.h"

struct making {
    const struct domain *domain;
    report_made_fn *done;
    void *arg;
};

static void note_session(struct report *report, uint32_t device_id, size_t index)
{
    for (size_t i = 0; i < report->device_count; i++) {
        struct report_device *device = &report->devices[i];

        if (device->device_id == device_id) {
            device->session_first = device->session_count == 0 ? index : device->session_first;
            device->session_count++;
        }
    }
}

/* Return the expiries, in the caller's keeping. */
static int64_t *fill_sessions(struct store_rows *rows, struct report *report)
{
    uint32_t device_id = 0;
    int64_t expires_at = 0;
    size_t count = 0;
    int64_t *expiries = NULL;

    report_sql_turn_to_sessions(rows);
    while (report_sql_next_session(rows, &device_id, &expires_at)) {
        count++;
    }
    expiries = mem_zeroed(count, sizeof *expiries);
    report_sql_turn_to_sessions(rows);
    for (size_t i = 0; report_sql_next_session(rows, &device_id, &expires_at); i++) {
        expiries[i] = expires_at;
        note_session(report, device_id, i);
    }
    return expiries;
}

static void fill_handles(const struct domain *domain, struct store_rows *rows,
                         struct report *report)
{
    struct handle_binding binding;
    struct handle_key key;
    struct bytes sealed = { 0 };
    struct buf opened = { 0 };
    int64_t seq = 0;

    report_sql_turn_to_handles(rows);
    while (report->handle_count < REPORT_HANDLES_MAX &&
           handles_sql_next(rows, &key, &seq, &sealed)) {
        struct report_handle *handle = &report->handles[report->handle_count];

        handle->seq = seq;
        buf_empty(&opened);
        if (handles_open(domain, &key, sealed, &opened) &&
            handle_binding_read(buf_view(&opened), &binding)) {
            handle->handle = binding.handle;
        }
        report->handle_count++;
    }
    buf_clear(&opened);
}

static void on_rows(void *arg, enum store_status status, struct store_rows *rows)
{
    struct making *making = arg;
    struct report *report = mem_zeroed(1, sizeof *report);
    int64_t *expiries = NULL;
    bool known = status == STORE_OK && report_sql_fill(rows, report);

    if (known) {
        expiries = fill_sessions(rows, report);
        report->session_expiries = expiries;
        fill_handles(making->domain, rows, report);
    }
    making->done(making->arg, status == STORE_OK, known ? report : NULL);
    free(expiries);
    free(report);
    free(making);
}

void report_make(struct domain *domain, const struct account_id *account_id, report_made_fn *done,
                 void *arg)
{
    struct making *making = mem_zeroed(1, sizeof *making);
    struct store_batch *batch = report_sql_ask(account_id, txns_subject(domain, account_id));

    making->domain = domain;
    making->done = done;
    making->arg = arg;
    store_read(domain->store, &batch, on_rows, making);
}
