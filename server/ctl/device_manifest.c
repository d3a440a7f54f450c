/* SPDX-License-Identifier: Apache-2.0 */
/* Show an account's devices, verified from the pin on. */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/manifest.h"
#include "server/ctl/arguments.h"
#include "server/ctl/chain.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"

static json_t *devices_json(const struct manifest *head)
{
    json_t *devices = json_array();

    for (size_t i = 0; i < head->device_count; i++) {
        const struct manifest_device *device = &head->devices[i];
        (void)json_array_append_new(
            devices, json_pack("{s:i, s:o, s:b, s:I, s:i}", "device_id", (int)device->device_id,
                               "device_pub",
                               json_base64url(bytes_of(device->pub.raw, sizeof device->pub.raw)),
                               "admin", (device->flags & MANIFEST_DEVICE_ADMIN) != 0, "added_epoch",
                               (json_int_t)device->added_epoch, "keys", (int)device->key_count));
    }
    return devices;
}

static void show_json(const struct chain *chain)
{
    say_json_steal(
        json_pack("{s:o, s:I, s:o, s:b, s:o}", "account_id",
                  json_base64url(bytes_of(chain->account.raw, sizeof chain->account.raw)), "epoch",
                  (json_int_t)chain->head->epoch, "hash",
                  json_base64url(bytes_of(chain->hash.raw, sizeof chain->hash.raw)), "recovery",
                  chain->head->has_recovery, "devices", devices_json(chain->head)));
}

static void show_plain(const struct chain *chain)
{
    const struct manifest *head = chain->head;
    char *id = base64url_text(bytes_of(chain->account.raw, sizeof chain->account.raw));

    (void)printf("account %s\nepoch   %" PRIu64 "%s\n", id, head->epoch,
                 head->has_recovery ? ", with a recovery key" : "");
    free(id);
    for (size_t i = 0; i < head->device_count; i++) {
        const struct manifest_device *device = &head->devices[i];
        char *pub = base64url_text(bytes_of(device->pub.raw, sizeof device->pub.raw));
        (void)printf("device  %3" PRIu32 " %s since epoch %" PRIu64 "%s\n", device->device_id, pub,
                     device->added_epoch,
                     (device->flags & MANIFEST_DEVICE_ADMIN) != 0 ? ", admin" : "");
        free(pub);
    }
}

enum exit_code device_manifest_show(const struct arguments *arguments)
{
    struct account_id account;
    struct device device;
    struct chain chain;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    account = device.state.account;
    if (arguments->word_count > 0 && !people_parse_id(arguments->words[0], &account)) {
        code = EXIT_CODE_USAGE;
    }
    if (code == EXIT_CODE_OK) {
        code = people_fetch(&device, &account, &chain);
    }
    if (code == EXIT_CODE_OK) {
        if (arguments_has(arguments, OPTION_JSON)) {
            show_json(&chain);
        } else {
            show_plain(&chain);
        }
        chain_clear(&chain);
    }
    device_close(&device);
    return code;
}

enum exit_code device_manifest_verify(const struct arguments *arguments)
{
    enum exit_code code = device_manifest_show(arguments);

    if (code == EXIT_CODE_OK && !arguments_has(arguments, OPTION_JSON)) {
        (void)puts("every step up to this epoch is signed as the rules want it");
    }
    return code;
}
