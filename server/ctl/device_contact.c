/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery contacts: people who keep a share of the recovery key's seed, to which the relay has the
 * other share.  The label of a slot is the contact's id, sealed to this device.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/decimal.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/recovery_share.h"
#include "common/sigbytes.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/deliver.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/people.h"
#include "server/ctl/recovery_seed.h"
#include "server/ctl/say.h"
#include "server/ctl/shares.h"
#include "server/ctl/stepup.h"

enum {
    PATH_BYTES = 64,
    SEALED_BYTES = ACCOUNT_ID_BYTES + CRYPTO_SEAL_BYTES
};

static bool slot_read(const char *text, int64_t *out)
{
    if (decimal_parse(bytes_text(text), LIMIT_RECOVERY_SLOTS, out) && *out > 0) {
        return true;
    }
    say_error("\"%.40s\" is no slot from 1 to %d; see sealpost device contact list", text,
              LIMIT_RECOVERY_SLOTS);
    return false;
}

static enum exit_code slot_command(struct device *device, const struct arguments *arguments,
                                   const char *method, int64_t slot, json_t *body)
{
    char path[PATH_BYTES];
    const struct http_call call = { .method = method, .path = path, .body = body };
    json_t *answer = NULL;

    (void)snprintf(path, sizeof path, "/v1/recovery/contacts/%" PRId64, slot);
    enum exit_code code = stepup_command_ask(device, arguments, COMMAND_SHARE_PUT, &call, &answer);
    json_decref(answer);
    return code;
}

static enum exit_code contacts_ask(struct device *device, json_t **out)
{
    const struct http_call call = { .method = "GET", .path = "/v1/recovery/contacts" };

    return device_ask(device, &call, out);
}

/* ---- add ---- */

static bool is_taken(const json_t *contacts, int64_t slot)
{
    for (size_t i = 0; i < json_array_size(contacts); i++) {
        if (json_integer_value(json_object_get(json_array_get(contacts, i), "slot")) == slot) {
            return true;
        }
    }
    return false;
}

/* The slot that --slot names, or the first that is free. */
static enum exit_code slot_choose(const struct arguments *arguments, struct device *device,
                                  int64_t *out)
{
    const char *given = arguments_text(arguments, OPTION_SLOT, NULL);
    json_t *answer = NULL;

    if (given != NULL) {
        return slot_read(given, out) ? EXIT_CODE_OK : EXIT_CODE_USAGE;
    }
    enum exit_code code = contacts_ask(device, &answer);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    *out = 1;
    while (*out <= LIMIT_RECOVERY_SLOTS && is_taken(json_object_get(answer, "contacts"), *out)) {
        ++*out;
    }
    json_decref(answer);
    if (*out > LIMIT_RECOVERY_SLOTS) {
        say_error("you have %d recovery contacts, the most there may be; remove one first, or "
                  "name its slot with --slot",
                  LIMIT_RECOVERY_SLOTS);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

/* Read the recovery key's seed and compare it with the account's verified head. */
static enum exit_code own_seed_read(const struct arguments *arguments, struct device *device,
                                    uint8_t own[32])
{
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    struct chain chain;
    enum exit_code code = people_fetch(device, &device->state.account, &chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (!chain.head->has_recovery) {
        say_error("your account has no recovery key; make one with \"sealpost device "
                  "recovery-key\"");
        code = EXIT_CODE_REFUSED;
    } else {
        code = recovery_seed_read(arguments, own);
    }
    if (code == EXIT_CODE_OK) {
        crypto_public_of(own, pub);
        if (memcmp(pub, chain.head->recovery_pub, sizeof pub) != 0) {
            say_error("that is not your account's recovery key");
            code = EXIT_CODE_REFUSED;
        }
    }
    chain_clear(&chain);
    return code;
}

static json_t *label_json(const struct device_state *state, const struct account_id *contact)
{
    uint8_t sealed[SEALED_BYTES];
    bool is_sealed =
        crypto_seal_box(state->box_public, bytes_of(contact->raw, sizeof contact->raw), sealed);

    return json_base64url(bytes_of(sealed, is_sealed ? sizeof sealed : 0));
}

/* The relay gets its share first: it may refuse, and then the contact is sent nothing. */
static enum exit_code share_give(struct device *device, const struct arguments *arguments,
                                 const struct account_id *contact, int64_t slot,
                                 const uint8_t seed[32])
{
    struct recovery_share share = { .account_id = device->state.account, .slot = (uint8_t)slot };
    uint8_t a[RECOVERY_A_BYTES];
    struct buf content = { 0 };

    random_fill(a, sizeof a);
    recovery_share_make(&share, a, seed);
    enum exit_code code = slot_command(device, arguments, "PUT", slot,
                                       json_pack("{s:I, s:o, s:o}", "slot", (json_int_t)slot,
                                                 "share", json_base64url(bytes_of(a, sizeof a)),
                                                 "label", label_json(&device->state, contact)));
    mem_wipe(a, sizeof a);
    if (code == EXIT_CODE_OK) {
        shares_write(&share, &content);
        code = deliver(device, contact, buf_view(&content));
        mem_wipe(content.at, content.size);
        buf_clear(&content);
        if (code != EXIT_CODE_OK) {
            say_error("the contact was not sent its share: add it again, with --slot %" PRId64,
                      slot);
        }
    }
    mem_wipe(&share, sizeof share);
    return code;
}

static enum exit_code add(const struct arguments *arguments, struct device *device,
                          const struct account_id *contact)
{
    uint8_t seed[32];
    int64_t slot = 0;
    enum exit_code code = slot_choose(arguments, device, &slot);

    if (code == EXIT_CODE_OK) {
        code = own_seed_read(arguments, device, seed);
    }
    if (code == EXIT_CODE_OK) {
        code = share_give(device, arguments, contact, slot, seed);
    }
    mem_wipe(seed, sizeof seed);
    if (code == EXIT_CODE_OK) {
        (void)printf("slot %" PRId64 ": the contact was sent its share, and keeps it once it has "
                     "run \"sealpost device receive\"\n",
                     slot);
    }
    return code;
}

enum exit_code device_contact_add(const struct arguments *arguments)
{
    struct account_id contact;
    struct device device;

    if (!people_parse_id(arguments->words[0], &contact) || !stepup_options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (memcmp(contact.raw, device.state.account.raw, sizeof contact.raw) == 0) {
        say_error("a recovery contact is somebody else: your own devices may all be lost");
        code = EXIT_CODE_USAGE;
    } else {
        code = add(arguments, &device, &contact);
    }
    device_close(&device);
    return code;
}

/* ---- list and remove ---- */

/* Whose a slot is, to be freed; NULL when another device filled it. */
static char *contact_of(const struct device_state *state, const json_t *entry)
{
    const char *label = json_string_value(json_object_get(entry, "label"));
    uint8_t sealed[SEALED_BYTES];
    uint8_t id[ACCOUNT_ID_BYTES];

    if (label == NULL || !base64url_decode_exact(bytes_text(label), sealed, sizeof sealed) ||
        !crypto_open_box(state->box_public, state->box_secret, bytes_of(sealed, sizeof sealed),
                         id)) {
        return NULL;
    }
    return base64url_text(bytes_of(id, sizeof id));
}

static void print_contact(const struct device_state *state, const json_t *entry)
{
    char *contact = contact_of(state, entry);

    (void)printf("slot %" PRId64 " %s\n",
                 (int64_t)json_integer_value(json_object_get(entry, "slot")),
                 contact == NULL ? "was filled by another device of yours" : contact);
    free(contact);
}

enum exit_code device_contact_list(const struct arguments *arguments)
{
    struct device device;
    json_t *answer = NULL;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = contacts_ask(&device, &answer);
    const json_t *contacts = json_object_get(answer, "contacts");
    if (code == EXIT_CODE_OK && arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_deep_copy(contacts));
    } else if (code == EXIT_CODE_OK) {
        for (size_t i = 0; i < json_array_size(contacts); i++) {
            print_contact(&device.state, json_array_get(contacts, i));
        }
        if (json_array_size(contacts) == 0) {
            (void)puts("you have no recovery contacts");
        }
    }
    json_decref(answer);
    device_close(&device);
    return code;
}

enum exit_code device_contact_remove(const struct arguments *arguments)
{
    struct device device;
    int64_t slot = 0;

    if (!slot_read(arguments->words[0], &slot) || !stepup_options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = slot_command(&device, arguments, "DELETE", slot,
                            json_pack("{s:I}", "slot", (json_int_t)slot));
        device_close(&device);
    }
    if (code == EXIT_CODE_OK) {
        (void)printf("slot %" PRId64 " is empty; the share that its contact keeps opens nothing "
                     "now\n",
                     slot);
    }
    return code;
}
