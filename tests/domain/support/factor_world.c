/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/handle.h"
#include "common/mem.h"
#include "server/domain/commands.h"
#include "server/domain/mailboxes.h"
#include "server/store/store.h"
#include "tests/domain/support/handle_scenes.h"

static struct domain *domain_of(struct factor_world *world, uint32_t choice)
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

    txns_begin(domain_of(world, choice), &order, world->model.now_ms, hear_txn, &heard);
    world_wait(world, &heard.done);
    return heard.outcome;
}

struct txns_outcome world_challenge(struct factor_world *world, uint32_t choice, size_t txn,
                                    enum factor_kind kind)
{
    struct heard_txn heard = { .done = false };

    txns_challenge(domain_of(world, choice), &world->model.txns[txn].id, kind, world->model.now_ms,
                   hear_txn, &heard);
    world_wait(world, &heard.done);
    return heard.outcome;
}

void world_answer_start(struct factor_world *world, uint32_t choice,
                        const struct model_guess *guess, struct heard_txn *heard)
{
    const struct txns_guess order = { world->model.txns[guess->txn].id,
                                      world->model.challenges[guess->challenge].id,
                                      bytes_text(guess->text) };

    *heard = (struct heard_txn){ .done = false };
    txns_answer(domain_of(world, choice), &order, world->model.now_ms, hear_txn, heard);
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
        memcpy(heard->secret, outcome->secret, sizeof heard->secret);
        memcpy(heard->codes, outcome->codes, sizeof heard->codes);
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

    *heard = (struct heard_factor){ .done = false };
    order.kind = kind;
    order.label = bytes_text("label");
    factors_enrol(domain_of(world, choice), &order, world->model.now_ms, hear_factor, heard);
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
                                  const struct model_command *command, const struct factor_id *id,
                                  uint32_t code)
{
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(world, command, &guard);

    order.factor_id = *id;
    order.code = code;
    factors_confirm(domain_of(world, choice), &order, world->model.now_ms, hear_factor, &heard);
    world_wait(world, &heard.done);
    return heard;
}

struct heard_factor world_remove(struct factor_world *world, uint32_t choice,
                                 const struct model_command *command, const struct factor_id *id)
{
    struct heard_factor heard = { .done = false };
    struct command_guard guard;
    struct factors_order order = order_of(world, command, &guard);

    order.factor_id = *id;
    factors_remove(domain_of(world, choice), &order, world->model.now_ms, hear_factor, &heard);
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

    handles_release(domain_of(world, choice), &order, world->model.now_ms, hear_handle, &heard);
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

    accounts_erase(domain_of(world, choice), &order, world->model.now_ms, scene_hear_account,
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

    codes_list(domain_of(world, choice), world->accounts[person], world->model.now_ms, hear_codes,
               &heard);
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

    account_log_list(domain_of(world, choice), world->accounts[person], 0, hear_log, &heard);
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

    factors_list(domain_of(world, choice), &world->people[person].account_id, hear_factors, &heard);
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

        purges[i](domain_of(world, choice), world->model.now_ms, scene_hear_purge, &heard);
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
