/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/temp_domain.h"

#include <string.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/loop.h"
#include "common/opaque.h"
#include "common/seal.h"
#include "common/webauthn.h"
#include "server/domain/dedup.h"
#include "server/domain/directory.h"
#include "server/domain/limits.h"
#include "server/domain/link_watches.h"
#include "server/domain/news.h"
#include "server/domain/passwords.h"
#include "server/domain/seqs.h"
#include "server/domain/sessions.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

enum {
    CACHE_MAX = 1000,
    DEDUP_MAX = 1000
};

struct started {
    bool done;
    struct seqs_start start;
};

static void on_started(void *arg, const struct seqs_start *start)
{
    struct started *started = arg;

    CHECK(start->ok);
    started->start = *start;
    started->done = true;
}

static int64_t now_of_tests(void)
{
    return TEMP_DOMAIN_NOW_MS;
}

static const char *const origins[] = { "https://relay.example" };
static const struct webauthn_party party = { "relay.example", origins, 1, false };

static struct passwords *new_passwords(void)
{
    static const uint8_t key[OPAQUE_KEY_BYTES] = { 10 };
    struct passwords *passwords = passwords_create();

    passwords_add_key(passwords, 1, key);
    return passwords;
}

const uint8_t temp_domain_seal_key[SEAL_KEY_BYTES] = { 9 };

static struct seal *new_seal(void)
{
    struct seal *seal = seal_create();

    seal_add_key(seal, 1, temp_domain_seal_key);
    return seal;
}

static struct seqs_start domain_begin(struct temp_domain *temp, int64_t copy_heartbeat,
                                      int64_t now_ms)
{
    struct domain *domain = &temp->domain;
    struct started started = { .done = false };

    domain->store = temp->temp.store;
    domain->mailboxes = mailboxes_create(domain->keys.tag, CACHE_MAX);
    domain->hub = hub_create(domain->keys.tag);
    domain->dedup = dedup_create(domain->keys.tag, DEDUP_MAX);
    domain->sessions = sessions_create(domain->keys.tag, CACHE_MAX);
    domain->directory = directory_create(domain->keys.tag, CACHE_MAX);
    domain->limits = limits_create();
    domain->link_watches = link_watches_create(domain->keys.tag);
    domain->slots = slots_create("x.test, x.note:static, x.spare:last");
    news_begin(domain, now_of_tests);
    seqs_start(domain, copy_heartbeat, now_ms, on_started, &started);
    temp_store_wait(&temp->temp, &started.done);
    return started.start;
}

static void domain_end(struct temp_domain *temp)
{
    limits_destroy(temp->domain.limits);
    link_watches_destroy(temp->domain.link_watches);
    slots_destroy(temp->domain.slots);
    news_end(&temp->domain);
    directory_destroy(temp->domain.directory);
    sessions_destroy(temp->domain.sessions);
    dedup_destroy(temp->domain.dedup);
    hub_destroy(temp->domain.hub);
    mailboxes_destroy(temp->domain.mailboxes);
}

void temp_domain_open(struct temp_domain *temp)
{
    CHECK(crypto_start());
    memset(temp, 0, sizeof *temp);
    temp_store_open(&temp->temp);
    memset(temp->domain.keys.tag, 7, sizeof temp->domain.keys.tag);
    memset(temp->domain.keys.index, 8, sizeof temp->domain.keys.index);
    temp->domain.seal = new_seal();
    temp->domain.passwords = new_passwords();
    temp->domain.party = &party;
    temp->domain.base_url = "https://relay.example";
    temp->domain.settings = (struct domain_settings){
        .registration = DOMAIN_OPEN,
        .plaintext_guard = false,
        .mailbox_max_envelopes = 10000,
        .mailbox_max_bytes = 67108864,
        .idle_device_warn_days = 30,
        .idle_device_close_days = 45,
        .handles_per_account = 3,
        .handle_kept_days = 30,
        .mls_group_days = 90,
    };
    (void)domain_begin(temp, 0, TEMP_DOMAIN_NOW_MS);
}

void temp_domain_open_beside(struct temp_domain *temp, const struct temp_domain *first)
{
    memset(temp, 0, sizeof *temp);
    temp_store_open_beside(&temp->temp, &first->temp);
    temp->domain.keys = first->domain.keys;
    temp->domain.seal = new_seal();
    temp->domain.passwords = new_passwords();
    temp->domain.party = &party;
    temp->domain.base_url = first->domain.base_url;
    temp->domain.settings = first->domain.settings;
    (void)domain_begin(temp, 0, TEMP_DOMAIN_NOW_MS);
}

void temp_domain_close(struct temp_domain *temp)
{
    temp_store_close(&temp->temp);
    domain_end(temp);
    passwords_destroy(temp->domain.passwords);
    seal_destroy(temp->domain.seal);
}

struct seqs_start temp_domain_restart_at(struct temp_domain *temp, int64_t copy_heartbeat,
                                         int64_t now_ms)
{
    temp_store_reopen(&temp->temp);
    domain_end(temp);
    return domain_begin(temp, copy_heartbeat, now_ms);
}

void temp_domain_restart(struct temp_domain *temp)
{
    (void)temp_domain_restart_at(temp, 0, TEMP_DOMAIN_NOW_MS);
}

struct device_pub temp_domain_pub(uint32_t n)
{
    struct device_pub pub = { { 0 } };

    memcpy(pub.raw, &n, sizeof n);
    pub.raw[31] = 0xdd;
    return pub;
}

static const struct store_stmt make_account = {
    .name = "test.account",
    .sql = "INSERT INTO accounts (account, account_id, epoch, head_hash, created_day, seen_day)"
           " VALUES ($1, $2, 0, $2, $3, $3) ON CONFLICT DO NOTHING",
};

static const struct store_stmt make_device = {
    .name = "test.device",
    .sql = "INSERT INTO devices (mailbox, account, device_id, added_epoch, flags, device_pub,"
           " command_seq, seen_day, idle_state) VALUES ($1, $2, $1, 0, 1, $3, 0, $4, 0)",
};

static const struct store_stmt remove_device = {
    .name = "test.remove",
    .sql = "DELETE FROM devices WHERE mailbox = $1",
};

static const struct store_stmt remove_mail = {
    .name = "test.remove_mail",
    .sql = "DELETE FROM envelopes WHERE mailbox = $1",
};

void temp_domain_device(struct temp_domain *temp, int64_t account, uint32_t n)
{
    struct store_batch *batch = store_batch_create();
    struct device_pub pub = temp_domain_pub(n);
    uint8_t account_id[ACCOUNT_ID_BYTES] = { 0xaa, (uint8_t)account };

    store_batch_add(batch, &make_account);
    store_bind_int(batch, account);
    store_bind_bytes(batch, bytes_of(account_id, sizeof account_id));
    store_bind_int(batch, TEMP_DOMAIN_NOW_MS / 86400000);
    store_batch_add(batch, &make_device);
    store_bind_int(batch, n);
    store_bind_int(batch, account);
    store_bind_bytes(batch, bytes_of(pub.raw, sizeof pub.raw));
    store_bind_int(batch, TEMP_DOMAIN_NOW_MS / 86400000);
    CHECK(temp_store_run(&temp->temp, &batch, NULL, NULL) == STORE_OK);
}

void temp_domain_remove(struct temp_domain *temp, uint32_t n)
{
    struct store_batch *batch = store_batch_create();
    struct device_pub pub = temp_domain_pub(n);

    store_batch_add(batch, &remove_device);
    store_bind_int(batch, n);
    store_batch_add(batch, &remove_mail);
    store_bind_int(batch, n);
    CHECK(temp_store_run(&temp->temp, &batch, NULL, NULL) == STORE_OK);
    mailboxes_forget(temp->domain.mailboxes, &pub);
}

static const struct store_stmt set_closed = {
    .name = "test.set_closed",
    .sql = "UPDATE devices SET idle_state = $2 WHERE mailbox = $1",
};

void temp_domain_set_closed(struct temp_domain *temp, uint32_t n, bool closed)
{
    struct store_batch *batch = store_batch_create();
    struct device_pub pub = temp_domain_pub(n);

    store_batch_add(batch, &set_closed);
    store_bind_int(batch, n);
    store_bind_int(batch, closed ? 2 : 0);
    CHECK(temp_store_run(&temp->temp, &batch, NULL, NULL) == STORE_OK);
    mailboxes_set_closed(temp->domain.mailboxes, &pub, closed);
}

static void on_loaded(void *arg, bool ok)
{
    CHECK(ok);
    *(bool *)arg = true;
}

struct mailbox *temp_domain_mailbox(struct temp_domain *temp, uint32_t n)
{
    struct device_pub pub = temp_domain_pub(n);
    bool loaded = false;

    mailboxes_load(&temp->domain, &pub, 1, on_loaded, &loaded);
    temp_store_wait(&temp->temp, &loaded);
    return mailboxes_cached(temp->domain.mailboxes, &pub);
}

void temp_domain_wait_trimmed(struct temp_domain *temp, uint32_t n)
{
    const struct mailbox *mailbox = temp_domain_mailbox(temp, n);

    CHECK(mailbox != NULL);
    while (mailbox->trimming) {
        loop_turn(temp->temp.loop, 100);
    }
}

static void keep_list(struct temp_sent *sent, struct envelope_list *list, size_t *at)
{
    CHECK(*at + list->count <= TEMP_LIST_MAX);
    for (size_t i = 0; i < list->count; i++) {
        sent->keys[*at + i] = list->at[i];
    }
    list->at = &sent->keys[*at];
    *at += list->count;
}

static void on_sent(void *arg, const struct envelope_outcome *outcome)
{
    struct temp_sent *sent = arg;
    size_t at = 0;

    CHECK(!sent->done);
    sent->outcome = *outcome;
    keep_list(sent, &sent->outcome.duplicates, &at);
    keep_list(sent, &sent->outcome.full, &at);
    keep_list(sent, &sent->outcome.closed, &at);
    keep_list(sent, &sent->outcome.unknown, &at);
    keep_list(sent, &sent->outcome.missing, &at);
    keep_list(sent, &sent->outcome.extra, &at);
    keep_list(sent, &sent->outcome.stale, &at);
    sent->done = true;
}

void temp_domain_begin(struct temp_domain *temp, const struct envelope_send *send, int64_t now_ms,
                       struct temp_sent *out)
{
    memset(out, 0, sizeof *out);
    envelopes_send(&temp->domain, send, now_ms, on_sent, out);
}

void temp_domain_wait(struct temp_domain *temp, struct temp_sent *sent)
{
    temp_store_wait(&temp->temp, &sent->done);
}

void temp_domain_send(struct temp_domain *temp, uint32_t n, uint8_t id_byte, const char *body,
                      struct temp_sent *out)
{
    struct envelope_recipient recipient = { temp_domain_pub(n), bytes_text(body) };
    struct envelope_send send = {
        .id = { { id_byte } },
        .ttl_s = 2592000,
        .recipients = &recipient,
        .count = 1,
    };

    temp_domain_begin(temp, &send, TEMP_DOMAIN_NOW_MS, out);
    temp_domain_wait(temp, out);
}

void temp_domain_send_at(struct temp_domain *temp, uint32_t n, const char *body, int64_t ttl_s,
                         int64_t now_ms, struct temp_sent *out)
{
    struct envelope_recipient recipient = { temp_domain_pub(n), bytes_text(body) };
    struct envelope_send send = { .ttl_s = ttl_s, .recipients = &recipient, .count = 1 };

    temp_domain_begin(temp, &send, now_ms, out);
    temp_domain_wait(temp, out);
    CHECK(out->outcome.stored == 1);
}

static void on_read(void *arg, const struct mail *mail)
{
    struct temp_read *read = arg;

    read->done = true;
    read->ok = mail->ok;
    read->more = mail->more;
    read->count = mail->count;
    for (size_t i = 0; i < mail->count; i++) {
        read->items[i] = mail->items[i];
        if (mail->items[i].body.size > 0 && mail->items[i].body.size < sizeof read->bodies[i]) {
            memcpy(read->bodies[i], mail->items[i].body.at, mail->items[i].body.size);
        }
    }
}

void temp_domain_read_begin(struct temp_domain *temp, struct mailbox *mailbox,
                            const struct mail_page *page, struct temp_read *out)
{
    memset(out, 0, sizeof *out);
    mail_read(&temp->domain, mailbox, page, on_read, out);
}

void temp_domain_read_page(struct temp_domain *temp, uint32_t n, const struct mail_page *page,
                           struct temp_read *out)
{
    struct mailbox *mailbox = temp_domain_mailbox(temp, n);

    CHECK(mailbox != NULL);
    mailboxes_pin(mailbox);
    temp_domain_read_begin(temp, mailbox, page, out);
    temp_store_wait(&temp->temp, &out->done);
    mailboxes_unpin(mailbox);
}

void temp_domain_read(struct temp_domain *temp, uint32_t n, int64_t after, int64_t now_ms,
                      struct temp_read *out)
{
    temp_domain_read_page(
        temp, n,
        &(struct mail_page){
            .after = after, .item_max = MAIL_READ_ITEMS, .byte_max = 1048576, .now_ms = now_ms },
        out);
}

struct acked {
    bool done;
    int64_t count;
};

static void on_acked(void *arg, enum mail_ack_result result, int64_t acknowledged)
{
    struct acked *acked = arg;

    acked->done = true;
    acked->count = result == MAIL_ACKED ? acknowledged : -1;
}

static int64_t wait_acked(struct temp_domain *temp, struct acked *acked)
{
    temp_store_wait(&temp->temp, &acked->done);
    return acked->count;
}

int64_t temp_domain_ack(struct temp_domain *temp, uint32_t n, const int64_t *seqs, size_t count)
{
    struct mailbox *mailbox = temp_domain_mailbox(temp, n);
    struct acked acked = { false, 0 };

    CHECK(mailbox != NULL);
    mail_ack(&temp->domain, mailbox, seqs, count, on_acked, &acked);
    return wait_acked(temp, &acked);
}

int64_t temp_domain_ack_run(struct temp_domain *temp, uint32_t n, const struct mail_run *run)
{
    struct mailbox *mailbox = temp_domain_mailbox(temp, n);
    struct acked acked = { false, 0 };

    CHECK(mailbox != NULL);
    mail_ack_run(&temp->domain, mailbox, run, on_acked, &acked);
    return wait_acked(temp, &acked);
}

int64_t temp_domain_ack_upto(struct temp_domain *temp, uint32_t n, int64_t seq, int64_t now_ms)
{
    struct mailbox *mailbox = temp_domain_mailbox(temp, n);
    struct acked acked = { false, 0 };

    CHECK(mailbox != NULL);
    mail_ack_upto(&temp->domain, mailbox, seq, now_ms, on_acked, &acked);
    return wait_acked(temp, &acked);
}

static void on_mail(void *arg, const struct hub_mail *mail)
{
    struct temp_heard *heard = arg;

    CHECK(heard->mail_count < TEMP_HEARD_MAX);
    heard->mails[heard->mail_count] = *mail;
    if (mail->body.size > 0 && mail->body.size < sizeof heard->bodies[0]) {
        memcpy(heard->bodies[heard->mail_count], mail->body.at, mail->body.size);
    }
    heard->mail_count++;
}

static bool is_caught_up(void *arg)
{
    return ((const struct temp_heard *)arg)->caught_up;
}

static void on_event(void *arg, const struct hub_event *event)
{
    struct temp_heard *heard = arg;

    heard->event = *event;
    heard->event_count++;
}

static void on_end(void *arg, enum hub_end reason)
{
    struct temp_heard *heard = arg;

    heard->end = reason;
    heard->end_count++;
}

static void on_acknowledged(void *arg, const int64_t *seqs, size_t count, int64_t up_to)
{
    (void)seqs;
    (void)up_to;
    ((struct temp_heard *)arg)->acknowledged += count;
}

static void on_waiting(void *arg, const struct hub_waiting *waiting)
{
    ((struct temp_heard *)arg)->waiting = *waiting;
}

static const struct hub_listener listener = { on_mail,         is_caught_up, on_event,
                                              on_acknowledged, on_waiting,   on_end };

void temp_domain_listen(struct temp_domain *temp, uint32_t n, struct temp_heard *heard)
{
    struct device_pub pub = temp_domain_pub(n);
    uint8_t token_hash[32] = { (uint8_t)n };

    memset(heard, 0, sizeof *heard);
    heard->caught_up = true;
    heard->stream = hub_join(temp->domain.hub, &pub, token_hash, &listener, heard);
}

void temp_domain_unlisten(struct temp_domain *temp, struct temp_heard *heard)
{
    hub_leave(temp->domain.hub, heard->stream);
    heard->stream = NULL;
}
