/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads in memory.  Loads under way are kept in a list: when their account is
 * forgotten meanwhile, what they read may be the old head, so they read again.
 */
#include "server/domain/directory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/table.h"
#include "server/domain/directory_sql.h"
#include "server/domain/domain.h"
#include "server/domain/left.h"
#include "server/store/store.h"

struct kept {
    struct table_node node;
    struct directory_head *head;
};

struct load {
    struct load *next;
    struct domain *domain;
    struct account_id account_id;
    bool stale; /* the account was forgotten since the read was submitted */
    directory_loaded_fn *done;
    void *arg;
};

struct directory {
    struct table table;
    size_t account_max;
    struct load *loads; /* under way */
};

struct directory *directory_create(const uint8_t key[16], size_t account_max)
{
    struct directory *directory = mem_zeroed(1, sizeof *directory);

    CHECK(account_max >= 1);
    table_init(&directory->table, key);
    directory->account_max = account_max;
    return directory;
}

static void drop(struct directory *directory, struct kept *kept)
{
    table_remove(&directory->table, &kept->node);
    free(kept->head);
    free(kept);
}

static void drop_all(struct directory *directory)
{
    struct kept *kept = NULL;

    while ((kept = table_oldest(&directory->table)) != NULL) {
        drop(directory, kept);
    }
}

void directory_destroy(struct directory *directory)
{
    if (directory == NULL) {
        return;
    }
    CHECK(directory->loads == NULL); /* the store has answered all before this */
    drop_all(directory);
    free(directory);
}

static struct bytes key_of(const struct account_id *account_id)
{
    return bytes_of(account_id->raw, sizeof account_id->raw);
}

const struct directory_head *directory_cached(struct domain *domain,
                                              const struct account_id *account_id)
{
    struct kept *kept = table_find(&domain->directory->table, key_of(account_id));

    if (kept == NULL) {
        return NULL;
    }
    table_renew(&domain->directory->table, &kept->node);
    return kept->head;
}

void directory_forget(struct domain *domain, const struct account_id *account_id)
{
    struct directory *directory = domain->directory;
    struct kept *kept = table_find(&directory->table, key_of(account_id));

    if (kept != NULL) {
        drop(directory, kept);
    }
    for (struct load *load = directory->loads; load != NULL; load = load->next) {
        if (bytes_equal(key_of(&load->account_id), key_of(account_id))) {
            load->stale = true;
        }
    }
}

void directory_forget_all(struct domain *domain)
{
    drop_all(domain->directory);
    for (struct load *load = domain->directory->loads; load != NULL; load = load->next) {
        load->stale = true;
    }
}

static struct directory_head *head_of(const struct manifest *manifest, int64_t account)
{
    size_t count = manifest->device_count;
    struct directory_head *head =
        mem_zeroed(1, sizeof *head + count * sizeof(struct directory_device));

    head->account_id = manifest->account;
    head->account = account;
    head->epoch = manifest->epoch;
    manifest_hash_of(manifest->body, &head->hash);
    head->device_count = count;
    for (size_t i = 0; i < count; i++) {
        head->devices[i].pub = manifest->devices[i].pub;
        head->devices[i].device_id = manifest->devices[i].device_id;
        head->devices[i].flags = manifest->devices[i].flags;
        head->devices[i].added_epoch = manifest->devices[i].added_epoch;
    }
    return head;
}

static const struct directory_head *keep(struct directory *directory, struct directory_head *head)
{
    struct kept *kept = table_find(&directory->table, key_of(&head->account_id));

    if (kept != NULL && kept->head->epoch >= head->epoch) { /* another load was first */
        free(head);
        return kept->head;
    }
    if (kept != NULL) { /* and it had looked before another daemon moved the head */
        drop(directory, kept);
    }
    if (table_size(&directory->table) >= directory->account_max) {
        drop(directory, table_oldest(&directory->table));
    }
    kept = mem_zeroed(1, sizeof *kept);
    kept->head = head;
    table_add(&directory->table, &kept->node, kept, key_of(&head->account_id));
    return head;
}

/* Tell what was read; it is the last to use load. */
static void load_answer(struct load *load, bool ok, struct store_rows *rows)
{
    struct manifest *manifest = mem_raw(sizeof *manifest);
    const struct directory_head *head = NULL;
    struct bytes signed_bytes = { 0 };
    struct bytes hash = { 0 };
    int64_t account = 0;

    if (ok && directory_sql_head_of(rows, &account, &signed_bytes, &hash)) {
        ok = manifest_parse_stored(signed_bytes, hash, manifest);
        if (ok) {
            head = keep(load->domain->directory, head_of(manifest, account));
        } else { /* it was valid when it was stored: the database is damaged */
            log_error("directory.damaged", "account=%" PRId64, account);
        }
    }
    load->done(load->arg, ok, head);
    free(manifest);
    free(load);
}

static void load_submit(struct load *load);

static void on_loaded(void *arg, enum store_status status, struct store_rows *rows)
{
    struct load *load = arg;
    struct load **link = &load->domain->directory->loads;

    while (*link != load) {
        link = &(*link)->next;
    }
    *link = load->next;
    if (status == STORE_OK && load->stale) {
        load_submit(load);
        return;
    }
    load_answer(load, status == STORE_OK, rows);
}

static void load_submit(struct load *load)
{
    struct store_batch *batch = directory_sql_head(&load->account_id);

    load->stale = false;
    load->next = load->domain->directory->loads;
    load->domain->directory->loads = load;
    store_read(load->domain->store, &batch, on_loaded, load);
}

void directory_load(struct domain *domain, const struct account_id *account_id,
                    directory_loaded_fn *done, void *arg)
{
    struct load *load = mem_zeroed(1, sizeof *load);

    load->domain = domain;
    load->account_id = *account_id;
    load->done = done;
    load->arg = arg;
    load_submit(load);
}

struct split {
    directory_split_fn *done;
    void *arg;
    size_t count;
};

static void on_split(void *arg, enum store_status status, struct store_rows *rows)
{
    struct split *split = arg;
    bool *left = mem_zeroed(split->count, sizeof *left);

    for (size_t i = 0; status == STORE_OK && i < split->count; i++) {
        store_rows_select(rows, i);
        left[i] = store_rows_next(rows);
    }
    split->done(split->arg, status == STORE_OK, status == STORE_OK ? left : NULL);
    free(left);
    free(split);
}

void directory_split_unknown(struct domain *domain, int64_t account, const struct device_pub *pubs,
                             size_t count, directory_split_fn *done, void *arg)
{
    struct split *split = mem_zeroed(1, sizeof *split);
    struct store_batch *batch = store_batch_create();
    struct left_hash hash;

    CHECK(count >= 1 && count <= LIMIT_SEND_RECIPIENTS);
    for (size_t i = 0; i < count; i++) {
        left_device(domain, &pubs[i], &hash);
        directory_sql_left(batch, &hash, account);
    }
    split->done = done;
    split->arg = arg;
    split->count = count;
    store_read(domain->store, &batch, on_split, split);
}
