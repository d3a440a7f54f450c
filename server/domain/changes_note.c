/* SPDX-License-Identifier: Apache-2.0 */
/* Noting for other daemons, in the batch that changes it, what they may have in memory. */
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/account_log.h"
#include "server/domain/changes.h"
#include "server/domain/changes_private.h"
#include "server/domain/changes_sql.h"
#include "server/domain/domain.h"
#include "server/domain/hub.h"
#include "server/domain/recovery_news.h"
#include "server/domain/sessions.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

static void note(const struct domain *domain, struct store_batch *batch, enum change_kind kind,
                 int64_t account, const struct buf *details)
{
    sharing_tell(batch, SHARING_CHANGES, 0);
    changes_sql_note(batch, &(struct change_row){ .daemon = domain->life,
                                                  .kind = kind,
                                                  .account = account,
                                                  .details = buf_view(details) });
}

void changes_note_head(const struct domain *domain, struct store_batch *batch,
                       const struct changes_head *head)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append(&details, bytes_of(head->account_id.raw, sizeof head->account_id.raw));
        buf_append_u64(&details, head->epoch);
        buf_append(&details, bytes_of(head->hash.raw, sizeof head->hash.raw));
        note(domain, batch, CHANGE_HEAD, head->account, &details);
        buf_clear(&details);
    }
}

void changes_note_erased(const struct domain *domain, struct store_batch *batch,
                         const struct changes_head *head)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append(&details, bytes_of(head->account_id.raw, sizeof head->account_id.raw));
        note(domain, batch, CHANGE_ERASED, head->account, &details);
        buf_clear(&details);
    }
}

void changes_note_sessions(const struct domain *domain, struct store_batch *batch, int64_t account)
{
    if (domain->is_shared) {
        note(domain, batch, CHANGE_SESSIONS, account, &(struct buf){ 0 });
    }
}

void changes_note_session(const struct domain *domain, struct store_batch *batch,
                          const struct session_hash *hash)
{
    if (domain->is_shared) {
        sharing_tell(batch, SHARING_CHANGES, 0);
        changes_sql_note_session(
            batch, &(struct change_row){ .daemon = domain->life, .kind = CHANGE_SESSIONS }, hash);
    }
}

void changes_note_hold(const struct domain *domain, struct store_batch *batch, int64_t account,
                       const struct hub_event *event)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append_u8(&details, (uint8_t)event->kind);
        buf_append_u64(&details, event->epoch);
        buf_append(&details, bytes_of(event->hash.raw, sizeof event->hash.raw));
        buf_append_u32(&details, event->device_id);
        buf_append_u64(&details, (uint64_t)event->held_until);
        note(domain, batch, CHANGE_HOLD, account, &details);
        buf_clear(&details);
    }
}

void changes_note_code(const struct domain *domain, struct store_batch *batch, int64_t account,
                       const struct txn_challenge_id *id)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append(&details, bytes_of(id->raw, sizeof id->raw));
        note(domain, batch, CHANGE_CODE, account, &details);
        buf_clear(&details);
    }
}

void changes_note_factor(const struct domain *domain, struct store_batch *batch,
                         const struct account_log_entry *entry)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append_u8(&details, (uint8_t)entry->event);
        buf_append_u8(&details, (uint8_t)entry->kind);
        buf_append_u8(&details, (uint8_t)entry->purpose);
        buf_append_u32(&details, entry->device_id);
        note(domain, batch, CHANGE_FACTOR, entry->account, &details);
        buf_clear(&details);
    }
}

void changes_note_recovery(const struct domain *domain, struct store_batch *batch,
                           const struct recovery_news *news)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append_u8(&details, (uint8_t)news->event);
        buf_append_u32(&details, news->device_id);
        buf_append(&details, bytes_of(news->recovery_id.raw, sizeof news->recovery_id.raw));
        buf_append_u64(&details, (uint64_t)news->wait_until);
        buf_append_u64(&details, (uint64_t)news->expires_at);
        note(domain, batch, CHANGE_RECOVERY, news->account, &details);
        buf_clear(&details);
    }
}

void changes_note_link(const struct domain *domain, struct store_batch *batch, int64_t account,
                       const struct hub_link *link)
{
    struct buf details = { 0 };

    if (domain->is_shared) {
        buf_append(&details, bytes_of(link->link_id.raw, sizeof link->link_id.raw));
        buf_append_u8(&details, (uint8_t)link->event);
        buf_append_u32(&details, link->device_id);
        buf_append_u64(&details, (uint64_t)link->expires_at);
        buf_append(&details, link->name);
        note(domain, batch, CHANGE_LINK, account, &details);
        buf_clear(&details);
    }
}

void changes_note_key_files(const struct domain *domain, struct store_batch *batch)
{
    if (domain->is_shared) {
        note(domain, batch, CHANGE_KEY_FILES, 0, &(struct buf){ 0 });
    }
}

static void on_told(void *arg, enum store_status status, struct store_rows *rows)
{
    (void)arg;
    (void)status; /* a warning that is lost is a warning less: the store has logged why */
    (void)rows;
}

void changes_tell_idle(struct domain *domain, int64_t account, uint32_t device_id, int64_t days)
{
    struct store_batch *batch = NULL;
    struct buf details = { 0 };

    if (domain->is_shared) {
        batch = store_batch_create();
        buf_append_u32(&details, device_id);
        buf_append_u64(&details, (uint64_t)days);
        note(domain, batch, CHANGE_IDLE, account, &details);
        buf_clear(&details);
        store_submit(domain->store, &batch, on_told, NULL);
    }
}

void changes_tell_keys(struct domain *domain, const struct device_pub *pub,
                       const struct hub_event *event)
{
    struct store_batch *batch = NULL;
    struct buf details = { 0 };

    if (domain->is_shared && !hub_has_stream(domain->hub, pub)) {
        batch = store_batch_create();
        buf_append(&details, bytes_of(pub->raw, sizeof pub->raw));
        buf_append_u8(&details, event->kind == HUB_EVENT_KEYS_LOW ? 0 : 1);
        buf_append_u64(&details, (uint64_t)event->count);
        buf_append_u64(&details, (uint64_t)event->first_use_day);
        buf_append_text(&details, event->slot);
        note(domain, batch, CHANGE_KEYS, 0, &details);
        buf_clear(&details);
        store_submit(domain->store, &batch, on_told, NULL);
    }
}

/* A stream whose session may be over. */
