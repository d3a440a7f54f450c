/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the device list, by files that travel between the devices:
 *
 *   new device            admin device                        new device
 *   device entry > E      device manifest add E > D           device manifest sign D > S
 *                                                             device manifest put S
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/decimal.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/draft_put.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/folder.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"

enum {
    FILE_MAX_BYTES = 131072
};

/* Read a file of one line of base64url. */
static enum exit_code file_read(const char *path, struct buf *out)
{
    struct buf text = { 0 };
    enum exit_code code = EXIT_CODE_LOCAL;

    if (folder_read_path(path, FILE_MAX_BYTES, &text)) {
        while (text.size > 0 &&
               (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r')) {
            text.size--;
        }
        if (base64url_decode(buf_view(&text), out)) {
            code = EXIT_CODE_OK;
        } else {
            say_error("%s is not one line of base64url, as these commands write it", path);
        }
    }
    buf_clear(&text);
    return code;
}

static enum exit_code say_draft(enum draft_result result)
{
    say_error("%s", draft_result_text(result));
    return EXIT_CODE_USAGE;
}

enum exit_code device_draft_entry(const struct arguments *arguments)
{
    struct buf entry = { 0 };
    struct device device;
    enum exit_code code = device_open(arguments, false, &device);

    if (code == EXIT_CODE_OK) {
        device_state_entry(&device.state, &entry);
        say_base64url(buf_view(&entry));
        buf_clear(&entry);
        device_close(&device);
    }
    return code;
}

/* Sign a draft as this device and print it. */
static enum exit_code sign_and_say(const struct device *device, struct bytes draft)
{
    struct buf signed_draft = { 0 };
    enum draft_result result =
        draft_sign(draft, device->state.device_id, device->state.seed, &signed_draft);

    if (result == DRAFT_OK) {
        say_base64url(buf_view(&signed_draft));
    }
    buf_clear(&signed_draft);
    return result == DRAFT_OK ? EXIT_CODE_OK : say_draft(result);
}

enum exit_code device_draft_add(const struct arguments *arguments)
{
    struct draft_entry entry = { .is_admin = arguments_has(arguments, OPTION_ADMIN) };
    struct buf entry_bytes = { 0 };
    struct buf draft = { 0 };
    struct chain chain;
    struct device device;
    int64_t device_id = 0;

    if (!arguments_number(arguments, OPTION_ID, 1, LIMIT_DEVICE_ID, &device_id)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = file_read(arguments->words[0], &entry_bytes);
    if (code == EXIT_CODE_OK) {
        code = people_fetch(&device, &device.state.account, &chain);
    }
    if (code == EXIT_CODE_OK) {
        entry.bytes = buf_view(&entry_bytes);
        entry.device_id = (uint32_t)device_id;
        enum draft_result result = draft_add(chain.head, &entry, clock_now_ms() / 1000, &draft);
        code = result == DRAFT_OK ? sign_and_say(&device, buf_view(&draft)) : say_draft(result);
        chain_clear(&chain);
    }
    buf_clear(&draft);
    buf_clear(&entry_bytes);
    device_close(&device);
    return code;
}

static enum exit_code remove_and_put(struct device *device, uint32_t device_id)
{
    struct buf draft = { 0 };
    struct buf signed_draft = { 0 };
    struct chain chain;
    enum exit_code code = people_fetch(device, &device->state.account, &chain);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    enum draft_result result = draft_remove(chain.head, device_id, clock_now_ms() / 1000, &draft);
    if (result == DRAFT_OK) {
        result = draft_sign(buf_view(&draft), device->state.device_id, device->state.seed,
                            &signed_draft);
    }
    code = result == DRAFT_OK ? draft_put(device, buf_view(&signed_draft)) : say_draft(result);
    chain_clear(&chain);
    buf_clear(&draft);
    buf_clear(&signed_draft);
    return code;
}

enum exit_code device_draft_remove(const struct arguments *arguments)
{
    struct device device;
    int64_t device_id = 0;

    if (!decimal_parse(bytes_text(arguments->words[0]), LIMIT_DEVICE_ID, &device_id)) {
        say_error("\"%.40s\" is no device number; see \"sealpost device manifest show\"",
                  arguments->words[0]);
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = remove_and_put(&device, (uint32_t)device_id);
        device_close(&device);
    }
    return code;
}

/* Take the account and number that the draft gives this device, if it has none yet. */
static enum exit_code draft_join(struct device *device, struct bytes draft)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);
    enum exit_code code = EXIT_CODE_OK;

    if (manifest_parse(draft, manifest) != MANIFEST_VALID) {
        free(manifest);
        return say_draft(DRAFT_BAD);
    }
    const struct manifest_device *self = manifest_find_pub(manifest, &device->state.pub);
    if (self == NULL) {
        say_error("this device is not in that device list, so it has nothing to sign");
        code = EXIT_CODE_USAGE;
    } else if (!device->state.has_account) {
        device->state.has_account = true;
        device->state.account = manifest->account;
        device->state.device_id = self->device_id;
        code = device_state_save(&device->state) ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
    }
    free(manifest);
    return code;
}

/* Sign with the recovery key in the file at path too. */
static enum exit_code recovery_sign(const char *path, struct bytes draft, struct buf *out)
{
    struct buf seed = { 0 };
    enum exit_code code = file_read(path, &seed);

    if (code == EXIT_CODE_OK && seed.size != DEVICE_STATE_KEY_BYTES) {
        say_error("%s holds no recovery key", path);
        code = EXIT_CODE_USAGE;
    }
    if (code == EXIT_CODE_OK &&
        draft_sign(draft, MANIFEST_SIGNER_RECOVERY, seed.at, out) != DRAFT_OK) {
        code = say_draft(DRAFT_BAD);
    }
    mem_wipe(seed.at, seed.size);
    buf_clear(&seed);
    return code;
}

enum exit_code device_draft_sign(const struct arguments *arguments)
{
    const char *recovery = arguments_text(arguments, OPTION_RECOVERY, NULL);
    struct buf draft = { 0 };
    struct buf with_recovery = { 0 };
    struct device device;
    enum exit_code code = device_open(arguments, false, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = file_read(arguments->words[0], &draft);
    if (code == EXIT_CODE_OK) {
        code = draft_join(&device, buf_view(&draft));
    }
    if (code == EXIT_CODE_OK && recovery != NULL) {
        code = recovery_sign(recovery, buf_view(&draft), &with_recovery);
    }
    if (code == EXIT_CODE_OK) {
        code = sign_and_say(&device, buf_view(recovery == NULL ? &draft : &with_recovery));
    }
    buf_clear(&with_recovery);
    buf_clear(&draft);
    device_close(&device);
    return code;
}

enum exit_code device_draft_put(const struct arguments *arguments)
{
    struct buf draft = { 0 };
    struct device device;
    enum exit_code code = device_open(arguments, false, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = file_read(arguments->words[0], &draft);
    if (code == EXIT_CODE_OK) {
        code = draft_put(&device, buf_view(&draft));
    }
    buf_clear(&draft);
    device_close(&device);
    return code;
}
