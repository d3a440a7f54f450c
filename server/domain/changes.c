/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Details of a row, big-endian, by its kind:
 *
 *   HEAD      account_id[32] | epoch u64 | hash[32]
 *   ERASED    account_id[32]
 *   SESSIONS  nothing: every session of the account is looked up again
 *   IDLE      device_id u32 | days u64
 *   HOLD      event u8 | epoch u64 | hash[32] | device_id u32 | held_until u64
 *   KEYS      device_pub[32] | event u8 | count u64 | first use, a day, u64 | slot
 *   CODE      challenge id[16]: the code itself stands sealed in its own row
 *   FACTOR    event u8 | kind u8 | purpose u8 | device_id u32
 *
 * Whoever has missed rows, because they were purged or an older database was put
 * back, forgets all that others may have changed.  Streams are ended only when
 * the store says that their session is over, or cannot say.
 */
#include "server/domain/changes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"
#include "server/domain/account_log.h"
#include "server/domain/changes_sql.h"
#include "server/domain/claims.h"
#include "server/domain/codes.h"
#include "server/domain/directory.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/hub.h"
#include "server/domain/mailboxes.h"
#include "server/domain/purge.h"
#include "server/domain/sharing.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

enum change_kind {
    CHANGE_HEAD = 1,
    CHANGE_ERASED,
    CHANGE_SESSIONS,
    CHANGE_IDLE,
    CHANGE_KEYS,
    CHANGE_HOLD,
    CHANGE_CODE,
    CHANGE_FACTOR
};

struct changes {
    int64_t last; /* up to this one all is known */
    bool reading;
    bool again; /* there may be more than the read that is under way has seen */
    int64_t now_ms;
};

struct changes *changes_create(void)
{
    return mem_zeroed(1, sizeof(struct changes));
}

void changes_destroy(struct changes *changes)
{
    free(changes);
}

void changes_begin(struct domain *domain, int64_t change)
{
    domain->changes->last = change;
}

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
struct doubted {
    struct domain *domain;
    uint8_t token_hash[32];
};

static void on_session(void *arg, bool ok, const struct session *session)
{
    struct doubted *doubted = arg;

    (void)ok; /* when the store cannot say, the stream proves itself anew */
    if (session == NULL) {
        hub_end_session(doubted->domain->hub, doubted->token_hash);
    }
    free(doubted);
}

/* Let the streams of an account (0: of all) go on only while their session lives. */
static void doubt_streams(struct domain *domain, int64_t account)
{
    struct claim_view *views = NULL;
    size_t count = claims_of_account(domain, account, &views);

    for (size_t i = 0; i < count; i++) {
        struct doubted *doubted = mem_zeroed(1, sizeof *doubted);
        struct session_hash hash;
        doubted->domain = domain;
        memcpy(doubted->token_hash, views[i].token_hash, sizeof doubted->token_hash);
        memcpy(hash.raw, views[i].token_hash, sizeof hash.raw);
        sessions_load(domain, &hash, domain->changes->now_ms, on_session, doubted);
    }
    free(views);
}

static void tell_streams(const struct domain *domain, int64_t account,
                         const struct hub_event *event)
{
    struct claim_view *views = NULL;
    size_t count = claims_of_account(domain, account, &views);

    for (size_t i = 0; i < count; i++) {
        hub_tell(domain->hub, &views[i].pub, event);
    }
    free(views);
}

/* End the streams of the devices that are not in head (NULL: in none). */
static void end_streams(struct domain *domain, int64_t account, const struct directory_head *head)
{
    struct claim_view *views = NULL;
    size_t count = claims_of_account(domain, account, &views);

    for (size_t i = 0; i < count; i++) {
        bool stays = false;
        for (size_t j = 0; head != NULL && j < head->device_count && !stays; j++) {
            stays = memcmp(head->devices[j].pub.raw, views[i].pub.raw, DEVICE_PUB_BYTES) == 0;
        }
        if (!stays) {
            mailboxes_forget(domain->mailboxes, &views[i].pub);
            hub_end_device(domain->hub, &views[i].pub, HUB_END_REVOKED);
        }
    }
    free(views);
}

/* An account whose new head is being read. */
struct moved {
    struct domain *domain;
    int64_t account;
};

static void on_head(void *arg, bool ok, const struct directory_head *head)
{
    struct moved *moved = arg;

    if (ok) {
        end_streams(moved->domain, moved->account, head);
    } else {
        doubt_streams(moved->domain, moved->account);
    }
    free(moved);
}

static struct account_id take_account_id(struct wire *wire)
{
    struct bytes raw = wire_bytes(wire, ACCOUNT_ID_BYTES);
    struct account_id id = { { 0 } };

    if (raw.size == sizeof id.raw) {
        memcpy(id.raw, raw.at, sizeof id.raw);
    }
    return id;
}

static void follow_head(struct domain *domain, const struct change_row *row)
{
    struct hub_event event = { .kind = HUB_EVENT_MANIFEST_CHANGED };
    struct moved *moved = mem_zeroed(1, sizeof *moved);
    struct wire wire = wire_of(row->details);
    struct account_id id = take_account_id(&wire);
    struct bytes hash;

    event.epoch = wire_u64(&wire);
    hash = wire_bytes(&wire, sizeof event.hash.raw);
    if (hash.size == sizeof event.hash.raw) {
        memcpy(event.hash.raw, hash.at, sizeof event.hash.raw);
    }
    directory_forget(domain, &id);
    sessions_forget_account(domain, row->account);
    tell_streams(domain, row->account, &event);
    moved->domain = domain;
    moved->account = row->account;
    directory_load(domain, &id, on_head, moved);
}

static void follow_erasure(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct account_id id = take_account_id(&wire);

    directory_forget(domain, &id);
    sessions_forget_account(domain, row->account);
    end_streams(domain, row->account, NULL);
}

static void follow_idle(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct hub_event event = { .kind = HUB_EVENT_DEVICE_IDLE };

    event.device_id = wire_u32(&wire);
    event.days = (int64_t)wire_u64(&wire);
    tell_streams(domain, row->account, &event);
}

static void follow_hold(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct hub_event event = { .kind = (enum hub_event_kind)wire_u8(&wire) };
    struct bytes hash;

    event.epoch = wire_u64(&wire);
    hash = wire_bytes(&wire, sizeof event.hash.raw);
    event.device_id = wire_u32(&wire);
    event.held_until = (int64_t)wire_u64(&wire);
    if (hash.size == sizeof event.hash.raw) {
        memcpy(event.hash.raw, hash.at, sizeof event.hash.raw);
        tell_streams(domain, row->account, &event);
    }
}

static void follow_keys(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct bytes raw = wire_bytes(&wire, DEVICE_PUB_BYTES);
    struct hub_event event = { .kind = HUB_EVENT_KEYS_LOW };
    const struct slot *slot = NULL;
    struct device_pub pub;

    event.kind = wire_u8(&wire) == 0 ? HUB_EVENT_KEYS_LOW : HUB_EVENT_LAST_RESORT_USED;
    event.count = (int64_t)wire_u64(&wire);
    event.first_use_day = (int64_t)wire_u64(&wire);
    slot = slots_find(domain->slots, wire_bytes(&wire, wire.left));
    if (slot != NULL && raw.size == sizeof pub.raw) {
        memcpy(pub.raw, raw.at, sizeof pub.raw);
        event.slot = slot->name;
        hub_tell(domain->hub, &pub, &event);
    }
}

static void follow_code(struct domain *domain, const struct change_row *row)
{
    struct txn_challenge_id id;

    if (row->details.size == sizeof id.raw) {
        memcpy(id.raw, row->details.at, sizeof id.raw);
        codes_tell_of(domain, &id, domain->changes->now_ms);
    }
}

static void follow_factor(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct account_log_entry entry = { .event = (enum account_log_event)wire_u8(&wire) };
    struct hub_event event;

    entry.kind = (enum factor_kind)wire_u8(&wire);
    entry.purpose = (enum txn_purpose)wire_u8(&wire);
    entry.device_id = wire_u32(&wire);
    if (entry.event < ACCOUNT_LOG_ENROLLED || entry.event > ACCOUNT_LOG_USED ||
        entry.kind >= FACTOR_KINDS || entry.purpose > TXN_VAULT) {
        return; /* a newer daemon's */
    }
    account_log_event_of(&entry, &event);
    tell_streams(domain, row->account, &event);
}

static void follow(struct domain *domain, const struct change_row *row)
{
    switch ((enum change_kind)row->kind) {
    case CHANGE_HEAD:
        follow_head(domain, row);
        return;
    case CHANGE_ERASED:
        follow_erasure(domain, row);
        return;
    case CHANGE_SESSIONS:
        sessions_forget_account(domain, row->account);
        doubt_streams(domain, row->account);
        return;
    case CHANGE_IDLE:
        follow_idle(domain, row);
        return;
    case CHANGE_KEYS:
        follow_keys(domain, row);
        return;
    case CHANGE_HOLD:
        follow_hold(domain, row);
        return;
    case CHANGE_CODE:
        follow_code(domain, row);
        return;
    case CHANGE_FACTOR:
        follow_factor(domain, row);
        return;
    }
    /* A newer daemon's: what this one does not know of it holds in no memory. */
}

static void forget_all(struct domain *domain, int64_t from, int64_t to)
{
    log_warn("changes.missed", "from=%" PRId64 " to=%" PRId64, from, to);
    directory_forget_all(domain);
    sessions_forget_all(domain);
    doubt_streams(domain, 0);
}

static size_t take_rows(struct domain *domain, struct store_rows *rows)
{
    struct changes *changes = domain->changes;
    struct change_row row;
    size_t count = 0;

    while (changes_sql_row(rows, &row)) {
        if (row.change != changes->last + 1) {
            forget_all(domain, changes->last, row.change);
        }
        if (row.daemon != domain->life) {
            follow(domain, &row);
        }
        changes->last = row.change;
        count++;
    }
    return count;
}

static void on_rows(void *arg, enum store_status status, struct store_rows *rows)
{
    struct domain *domain = arg;
    struct changes *changes = domain->changes;
    size_t count = 0;
    int64_t last = 0;

    changes->reading = false;
    if (status != STORE_OK) {
        return; /* the next tick reads again */
    }
    last = changes_sql_last(rows);
    store_rows_select(rows, 1);
    count = take_rows(domain, rows);
    if (count < CHANGES_READ_AT_ONCE && last != changes->last) {
        forget_all(domain, changes->last, last);
        changes->last = last;
    }
    if (count == CHANGES_READ_AT_ONCE || changes->again) {
        changes_read(domain, changes->now_ms);
    }
}

void changes_read(struct domain *domain, int64_t now_ms)
{
    struct changes *changes = domain->changes;
    struct store_batch *batch = NULL;

    changes->now_ms = now_ms;
    changes->again = changes->reading;
    if (!changes->reading) {
        changes->reading = true;
        batch = changes_sql_ask(changes->last);
        store_read(domain->store, &batch, on_rows, domain);
    }
}

void changes_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "changes.purge", .done = done, .arg = arg };
    struct store_batch *batch = NULL;

    if (!domain->is_shared) {
        done(arg, 0);
        return;
    }
    batch = changes_sql_purge(DOMAIN_PURGE_ROWS);
    purge_run(domain, &batch, &order, now_ms);
}
