/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A claim: judge the signer by the head, write with every rule as a guard, and
 * when the write is refused ask why.  The write comes first, for the answer of a
 * reading would be stale by the time the write ran.
 *
 *   READ HEAD -> answer  (no such ADMIN device, signature wrong)
 *             -> WRITE -> DONE
 *                      -> READ HEAD  (the head moved on, a few times at most)
 *                      -> ASK -> answer (present, taken, another seq), or WRITE
 */
#include "server/domain/handles.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/log.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/seal.h"
#include "server/domain/directory.h"
#include "server/domain/handles_sql.h"
#include "server/domain/sealed.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 4, /* a claim that loses more races than this is told to come again */
};

/* What an expected statement of the write says when it yields nothing. */
enum guard {
    GUARD_SIGNER = 0,
    GUARD_ROOM,
    GUARD_PUT,
    GUARD_COUNT
};

struct claim {
    struct domain *domain;
    struct buf input; /* the binding's text, which the parsed one borrows */
    struct handle_binding binding;
    struct handle_key key;
    uint8_t owner[CRYPTO_SHA256_BYTES];
    int64_t account;
    int64_t now_ms;
    int64_t max;
    int writes;
    handles_done_fn *done;
    void *arg;
};

/* The NUL is part of the label. */
static const char owner_label[] = "sealpost/handle-owner/1";

static void claim_load(struct claim *claim);
static void claim_write(struct claim *claim, const struct directory_device *signer);

void handles_key(const struct domain *domain, const struct handle *handle, struct handle_key *out)
{
    const struct bytes part = bytes_text(handle->text);

    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), &part, 1, out->raw);
}

void handles_owner(const struct domain *domain, const struct handle_key *key,
                   const struct account_id *account_id, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const struct bytes parts[] = { bytes_of(owner_label, sizeof owner_label),
                                   bytes_of(key->raw, sizeof key->raw),
                                   bytes_of(account_id->raw, sizeof account_id->raw) };

    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 3, out);
}

static struct seal_place place_of(const struct handle_key *key)
{
    return sealed_place(SEALED_BINDING, bytes_of(key->raw, sizeof key->raw));
}

bool handles_open(const struct domain *domain, const struct handle_key *key, struct bytes sealed,
                  struct buf *out)
{
    const struct seal_place place = place_of(key);

    if (seal_open(domain->seal, &place, sealed, out)) {
        return true;
    }
    log_error("handles.unreadable", "handle=%s why=\"damaged, or its seal key is not in key_dir\"",
              log_id(bytes_of(key->raw, sizeof key->raw)).text);
    return false;
}

static void finish(struct claim *claim, const struct handles_outcome *outcome)
{
    claim->done(claim->arg, outcome);
    buf_clear(&claim->input);
    free(claim);
}

static void finish_with(struct claim *claim, enum handles_result result)
{
    finish(claim, &(struct handles_outcome){ .result = result });
}

static void finish_at_seq(struct claim *claim, int64_t next_seq)
{
    finish(claim, &(struct handles_outcome){ .result = HANDLES_SEQ, .next_seq = next_seq });
}

static bool is_free_for(const struct claim *claim, const struct handles_row *row)
{
    if (row->account != 0) {
        return row->account == claim->account;
    }
    return row->free_day <= claim->now_ms / DOMAIN_DAY_MS ||
           (row->owner_known && crypto_equal(row->owner, claim->owner, sizeof row->owner));
}

/* Why the name was not given; nothing that stands there explains it when a race was lost. */
static void on_asked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct claim *claim = arg;
    struct handles_row row = { .seq = -1 };

    if (status != STORE_OK) {
        finish_with(claim, HANDLES_UNAVAILABLE);
        return;
    }
    if (handles_sql_row(rows, &row) && !is_free_for(claim, &row)) {
        finish_with(claim, HANDLES_TAKEN);
    } else if (row.seq == claim->binding.seq && row.account == claim->account) {
        finish_with(claim, HANDLES_PRESENT);
    } else if (row.seq + 1 != claim->binding.seq) {
        finish_at_seq(claim, row.seq + 1);
    } else {
        claim_load(claim);
    }
}

static void claim_ask(struct claim *claim)
{
    struct store_batch *batch = store_batch_create();

    handles_sql_ask(batch, &claim->key);
    store_read(claim->domain->store, &batch, on_asked, claim);
}

static void refuse(struct claim *claim, size_t refused_at)
{
    CHECK(refused_at < GUARD_COUNT);
    switch ((enum guard)refused_at) {
    case GUARD_SIGNER:
        claim_load(claim);
        return;
    case GUARD_ROOM:
        finish(claim, &(struct handles_outcome){ .result = HANDLES_TOO_MANY, .max = claim->max });
        return;
    case GUARD_PUT:
        claim_ask(claim);
        return;
    case GUARD_COUNT:
        break;
    }
    CHECK_UNREACHABLE();
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct claim *claim = arg;

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_handles_claimed, 1);
        finish_with(claim, HANDLES_DONE);
        return;
    case STORE_REFUSED:
        refuse(claim, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(claim, HANDLES_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(claim, HANDLES_UNAVAILABLE);
        return;
    }
}

static void claim_write(struct claim *claim, const struct directory_device *signer)
{
    const struct seal_place place = place_of(&claim->key);
    struct store_batch *batch = store_batch_create();
    struct buf sealed = { 0 };

    seal_close(claim->domain->seal, &place, buf_view(&claim->input), &sealed);
    claim->max = claim->domain->settings.handles_per_account;
    handles_sql_expect_signer(batch, claim->account, signer->device_id, &signer->pub);
    handles_sql_expect_room(batch, claim->account, &claim->key, claim->max);
    handles_sql_put(batch, &(struct handles_put){
                               .key = &claim->key,
                               .account = claim->account,
                               .seq = claim->binding.seq,
                               .sealed = buf_view(&sealed),
                               .owner = claim->owner,
                               .today = claim->now_ms / DOMAIN_DAY_MS,
                           });
    buf_clear(&sealed);
    store_submit(claim->domain->store, &batch, on_written, claim);
}

static const struct directory_device *signer_of(const struct claim *claim,
                                                const struct directory_head *head)
{
    for (size_t i = 0; i < head->device_count; i++) {
        const struct directory_device *device = &head->devices[i];
        if (device->device_id == claim->binding.device_id &&
            (device->flags & MANIFEST_DEVICE_ADMIN) != 0) {
            return device;
        }
    }
    return NULL;
}

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct claim *claim = arg;
    const struct directory_device *signer = NULL;

    if (!ok) {
        finish_with(claim, HANDLES_UNAVAILABLE);
        return;
    }
    signer = head == NULL ? NULL : signer_of(claim, head);
    if (signer == NULL) {
        finish_with(claim, HANDLES_NOT_ADMIN);
        return;
    }
    if (!crypto_strict_verify(signer->pub.raw, claim->binding.message, claim->binding.signature)) {
        finish_with(claim, HANDLES_INVALID);
        return;
    }
    claim->account = head->account;
    claim_write(claim, signer);
}

/* Always from the store: another daemon may have moved the head. */
static void claim_load(struct claim *claim)
{
    claim->writes++;
    if (claim->writes > WRITES_MAX) {
        finish_with(claim, HANDLES_UNAVAILABLE);
        return;
    }
    directory_load(claim->domain, &claim->binding.account_id, on_head, claim);
}

void handles_claim(struct domain *domain, const struct handle_binding *binding, struct bytes input,
                   int64_t now_ms, handles_done_fn *done, void *arg)
{
    struct claim *claim = mem_zeroed(1, sizeof *claim);

    claim->domain = domain;
    buf_append(&claim->input, input);
    claim->binding = *binding;
    claim->binding.message = bytes_of(claim->input.at, binding->message.size);
    handles_key(domain, &binding->handle, &claim->key);
    handles_owner(domain, &claim->key, &binding->account_id, claim->owner);
    claim->now_ms = now_ms;
    claim->done = done;
    claim->arg = arg;
    claim_load(claim);
}
