/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/handle_scenes.h"

#include <stdio.h>
#include <string.h>

#include "common/crypto.h"
#include "server/domain/accounts.h"
#include "server/domain/mailboxes.h"
#include "tests/support/unit.h"

void handles_sign(struct buf *out, struct person *person, uint32_t device_id, const char *name,
                  int64_t seq)
{
    size_t before = out->size;
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct handle handle = { .text = "" };

    (void)snprintf(handle.text, sizeof handle.text, "%s", name);
    handle_append_signed(out, &handle, seq, &person->account_id);
    crypto_make_signature(person_device(person, device_id)->seed,
                          bytes_of(out->at + before, out->size - before), signature);
    buf_append_u32(out, device_id);
    buf_append(out, bytes_of(signature, sizeof signature));
}

int handles_set_up(void **state)
{
    static struct handles_setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 2);
    person_init(&setting.bob, 1);
    scene_register(&setting.temp, &setting.ada);
    scene_register(&setting.temp, &setting.bob);
    setting.command_seq = 1;
    *state = &setting;
    return 0;
}

int handles_tear_down(void **state)
{
    struct handles_setting *setting = *state;

    person_clear(&setting->ada);
    person_clear(&setting->bob);
    temp_domain_close(&setting->temp);
    return 0;
}

static void hear(void *arg, const struct handles_outcome *outcome)
{
    struct heard_handle *heard = arg;

    assert_false(heard->done);
    heard->outcome = *outcome;
    heard->done = true;
}

void handles_claim_start(struct temp_domain *temp, struct bytes input, int64_t now_ms,
                         struct heard_handle *heard)
{
    struct handle_binding binding;

    *heard = (struct heard_handle){ .done = false };
    assert_true(handle_binding_read(input, &binding));
    handles_claim(&temp->domain, &binding, input, now_ms, hear, heard);
}

struct handles_outcome handles_claim_bytes(struct handles_setting *setting, struct bytes input,
                                           int64_t now_ms)
{
    struct heard_handle heard;

    handles_claim_start(&setting->temp, input, now_ms, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

struct handles_outcome handles_claim_at(struct handles_setting *setting, struct person *person,
                                        const char *name, int64_t seq, int64_t now_ms)
{
    struct buf input = { 0 };
    struct handles_outcome outcome;

    handles_sign(&input, person, 1, name, seq);
    outcome = handles_claim_bytes(setting, buf_view(&input), now_ms);
    buf_clear(&input);
    return outcome;
}

enum handles_result handles_claim_by(struct handles_setting *setting, struct person *person,
                                     const char *name, int64_t seq)
{
    return handles_claim_at(setting, person, name, seq, SCENE_NOW_MS).result;
}

static struct handle named(const char *name)
{
    struct handle handle;

    assert_true(handle_read(bytes_text(name), &handle));
    return handle;
}

struct handles_outcome handles_release_with(struct handles_setting *setting, struct person *person,
                                            const char *name, const struct command_guard *guard)
{
    struct heard_handle heard = { .done = false };
    struct session session;
    struct handles_release order = { .handle = named(name),
                                     .account_id = person->account_id,
                                     .guard = guard };
    struct session_hash hash = scene_begin(&setting->temp, person, 1);

    assert_true(scene_is_live(&setting->temp, &hash, SCENE_NOW_MS, &session));
    order.account = session.account;
    handles_release(&setting->temp.domain, &order, SCENE_NOW_MS, hear, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

enum handles_result handles_release_by(struct handles_setting *setting, struct person *person,
                                       uint32_t device_id, const char *name)
{
    struct mailbox *mailbox = scene_mailbox(&setting->temp, &person_device(person, device_id)->pub);
    const struct command_guard guard = { .mailbox = mailbox->number,
                                         .seq = setting->command_seq++ };

    return handles_release_with(setting, person, name, &guard).result;
}

static void hear_found(void *arg, bool ok, const struct handles_found *found)
{
    struct heard_found *heard = arg;

    assert_false(heard->done);
    heard->done = true;
    heard->ok = ok;
    heard->known = found != NULL;
    if (found != NULL) {
        heard->account_id = found->account_id;
        heard->binding_size = found->binding.size;
        memcpy(heard->binding, found->binding.at, found->binding.size);
    }
}

struct heard_found handles_look_up(struct handles_setting *setting, const char *name)
{
    struct heard_found found = { .done = false };
    struct handle handle = named(name);

    handles_lookup(&setting->temp.domain, &handle, hear_found, &found);
    temp_store_wait(&setting->temp.temp, &found.done);
    return found;
}

bool handles_is_nobodys(struct handles_setting *setting, const char *name)
{
    struct heard_found found = handles_look_up(setting, name);

    assert_true(found.ok);
    return !found.known;
}

bool handles_is_of(struct handles_setting *setting, const char *name, const struct person *person)
{
    struct heard_found found = handles_look_up(setting, name);

    return found.ok && found.known &&
           memcmp(found.account_id.raw, person->account_id.raw, sizeof found.account_id.raw) == 0;
}

void handles_erase(struct handles_setting *setting, struct person *person)
{
    const struct accounts_erasure order = { .account_id = person->account_id };
    struct heard_account heard = { 0 };

    accounts_erase(&setting->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_DONE);
}
