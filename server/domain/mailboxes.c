/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of a mailbox are loaded in one snapshot and kept by whoever
 * writes: a batch under way pins the mailbox, so it is never loaded anew while
 * a write that the snapshot may or may not hold is unanswered.  What others
 * write (a device leaves, a mailbox is closed or opened) makes a load under way
 * that reads the same mailbox look again, for its snapshot may be older.
 */
#include "server/domain/mailboxes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/bytes.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/domain.h"
#include "server/domain/mailboxes_sql.h"
#include "server/domain/names.h"
#include "server/store/store.h"

struct load {
    LIST_ENTRY(load) entry;
    struct domain *domain;
    mailboxes_loaded_fn *done;
    void *arg;
    bool stale;            /* one of pubs has changed since the read was submitted */
    struct mailbox **held; /* in memory already; pinned until done, so that they stay */
    size_t held_count;
    size_t count;
    struct device_pub pubs[];
};

struct mailboxes {
    struct table table;
    size_t cache_max;
    LIST_HEAD(mailboxes_loads, load) loads; /* under way */
};

struct mailboxes *mailboxes_create(const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES], int64_t cache_max)
{
    struct mailboxes *mailboxes = mem_zeroed(1, sizeof *mailboxes);

    table_init(&mailboxes->table, key);
    mailboxes->cache_max = (size_t)cache_max;
    return mailboxes;
}

static struct bytes pub_key(const struct device_pub *pub)
{
    return bytes_of(pub->raw, sizeof pub->raw);
}

static void mailbox_free(struct mailbox *mailbox)
{
    free(mailbox->gaps);
    free(mailbox);
}

static void mailbox_drop(struct mailboxes *mailboxes, struct mailbox *mailbox)
{
    table_remove(&mailboxes->table, &mailbox->node);
    metrics_set(METRIC_mailboxes_cached, (int64_t)table_size(&mailboxes->table));
    mailbox->gone = true;
    if (mailbox->pins == 0) {
        mailbox_free(mailbox);
    }
}

void mailboxes_destroy(struct mailboxes *mailboxes)
{
    struct mailbox *mailbox = NULL;

    if (mailboxes == NULL) {
        return;
    }
    while ((mailbox = table_oldest(&mailboxes->table)) != NULL) {
        mailbox_drop(mailboxes, mailbox);
    }
    free(mailboxes);
}

struct mailbox *mailboxes_cached(struct mailboxes *mailboxes, const struct device_pub *pub)
{
    return table_find(&mailboxes->table, pub_key(pub));
}

void mailboxes_pin(struct mailbox *mailbox)
{
    mailbox->pins++;
}

void mailboxes_unpin(struct mailbox *mailbox)
{
    mailbox->pins--;
    if (mailbox->pins == 0 && mailbox->gone) {
        mailbox_free(mailbox);
    }
}

/* Make those loads look again that may have read pub as it was before. */
static void mailboxes_changed(struct mailboxes *mailboxes, const struct device_pub *pub)
{
    struct load *load = NULL;

    LIST_FOREACH(load, &mailboxes->loads, entry)
    {
        for (size_t i = 0; i < load->count && !load->stale; i++) {
            load->stale = memcmp(load->pubs[i].raw, pub->raw, sizeof pub->raw) == 0;
        }
    }
}

void mailboxes_set_closed(struct mailboxes *mailboxes, const struct device_pub *pub, bool closed)
{
    struct mailbox *mailbox = mailboxes_cached(mailboxes, pub);

    mailboxes_changed(mailboxes, pub);
    if (mailbox != NULL) {
        mailbox->closed = closed;
    }
}

void mailboxes_forget(struct mailboxes *mailboxes, const struct device_pub *pub)
{
    struct mailbox *mailbox = mailboxes_cached(mailboxes, pub);

    mailboxes_changed(mailboxes, pub);
    if (mailbox != NULL) {
        mailbox_drop(mailboxes, mailbox);
    }
}

/* Let go of what was loaded first, while nobody waits on it, until there is room. */
static void mailboxes_make_room(struct mailboxes *mailboxes)
{
    struct mailbox *mailbox = table_oldest(&mailboxes->table);

    while (mailbox != NULL && table_size(&mailboxes->table) >= mailboxes->cache_max) {
        struct mailbox *next = table_after(&mailbox->node);
        if (mailbox->pins == 0) {
            mailbox_drop(mailboxes, mailbox);
        }
        mailbox = next;
    }
}

static void mailboxes_add(struct mailboxes *mailboxes, const struct mailbox *row)
{
    struct mailbox *mailbox = NULL;

    if (mailboxes_cached(mailboxes, &row->pub) != NULL) {
        return; /* another load was faster, and what counts is what it has counted since */
    }
    mailbox = mem_raw(sizeof *mailbox);
    *mailbox = *row;
    table_add(&mailboxes->table, &mailbox->node, mailbox, pub_key(&mailbox->pub));
    metrics_set(METRIC_mailboxes_cached, (int64_t)table_size(&mailboxes->table));
}

static void load_take(const struct load *load, struct store_rows *rows)
{
    struct mailbox row;

    mailboxes_make_room(load->domain->mailboxes);
    for (size_t i = 0; i < load->count; i++) {
        store_rows_select(rows, i);
        if (mailboxes_sql_loaded(rows, &row)) {
            mailboxes_add(load->domain->mailboxes, &row);
        }
    }
    for (size_t i = load->count; load->domain->is_shared && i < 2 * load->count; i++) {
        store_rows_select(rows, i);
        names_take(load->domain, rows);
    }
}

static void load_submit(struct load *load);

static void on_loaded(void *arg, enum store_status status, struct store_rows *rows)
{
    struct load *load = arg;

    if (status == STORE_OK && load->stale) {
        load_submit(load);
        return;
    }
    if (status == STORE_OK) {
        load_take(load, rows);
    }
    LIST_REMOVE(load, entry);
    load->done(load->arg, status == STORE_OK);
    for (size_t i = 0; i < load->held_count; i++) {
        mailboxes_unpin(load->held[i]);
    }
    free(load->held);
    free(load);
}

static void load_submit(struct load *load)
{
    struct store_batch *batch = store_batch_create();

    load->stale = false;
    for (size_t i = 0; i < load->count; i++) {
        mailboxes_sql_load(batch, &load->pubs[i]);
    }
    for (size_t i = 0; load->domain->is_shared && i < load->count; i++) {
        names_ask(batch, &load->pubs[i]);
    }
    store_read(load->domain->store, &batch, on_loaded, load);
}

void mailboxes_load(struct domain *domain, const struct device_pub *pubs, size_t count,
                    mailboxes_loaded_fn *done, void *arg)
{
    struct load *load = mem_zeroed(1, sizeof *load + count * sizeof load->pubs[0]);

    load->domain = domain;
    load->done = done;
    load->arg = arg;
    load->held = mem_zeroed(count + 1, sizeof(struct mailbox *));
    for (size_t i = 0; i < count; i++) {
        struct mailbox *mailbox = mailboxes_cached(domain->mailboxes, &pubs[i]);
        if (mailbox == NULL) {
            load->pubs[load->count] = pubs[i];
            load->count++;
        } else {
            mailboxes_pin(mailbox);
            load->held[load->held_count] = mailbox;
            load->held_count++;
        }
    }
    LIST_INSERT_HEAD(&domain->mailboxes->loads, load, entry);
    load_submit(load);
}

void mailboxes_count_in(struct mailbox *mailbox, int64_t bytes)
{
    mailbox->envelope_count++;
    mailbox->envelope_bytes += bytes;
}

void mailboxes_reopen(const struct domain *domain, struct mailbox *mailbox)
{
    const struct domain_settings *settings = &domain->settings;

    if (mailbox->refusing && mailbox->envelope_count <= settings->mailbox_max_envelopes * 3 / 4 &&
        mailbox->envelope_bytes <= settings->mailbox_max_bytes / 4 * 3) {
        mailbox->refusing = false;
    }
}

void mailboxes_count_out(const struct domain *domain, struct mailbox *mailbox, int64_t envelopes,
                         int64_t bytes)
{
    mailbox->envelope_count -= envelopes;
    mailbox->envelope_bytes -= bytes;
    mailboxes_reopen(domain, mailbox);
}

void mailboxes_begin_gaps(struct mailbox *mailbox)
{
    if (mailbox->gaps == NULL) {
        mailbox->gaps = mem_zeroed(MAILBOX_GAP_REASONS, sizeof mailbox->gaps[0]);
    }
}

void mailboxes_seal_gaps(struct mailbox *mailbox)
{
    free(mailbox->gaps);
    mailbox->gaps = NULL;
}
