/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/check.h"
#include "common/handle.h"
#include "common/mem.h"
#include "server/domain/commands.h"
#include "server/domain/mailboxes.h"
#include "server/store/store.h"
#include "tests/domain/support/authenticator.h"
#include "tests/domain/support/handle_scenes.h"

struct domain *world_domain(struct factor_world *world, uint32_t choice)
{
    return &world->daemons[choice % world->daemon_count].domain;
}

void world_wait(struct factor_world *world, const bool *done)
{
    temp_store_wait(&world->daemons[0].temp, done); /* they share the loop */
}

struct factor_world *factor_world_open(void)
{
    struct factor_world *world = mem_zeroed(1, sizeof *world);

    temp_domain_open(&world->daemons[0]);
    world->daemon_count = 1;
    if (temp_store_is_shared()) {
        temp_domain_open_beside(&world->daemons[1], &world->daemons[0]);
        world->daemon_count = 2;
    }
    for (size_t i = 0; i < MODEL_PEOPLE; i++) {
        person_init(&world->people[i], MODEL_DEVICES);
        person_first_with_recovery(&world->people[i]);
    }
    world->next_seq = 1;
    world->model.now_ms = SCENE_NOW_MS;
    return world;
}

void factor_world_close(struct factor_world *world)
{
    for (size_t i = 0; i < MODEL_PEOPLE; i++) {
        person_clear(&world->people[i]);
    }
    if (world->daemon_count == 2) {
        temp_domain_close(&world->daemons[1]);
    }
    temp_domain_close(&world->daemons[0]);
    free(world);
}

void world_restart(struct factor_world *world, uint32_t choice)
{
    temp_domain_restart(&world->daemons[choice % world->daemon_count]);
}

struct handle world_handle(size_t person)
{
    struct handle handle = { .text = "" };

    (void)snprintf(handle.text, sizeof handle.text, "person-%zu", person);
    return handle;
}

static void claim(struct factor_world *world, size_t at)
{
    struct handle handle = world_handle(at);
    struct heard_handle heard;
    struct buf input = { 0 };

    handles_sign(&input, &world->people[at], 1, handle.text, 0);
    handles_claim_start(&world->daemons[0], buf_view(&input), SCENE_NOW_MS, &heard);
    world_wait(world, &heard.done);
    CHECK(heard.outcome.result == HANDLES_DONE);
    buf_clear(&input);
}

void world_arrive(struct factor_world *world, size_t at)
{
    struct temp_domain *first = &world->daemons[0];
    struct person *person = &world->people[at];
    struct session session;
    struct session_hash hash;

    scene_register(first, person);
    hash = scene_begin(first, person, 1);
    CHECK(scene_is_live(first, &hash, SCENE_NOW_MS, &session));
    world->accounts[at] = session.account;
    for (size_t i = 0; i < MODEL_DEVICES; i++) {
        world->mailboxes[at][i] = scene_mailbox(first, &person->devices[i].pub)->number;
    }
    claim(world, at);
}

static void hear_txn(void *arg, const struct txns_outcome *outcome)
{
    struct heard_txn *heard = arg;

    CHECK(!heard->done);
    heard->outcome = *outcome;
    if (outcome->ke2 != NULL) {
        memcpy(heard->ke2, outcome->ke2, sizeof heard->ke2);
    }
    if (outcome->options != NULL) {
        memcpy(heard->challenge, outcome->options->challenge, sizeof heard->challenge);
        heard->allowed_count = outcome->options->allowed->count;
    }
    heard->done = true;
}

struct txns_outcome world_begin(struct factor_world *world, uint32_t choice,
                                const struct model_who *who, enum txn_purpose purpose)
{
    const struct handle handle = world_handle(who->person);
    const struct txns_order order = { .purpose = purpose,
                                      .handle = who->by_handle ? &handle : NULL,
                                      .account_id = world->people[who->person].account_id };
    struct heard_txn heard = { .done = false };

    txns_begin(world_domain(world, choice), &order, world->model.now_ms, hear_txn, &heard);
    world_wait(world, &heard.done);
    return heard.outcome;
}

static const struct model_factor *password_of(const struct model_person *person)
{
    for (size_t i = 0; i < person->factor_count; i++) {
        if (person->factors[i].kind == FACTOR_PASSWORD && person->factors[i].is_confirmed) {
            return &person->factors[i];
        }
    }
    return NULL;
}

bool world_client(const struct factor_world *world, size_t person, struct opaque_client *out)
{
    static const uint8_t none[OPAQUE_RESPONSE_BYTES];
    const struct model_factor *password = password_of(&world->model.people[person]);

    opaque_client_init(out, password == NULL ? 1 : password->number,
                       password == NULL ? none : password->response);
    opaque_client_begin(out, 1);
    return password != NULL;
}

void world_challenge_start(struct factor_world *world, uint32_t choice, size_t txn,
                           enum factor_kind kind, struct heard_txn *heard)
{
    struct opaque_client client;
    const struct txns_challenge_order order = { world->model.txns[txn].id, kind, client.ke1 };

    (void)world_client(world, world->model.txns[txn].person, &client);
    *heard = (struct heard_txn){ .done = false };
    txns_challenge(world_domain(world, choice), &order, world->model.now_ms, hear_txn, heard);
}

void world_challenge_heard(struct factor_world *world, const struct heard_txn *heard,
                           struct model_challenge *made)
{
    const struct model_txn *txn = &world->model.txns[made->txn];
    struct opaque_client client;
    struct buf text = { 0 };
    uint8_t ke3[OPAQUE_KE3_BYTES];

    made->id = heard->outcome.txn_challenge_id;
    memcpy(made->asked, heard->challenge, sizeof made->asked);
    if (made->kind == FACTOR_PASSWORD && txn->is_real &&
        world_client(world, txn->person, &client)) {
        opaque_client_finish(&client, heard->ke2, ke3);
        base64url_encode(bytes_of(ke3, sizeof ke3), &text);
        CHECK(text.size < sizeof made->ke3);
        memcpy(made->ke3, text.at, text.size);
        made->password = password_of(&world->model.people[txn->person])->id;
        buf_clear(&text);
    }
}

static void start_text(struct factor_world *world, uint32_t choice, const struct model_guess *guess,
                       const struct factor_reply *reply, struct heard_txn *heard)
{
    const struct txns_guess order = { world->model.txns[guess->txn].id,
                                      world->model.challenges[guess->challenge].id, *reply };

    *heard = (struct heard_txn){ .done = false };
    txns_answer(world_domain(world, choice), &order, world->model.now_ms, hear_txn, heard);
}

void world_answer_start(struct factor_world *world, uint32_t choice,
                        const struct model_guess *guess, struct heard_txn *heard)
{
    static const uint8_t other[WEBAUTHN_CHALLENGE_BYTES] = { 1 };
    const struct model_assertion *assertion = guess->assertion;
    struct factor_reply reply = { .text = bytes_of(NULL, 0) };
    struct authenticator authenticator;

    if (guess->text != NULL) {
        reply.text = bytes_text(guess->text);
        start_text(world, choice, guess, &reply, heard);
        return;
    }
    authenticator_init(&authenticator, assertion->number);
    authenticator.counter = assertion->counter;
    authenticator_get(&authenticator, assertion->is_other
                                          ? other
                                          : world->model.challenges[guess->challenge].asked);
    authenticator.signature[0] ^= assertion->is_spoilt ? 1 : 0;
    reply.id = bytes_of(authenticator.id, sizeof authenticator.id);
    reply.assertion.client_data = buf_view(&authenticator.client_data);
    reply.assertion.auth_data = buf_view(&authenticator.auth_data);
    reply.assertion.signature = bytes_of(authenticator.signature, sizeof authenticator.signature);
    start_text(world, choice, guess, &reply, heard);
    authenticator_clear(&authenticator);
}

static void hear_factor(void *arg, const struct factors_outcome *outcome)
{
    struct heard_factor *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->result = outcome->result;
    heard->last_seq = outcome->last_seq;
    if (outcome->result == FACTORS_DONE) {
        heard->factor_id = outcome->factor_id;
        if (outcome->secret != NULL) {
            memcpy(heard->secret, outcome->secret, sizeof heard->secret);
        }
        memcpy(heard->codes, outcome->codes, sizeof heard->codes);
        memcpy(heard->response, outcome->response, sizeof heard->response);
        memcpy(heard->challenge, outcome->creation->challenge, sizeof heard->challenge);
        heard->excluded_count = outcome->creation->excluded.count;
    }
}

static struct command_guard guard_of(const struct factor_world *world,
                                     const struct model_command *command)
{
    return (struct command_guard){ .mailbox = world->mailboxes[command->person][command->device],
                                   .seq = command->seq };
}

/* guard lives as long as the call. */
static struct factors_order order_of(const struct factor_world *world,
                                     const struct model_command *command,
                                     struct command_guard *guard)
{
    *guard = guard_of(world, command);
    return (struct factors_order){ .account = world->accounts[command->person],
                                   .account_id = world->people[command->person].account_id,
                                   .device_id = (uint32_t)command->device + 1,
                                   .guard = guard,
                                   .grant = command->grant };
}

void world_enrol_start(struct factor_world *world, uint32_t choice,
                       const struct model_command *command, enum factor_kind kind,
                       struct heard_factor *heard)
{
    struct command_guard guard;
    struct factors_order order = order_of(world, command, &guard);
    struct opaque_client client;

    (void)world_client(world, command->person, &client);
    *heard = (struct heard_factor){ .done = false };
    order.kind = kind;
    order.label = bytes_text("label");
    order.request = client.ke1; /* any element */
    factors_enrol(world_domain(world, choice), &order, world->model.now_ms, hear_factor, heard);
}

struct heard_factor world_enrol(struct factor_world *world, uint32_t choice,
                                const struct model_command *command, enum factor_kind kind)
{
    struct heard_factor heard;

    world_enrol_start(world, choice, command, kind, &heard);
    world_wait(world, &heard.done);
    return heard;
}

struct heard_factor world_confirm(struct factor_world *world, uint32_t choice,
                                  const struct model_command *command,
                                  const struct model_factor *factor,
                                  const struct model_proof *proof)
{
    static const uint8_t other[WEBAUTHN_CHALLENGE_BYTES] = { 1 };
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(world, command, &guard);
    struct authenticator authenticator;
    struct opaque_client client;
    struct factors_proof shown = { .kind = proof->kind, .code = proof->code };

    authenticator_init(&authenticator, proof->number);
    authenticator_create(&authenticator, proof->is_other ? other : factor->challenge);
    opaque_client_init(&client, factor->number, factor->response);
    shown.record = client.record;
    shown.client_data = buf_view(&authenticator.client_data);
    shown.auth_data = buf_view(&authenticator.auth_data);
    order.factor_id = factor->id;
    order.proof = &shown;
    factors_confirm(world_domain(world, choice), &order, world->model.now_ms, hear_factor, &heard);
    world_wait(world, &heard.done);
    authenticator_clear(&authenticator);
    return heard;
}

struct heard_factor world_remove(struct factor_world *world, uint32_t choice,
                                 const struct model_command *command, const struct factor_id *id)
{
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(world, command, &guard);

    order.factor_id = *id;
    factors_remove(world_domain(world, choice), &order, world->model.now_ms, hear_factor, &heard);
    world_wait(world, &heard.done);
    return heard;
}

static void hear_handle(void *arg, const struct handles_outcome *outcome)
{
    struct heard_handle *heard = arg;

    CHECK(!heard->done);
    heard->outcome = *outcome;
    heard->done = true;
}

enum handles_result world_release(struct factor_world *world, uint32_t choice,
                                  const struct model_command *command)
{
    const struct command_guard guard = guard_of(world, command);
    const struct handles_release order = { .handle = world_handle(command->person),
                                           .account_id = world->people[command->person].account_id,
                                           .account = world->accounts[command->person],
                                           .guard = &guard,
                                           .grant = command->grant };
    struct heard_handle heard = { .done = false };

    handles_release(world_domain(world, choice), &order, world->model.now_ms, hear_handle, &heard);
    world_wait(world, &heard.done);
    return heard.outcome.result;
}

struct accounts_outcome world_erase(struct factor_world *world, uint32_t choice,
                                    const struct model_command *command)
{
    const struct command_guard guard = guard_of(world, command);
    const struct accounts_erasure order = { .account_id = world->people[command->person].account_id,
                                            .guard = &guard,
                                            .grant = command->grant };
    struct heard_account heard = { .done = false };

    accounts_erase(world_domain(world, choice), &order, world->model.now_ms, scene_hear_account,
                   &heard);
    world_wait(world, &heard.done);
    return heard.outcome;
}

static void hear_codes(void *arg, bool ok, const struct shown_code *codes, size_t count)
{
    struct world_codes *heard = arg;

    CHECK(ok && count <= LIMIT_CODES_HOUR);
    for (size_t i = 0; i < count; i++) {
        heard->codes[i] = codes[i];
    }
    heard->count = count;
    heard->done = true;
}

struct world_codes world_codes(struct factor_world *world, uint32_t choice, size_t person)
{
    struct world_codes heard = { .done = false };

    codes_list(world_domain(world, choice), world->accounts[person], world->model.now_ms,
               hear_codes, &heard);
    world_wait(world, &heard.done);
    return heard;
}

static void hear_log(void *arg, bool ok, const struct account_log_entry *entries, size_t count)
{
    struct world_log *heard = arg;

    CHECK(ok && count <= ACCOUNT_LOG_PAGE);
    for (size_t i = 0; i < count; i++) {
        heard->entries[i] = entries[i];
    }
    heard->count = count;
    heard->done = true;
}

struct world_log world_log(struct factor_world *world, uint32_t choice, size_t person)
{
    struct world_log heard = { .done = false };

    account_log_list(world_domain(world, choice), world->accounts[person], 0, hear_log, &heard);
    world_wait(world, &heard.done);
    return heard;
}

static void hear_factors(void *arg, bool ok, const struct factors_view *views, size_t count)
{
    struct world_factors *heard = arg;

    CHECK(ok && count <= FACTORS_LIST_MAX);
    for (size_t i = 0; i < count; i++) {
        heard->views[i] = views[i];
        heard->views[i].label = (struct bytes){ 0 };
    }
    heard->count = count;
    heard->done = true;
}

struct world_factors world_factors(struct factor_world *world, uint32_t choice, size_t person)
{
    struct world_factors heard = { .done = false };

    factors_list(world_domain(world, choice), &world->people[person].account_id, hear_factors,
                 &heard);
    world_wait(world, &heard.done);
    return heard;
}

void world_purge(struct factor_world *world, uint32_t choice)
{
    static factor_purge_fn *const purges[] = { txns_purge,    txns_purge_challenges,
                                               grants_purge,  txns_purge_guesses,
                                               factors_purge, account_log_purge };

    for (size_t i = 0; i < sizeof purges / sizeof purges[0]; i++) {
        struct heard_purge heard = { .done = false };

        purges[i](world_domain(world, choice), world->model.now_ms, scene_hear_purge, &heard);
        world_wait(world, &heard.done);
        CHECK(heard.row_count < DOMAIN_PURGE_ROWS);
    }
}

static void on_count(void *arg, enum store_status status, struct store_rows *rows)
{
    CHECK(status == STORE_OK && store_rows_next(rows));
    *(int64_t *)arg = store_rows_int(rows, 0);
}

int64_t world_guesses(struct factor_world *world, size_t person)
{
    static const struct store_stmt count = {
        .name = "guesses.count",
        .sql = "SELECT count(*) FROM guesses WHERE subject = $1",
    };
    struct store_batch *batch = store_batch_create();
    struct temp_domain *first = &world->daemons[0];
    int64_t guesses = 0;

    store_batch_add(batch, &count);
    store_bind_int(batch, txns_subject(&first->domain, &world->people[person].account_id));
    CHECK(temp_store_read(&first->temp, &batch, on_count, &guesses) == STORE_OK);
    return guesses;
}
