/* SPDX-License-Identifier: Apache-2.0 */
/* The recovery key: made and shown once; and an account that is recovered by it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/recovery_key.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/draft_put.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/people.h"
#include "server/ctl/recovering.h"
#include "server/ctl/recovery_seed.h"
#include "server/ctl/say.h"

/* Who else must sign that the account has a first recovery key. */
static bool other_admins(const struct manifest *head, uint32_t self)
{
    for (size_t i = 0; i < head->device_count; i++) {
        if (head->devices[i].device_id != self &&
            (head->devices[i].flags & MANIFEST_DEVICE_ADMIN) != 0) {
            return true;
        }
    }
    return false;
}

/* Sign in turn by each of count signers; what was signed so far is in *draft. */
static void sign_by(struct buf *draft, uint32_t signer, const uint8_t seed[32])
{
    struct buf signed_draft = { 0 };

    if (draft_sign(buf_view(draft), signer, seed, &signed_draft) == DRAFT_OK) {
        buf_empty(draft);
        buf_append(draft, buf_view(&signed_draft));
    }
    buf_clear(&signed_draft);
}

/* Print the key; false when standard output does not take it: then nothing is put. */
static bool show_key(const struct arguments *arguments, const struct recovery_key *key)
{
    char text[RECOVERY_KEY_TEXT_CHARS + 1];

    recovery_key_write(key, text);
    if (arguments_has(arguments, OPTION_JSON)) {
        (void)printf("{\"recovery_key\":\"%s\"}\n", text);
    } else {
        (void)printf("%s\n", text);
    }
    mem_wipe(text, sizeof text);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        say_error("cannot write to standard output; the account has no new recovery key");
        return false;
    }
    return true;
}

struct making {
    struct device *device;
    struct recovery_key key;
    uint8_t seed[32];
    uint8_t old_seed[32];
};

static enum exit_code key_put(const struct arguments *arguments, struct making *making,
                              const struct manifest *head)
{
    const struct device_state *state = &making->device->state;
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    struct buf draft = { 0 };
    enum exit_code code = EXIT_CODE_OK;

    crypto_public_of(making->seed, pub);
    draft_recovery_key(head, pub, clock_now_ms() / 1000, &draft);
    sign_by(&draft, state->device_id, state->seed);
    sign_by(&draft, MANIFEST_SIGNER_NEW_RECOVERY, making->seed);
    if (head->has_recovery) {
        sign_by(&draft, MANIFEST_SIGNER_RECOVERY, making->old_seed);
    }
    if (!show_key(arguments, &making->key)) {
        code = EXIT_CODE_LOCAL;
    } else if (!head->has_recovery && other_admins(head, state->device_id)) {
        (void)fputs("every admin device of your account must sign this: \"sealpost device manifest "
                    "sign\" on each of the others, then \"manifest put\". The key is good from "
                    "then on\n",
                    stderr);
        say_base64url(buf_view(&draft));
    } else {
        code = draft_put(making->device, buf_view(&draft));
        if (code != EXIT_CODE_OK) {
            say_error("the key that was shown is worth nothing; make another one");
        } else {
            (void)fputs("keep the key on paper: it is shown this once. Recovery contacts have to "
                        "be added anew\n",
                        stderr);
        }
    }
    buf_clear(&draft);
    return code;
}

/* Fetch the head, and the key that stands, which alone can give way to another. */
static enum exit_code key_make(const struct arguments *arguments, struct making *making)
{
    uint8_t pub[CRYPTO_PUBLIC_BYTES];
    struct chain chain;
    enum exit_code code = people_fetch(making->device, &making->device->state.account, &chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (chain.head->has_recovery) {
        (void)fputs("your account has a recovery key; it is asked for, to be replaced\n", stderr);
        code = recovery_seed_read(arguments, making->old_seed);
        if (code == EXIT_CODE_OK) {
            crypto_public_of(making->old_seed, pub);
        }
        if (code == EXIT_CODE_OK && memcmp(pub, chain.head->recovery_pub, sizeof pub) != 0) {
            say_error("that is not your account's recovery key");
            code = EXIT_CODE_REFUSED;
        }
    }
    if (code == EXIT_CODE_OK) {
        recovery_key_make(&making->key);
        recovery_key_seed(&making->key, making->seed);
        code = key_put(arguments, making, chain.head);
    }
    chain_clear(&chain);
    return code;
}

enum exit_code device_recover_key(const struct arguments *arguments)
{
    struct device device;
    struct making making = { .device = &device };
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = key_make(arguments, &making);
    mem_wipe(&making, sizeof making);
    device_close(&device);
    return code;
}

enum exit_code device_recover_run(const struct arguments *arguments)
{
    struct recovering_whom whom;
    struct device device;
    uint8_t seed[32];

    if (!recovering_whom_read(arguments->words[0], &whom)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = recovering_open(arguments, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = recovery_seed_read(arguments, seed);
    if (code == EXIT_CODE_OK) {
        code = recovering_run(&device, &whom, seed);
        mem_wipe(seed, sizeof seed);
    }
    if (code == EXIT_CODE_OK) {
        recovering_say(arguments, &device);
    }
    device_close(&device);
    return code;
}
