/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following what other daemons noted (changes_note.c).
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

#include "common/bytes.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"
#include "server/domain/account_log.h"
#include "server/domain/changes_private.h"
#include "server/domain/changes_sql.h"
#include "server/domain/claims.h"
#include "server/domain/codes.h"
#include "server/domain/directory.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/hub.h"
#include "server/domain/key_register.h"
#include "server/domain/link_watches.h"
#include "server/domain/mailboxes.h"
#include "server/domain/purge.h"
#include "server/domain/recovery_news.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

struct changes {
    int64_t last; /* up to this one all is known */
    bool begun;   /* until then nobody knows what is old, and nothing is in memory */
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
    struct changes *changes = domain->changes;

    changes->last = change;
    changes->begun = true;
    if (changes->again) {
        changes_read(domain, changes->now_ms);
    }
}

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

/* Let streams go on only while their session lives. */
static void doubt(struct domain *domain, const struct claim_view *views, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct doubted *doubted = mem_zeroed(1, sizeof *doubted);
        struct session_hash hash;
        doubted->domain = domain;
        memcpy(doubted->token_hash, views[i].token_hash, sizeof doubted->token_hash);
        memcpy(hash.raw, views[i].token_hash, sizeof hash.raw);
        sessions_load(domain, &hash, domain->changes->now_ms, on_session, doubted);
    }
}

static void doubt_streams(struct domain *domain, int64_t account)
{
    struct claim_view *views = NULL;
    size_t count = claims_of_account(domain, account, &views);

    doubt(domain, views, count);
    free(views);
}

static void doubt_all_streams(struct domain *domain)
{
    struct claim_view *views = NULL;
    size_t count = claims_of_all(domain, &views);

    doubt(domain, views, count);
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
    struct moved *moved = NULL;
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
    if (!claims_has_account(domain, row->account)) {
        return; /* nobody to tell or to end: the head is read when somebody asks */
    }
    tell_streams(domain, row->account, &event);
    moved = mem_zeroed(1, sizeof *moved);
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

    if (row->details.size == sizeof id.raw && claims_has_account(domain, row->account)) {
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
    if (entry.event < ACCOUNT_LOG_ENROLLED || !account_log_is_of_factor(entry.event) ||
        entry.kind >= FACTOR_KINDS || entry.purpose > TXN_VAULT) {
        return; /* a newer daemon's */
    }
    account_log_event_of(&entry, &event);
    tell_streams(domain, row->account, &event);
}

static void follow_recovery(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct recovery_news news = { .event = (enum account_log_event)wire_u8(&wire) };
    struct hub_event event;
    struct bytes id;

    news.device_id = wire_u32(&wire);
    id = wire_bytes(&wire, sizeof news.recovery_id.raw);
    news.wait_until = (int64_t)wire_u64(&wire);
    news.expires_at = (int64_t)wire_u64(&wire);
    if (row->account == 0 || wire_is_bad(&wire) || id.size != sizeof news.recovery_id.raw ||
        news.event < ACCOUNT_LOG_RECOVERY_REQUESTED || news.event > ACCOUNT_LOG_CONTACT_REMOVED) {
        return; /* nobody's, or a newer daemon's */
    }
    memcpy(news.recovery_id.raw, id.at, sizeof news.recovery_id.raw);
    recovery_news_event(&news, &event);
    tell_streams(domain, row->account, &event);
}

static void follow_link(struct domain *domain, const struct change_row *row)
{
    struct wire wire = wire_of(row->details);
    struct bytes id = wire_bytes(&wire, LINK_ID_BYTES);
    struct hub_link link = { .event = (enum account_log_event)wire_u8(&wire) };
    const struct hub_event event = { .kind = HUB_EVENT_LINK, .link = &link };

    link.device_id = wire_u32(&wire);
    link.expires_at = (int64_t)wire_u64(&wire);
    link.name = wire_bytes(&wire, wire.left);
    if (wire_is_bad(&wire) || id.size != sizeof link.link_id.raw) {
        return; /* a newer daemon's */
    }
    memcpy(link.link_id.raw, id.at, id.size);
    link_watches_tell(domain->link_watches, &link.link_id);
    if (row->account != 0 && link.event >= ACCOUNT_LOG_LINK_REQUESTED &&
        link.event <= ACCOUNT_LOG_LINK_EXPIRED) {
        tell_streams(domain, row->account, &event);
    }
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
    case CHANGE_RECOVERY:
        follow_recovery(domain, row);
        return;
    case CHANGE_LINK:
        follow_link(domain, row);
        return;
    case CHANGE_KEY_FILES:
        if (domain->key_register != NULL) {
            key_register_follow(domain->key_register, domain->changes->now_ms);
        }
        return;
    }
    /* A newer daemon's: what this one does not know of it holds in no memory. */
}

static void forget_all(struct domain *domain, int64_t from, int64_t to)
{
    log_warn("changes.missed", "from=%" PRId64 " to=%" PRId64, from, to);
    directory_forget_all(domain);
    sessions_forget_all(domain);
    doubt_all_streams(domain);
    link_watches_tell_all(domain->link_watches, false);
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
    changes->again = changes->reading || !changes->begun;
    if (!changes->again) {
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
