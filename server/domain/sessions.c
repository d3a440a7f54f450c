/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of sessions.  A token has 256 random bits, so its plain SHA-256
 * hides it and names it.  Loads of one hash under way are kept in a list: when
 * the session ends meanwhile, what they read is stale and they read again.
 */
#include "server/domain/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/table.h"
#include "server/domain/hub.h"
#include "server/domain/sessions_private.h"
#include "server/domain/sessions_sql.h"
#include "server/store/store.h"

static const char prefix[] = "sp1_";

struct kept {
    struct table_node node;
    struct session session;
};

struct load {
    struct load *next;
    struct domain *domain;
    struct session_hash hash;
    int64_t now_ms;
    bool stale; /* the session was forgotten since the read was submitted */
    sessions_loaded_fn *done;
    void *arg;
};

struct sessions {
    struct table table;
    size_t session_max;
    struct load *loads; /* under way */
};

struct sessions *sessions_create(const uint8_t key[16], size_t session_max)
{
    struct sessions *sessions = mem_zeroed(1, sizeof *sessions);

    CHECK(session_max >= 1);
    table_init(&sessions->table, key);
    sessions->session_max = session_max;
    return sessions;
}

static void drop(struct sessions *sessions, struct kept *kept)
{
    table_remove(&sessions->table, &kept->node);
    free(kept);
}

static void drop_all(struct sessions *sessions)
{
    struct kept *kept = NULL;

    while ((kept = table_oldest(&sessions->table)) != NULL) {
        drop(sessions, kept);
    }
}

void sessions_destroy(struct sessions *sessions)
{
    if (sessions == NULL) {
        return;
    }
    CHECK(sessions->loads == NULL); /* the store has answered all before this */
    drop_all(sessions);
    free(sessions);
}

void sessions_hash(const uint8_t raw[SESSION_TOKEN_BYTES], struct session_hash *out)
{
    const struct bytes part = bytes_of(raw, SESSION_TOKEN_BYTES);

    crypto_sha256(&part, 1, out->raw);
}

void sessions_write_token(const uint8_t raw[SESSION_TOKEN_BYTES],
                          char out[SESSION_TOKEN_TEXT_BYTES])
{
    struct buf text = { 0 };

    buf_append_text(&text, prefix);
    base64url_encode(bytes_of(raw, SESSION_TOKEN_BYTES), &text);
    CHECK(text.size < SESSION_TOKEN_TEXT_BYTES);
    memcpy(out, text.at, text.size);
    out[text.size] = '\0';
    mem_wipe(text.at, text.size);
    buf_clear(&text);
}

bool sessions_parse(struct bytes text, struct session_hash *out)
{
    const size_t prefix_size = sizeof prefix - 1;
    uint8_t raw[SESSION_TOKEN_BYTES];

    if (text.size < prefix_size || memcmp(text.at, prefix, prefix_size) != 0 ||
        !base64url_decode_exact(bytes_of(text.at + prefix_size, text.size - prefix_size), raw,
                                sizeof raw)) {
        return false;
    }
    sessions_hash(raw, out);
    mem_wipe(raw, sizeof raw);
    return true;
}

static struct bytes key_of(const struct session_hash *hash)
{
    return bytes_of(hash->raw, sizeof hash->raw);
}

const struct session *sessions_cached(struct domain *domain, const struct session_hash *hash,
                                      int64_t now_ms)
{
    struct sessions *sessions = domain->sessions;
    struct kept *kept = table_find(&sessions->table, key_of(hash));

    if (kept == NULL) {
        return NULL;
    }
    if (kept->session.expires_at <= now_ms / 1000) {
        drop(sessions, kept);
        return NULL;
    }
    table_renew(&sessions->table, &kept->node);
    return &kept->session;
}

void sessions_keep(struct domain *domain, const struct session *session)
{
    struct sessions *sessions = domain->sessions;
    struct kept *kept = table_find(&sessions->table, key_of(&session->token_hash));

    if (kept != NULL) {
        kept->session = *session;
        return;
    }
    if (table_size(&sessions->table) >= sessions->session_max) {
        drop(sessions, table_oldest(&sessions->table));
    }
    kept = mem_zeroed(1, sizeof *kept);
    kept->session = *session;
    table_add(&sessions->table, &kept->node, kept, key_of(&kept->session.token_hash));
}

void sessions_forget(struct domain *domain, const struct session_hash *hash)
{
    struct sessions *sessions = domain->sessions;
    struct kept *kept = table_find(&sessions->table, key_of(hash));

    if (kept != NULL) {
        drop(sessions, kept);
    }
    for (struct load *load = sessions->loads; load != NULL; load = load->next) {
        if (memcmp(load->hash.raw, hash->raw, sizeof hash->raw) == 0) {
            load->stale = true;
        }
    }
}

/* Loads name no account: all of those under way look again. */
void sessions_forget_account(struct domain *domain, int64_t account)
{
    struct sessions *sessions = domain->sessions;
    struct kept *kept = table_oldest(&sessions->table);

    while (kept != NULL) {
        struct kept *next = table_after(&kept->node);
        if (kept->session.account == account) {
            drop(sessions, kept);
        }
        kept = next;
    }
    for (struct load *load = sessions->loads; load != NULL; load = load->next) {
        load->stale = true;
    }
}

void sessions_forget_all(struct domain *domain)
{
    drop_all(domain->sessions);
    for (struct load *load = domain->sessions->loads; load != NULL; load = load->next) {
        load->stale = true;
    }
}

size_t sessions_dropped(struct domain *domain, struct store_rows *rows, int64_t now_ms)
{
    struct session_hash hash;
    int64_t expires_at = 0;
    size_t count = 0;

    while (sessions_sql_next_ended(rows, &hash, &expires_at)) {
        sessions_forget(domain, &hash);
        hub_end_session(domain->hub, hash.raw);
        if (expires_at > now_ms / 1000) {
            count++;
        }
    }
    return count;
}

static void load_take_out(struct sessions *sessions, const struct load *load)
{
    struct load **link = &sessions->loads;

    while (*link != load) {
        link = &(*link)->next;
    }
    *link = load->next;
}

static void load_submit(struct load *load);

static void load_answer(struct load *load, bool ok, struct store_rows *rows)
{
    struct session session = { .token_hash = load->hash };
    bool found =
        ok && sessions_sql_found(rows, &session) && session.expires_at > load->now_ms / 1000;

    if (found) {
        sessions_keep(load->domain, &session);
    }
    load->done(load->arg, ok, found ? &session : NULL);
    free(load);
}

static void on_loaded(void *arg, enum store_status status, struct store_rows *rows)
{
    struct load *load = arg;

    load_take_out(load->domain->sessions, load);
    if (status == STORE_OK && load->stale) {
        load_submit(load);
        return;
    }
    load_answer(load, status == STORE_OK, rows);
}

static void load_submit(struct load *load)
{
    struct store_batch *batch = sessions_sql_find(&load->hash);

    load->stale = false;
    load->next = load->domain->sessions->loads;
    load->domain->sessions->loads = load;
    store_read(load->domain->store, &batch, on_loaded, load);
}

void sessions_load(struct domain *domain, const struct session_hash *hash, int64_t now_ms,
                   sessions_loaded_fn *done, void *arg)
{
    struct load *load = mem_zeroed(1, sizeof *load);

    load->domain = domain;
    load->hash = *hash;
    load->now_ms = now_ms;
    load->done = done;
    load->arg = arg;
    load_submit(load);
}
