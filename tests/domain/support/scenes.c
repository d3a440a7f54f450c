/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/scenes.h"

#include <string.h>

#include "common/check.h"
#include "server/domain/challenges.h"
#include "server/store/store.h"

enum {
    STMTS_MAX = 64
};

void scene_hear_account(void *arg, const struct accounts_outcome *outcome)
{
    struct heard_account *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->outcome = *outcome;
}

struct accounts_outcome scene_register_with(struct temp_domain *temp, const struct person *person,
                                            const char *invite)
{
    struct heard_account heard = { 0 };

    accounts_register(&temp->domain, buf_view(&person->manifest), bytes_text(invite), SCENE_NOW_MS,
                      scene_hear_account, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    return heard.outcome;
}

void scene_register(struct temp_domain *temp, const struct person *person)
{
    CHECK(scene_register_with(temp, person, "").result == ACCOUNTS_DONE);
}

static void on_put(void *arg, const struct manifests_outcome *outcome)
{
    struct heard_put *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->outcome = *outcome;
    buf_append(&heard->head, outcome->head);
}

void scene_put_start(struct temp_domain *temp, const struct person *person, struct heard_put *heard)
{
    const struct manifests_order order = { .account_id = person->account_id,
                                           .epoch = person->epoch,
                                           .signed_bytes = buf_view(&person->manifest) };

    memset(heard, 0, sizeof *heard);
    manifests_put(&temp->domain, &order, SCENE_NOW_MS, on_put, heard);
}

enum manifests_result scene_put(struct temp_domain *temp, const struct person *person)
{
    struct heard_put heard;

    scene_put_start(temp, person, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    buf_clear(&heard.head);
    return heard.outcome.result;
}

void scene_hear_begin(void *arg, enum sessions_result result, const struct sessions_begun *begun)
{
    struct heard_begin *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->result = result;
    if (begun != NULL) {
        heard->begun = *begun;
    }
}

void scene_prove(struct temp_domain *temp, const struct person *person,
                 const struct person_device *device, struct sessions_proof *out)
{
    out->account_id = person->account_id;
    out->device_id = device->device_id;
    challenges_make(&temp->domain, SCENE_NOW_MS, &out->challenge);
    person_sign_auth(person, device, temp->domain.base_url, out->challenge.raw, out->signature);
}

struct heard_begin scene_try(struct temp_domain *temp, const struct sessions_proof *proof,
                             int64_t now_ms)
{
    struct heard_begin heard = { 0 };

    sessions_begin(&temp->domain, proof, now_ms, scene_hear_begin, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    return heard;
}

struct session_hash scene_begin(struct temp_domain *temp, struct person *person, uint32_t device_id)
{
    struct sessions_proof proof;
    struct session_hash hash = { { 0 } };
    struct heard_begin heard;

    scene_prove(temp, person, person_device(person, device_id), &proof);
    heard = scene_try(temp, &proof, SCENE_NOW_MS);
    CHECK(heard.result == SESSIONS_OK);
    CHECK(sessions_parse(bytes_text(heard.begun.token), &hash));
    return hash;
}

struct heard_session {
    bool done;
    bool found;
    struct session session;
};

static void on_session(void *arg, bool ok, const struct session *session)
{
    struct heard_session *heard = arg;

    CHECK(ok && !heard->done);
    heard->done = true;
    heard->found = session != NULL;
    if (session != NULL) {
        heard->session = *session;
    }
}

bool scene_is_live(struct temp_domain *temp, const struct session_hash *hash, int64_t now_ms,
                   struct session *out)
{
    struct heard_session heard = { 0 };

    sessions_load(&temp->domain, hash, now_ms, on_session, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    if (heard.found && out != NULL) {
        *out = heard.session;
    }
    return heard.found;
}

static void on_count(void *arg, enum store_status status, struct store_rows *rows)
{
    CHECK(status == STORE_OK && store_rows_next(rows));
    *(int64_t *)arg = store_rows_int(rows, 0);
}

/* A statement lives for good, as the store asks: one for each text. */
static const struct store_stmt *stmt_of(const char *sql)
{
    static struct store_stmt stmts[STMTS_MAX];

    for (size_t i = 0; i < STMTS_MAX; i++) {
        if (stmts[i].sql == NULL || strcmp(stmts[i].sql, sql) == 0) {
            stmts[i].name = "test";
            stmts[i].sql = sql;
            return &stmts[i];
        }
    }
    CHECK_UNREACHABLE();
}

int64_t scene_count(struct temp_domain *temp, const char *sql)
{
    struct store_batch *batch = store_batch_create();
    int64_t count = -1;

    store_batch_add(batch, stmt_of(sql));
    (void)temp_store_read(&temp->temp, &batch, on_count, &count);
    return count;
}

void scene_run(struct temp_domain *temp, const char *sql)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, stmt_of(sql));
    CHECK(temp_store_run(&temp->temp, &batch, NULL, NULL) == STORE_OK);
}

static void on_mailbox(void *arg, bool ok)
{
    CHECK(ok);
    *(bool *)arg = true;
}

struct mailbox *scene_mailbox(struct temp_domain *temp, const struct device_pub *pub)
{
    bool loaded = false;

    mailboxes_load(&temp->domain, pub, 1, on_mailbox, &loaded);
    temp_store_wait(&temp->temp, &loaded);
    return mailboxes_cached(temp->domain.mailboxes, pub);
}

void scene_hear_purge(void *arg, size_t row_count)
{
    struct heard_purge *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->row_count = row_count;
}

static void on_mail(void *arg, const struct hub_mail *mail)
{
    (void)arg;
    (void)mail;
}

static bool is_caught_up(void *arg)
{
    (void)arg;
    return false;
}

static void on_event(void *arg, const struct hub_event *event)
{
    struct scene_stream *stream = arg;

    stream->event_count++;
    stream->event = *event;
}

static void on_end(void *arg, enum hub_end reason)
{
    struct scene_stream *stream = arg;

    stream->end_count++;
    stream->end = reason;
    stream->events_before_end = stream->event_count;
    scene_leave(stream);
}

static void on_acknowledged(void *arg, const int64_t *seqs, size_t count, int64_t up_to)
{
    (void)arg;
    (void)seqs;
    (void)count;
    (void)up_to;
}

static void on_waiting(void *arg, const struct hub_waiting *waiting)
{
    (void)arg;
    (void)waiting;
}

void scene_listen(struct temp_domain *temp, const struct device_pub *pub,
                  const struct session_hash *hash, struct scene_stream *out)
{
    static const struct hub_listener listener = { on_mail,         is_caught_up, on_event,
                                                  on_acknowledged, on_waiting,   on_end };

    memset(out, 0, sizeof *out);
    out->hub = temp->domain.hub;
    out->stream = hub_join(out->hub, pub, hash->raw, &listener, out);
}

void scene_leave(struct scene_stream *stream)
{
    if (stream->stream != NULL) {
        hub_leave(stream->hub, stream->stream);
        stream->stream = NULL;
    }
}
