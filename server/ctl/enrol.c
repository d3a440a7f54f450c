/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/enrol.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "server/ctl/chain.h"
#include "server/ctl/device.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/folder.h"
#include "server/ctl/http_client.h"
#include "server/ctl/people.h"
#include "server/ctl/say.h"

static const char first_file[] = "first.manifest";

bool enrol_is_begun(const struct device *device)
{
    return folder_has(device->state.folder, first_file);
}

/* Append the first manifest: the kept one, or a fresh one that is kept before it is used. */
static bool first_manifest(const struct device *device, const uint8_t *recovery_seed,
                           struct buf *out)
{
    const char *folder = device->state.folder;

    if (folder_has(folder, first_file)) {
        return folder_read(folder, first_file, out);
    }
    draft_first(&device->state, recovery_seed, clock_now_ms() / 1000, out);
    return folder_write(folder, first_file, buf_view(out));
}

/* Take the account that the first manifest made as the device's own, and pin it. */
static enum exit_code account_take(struct device *device, struct bytes first)
{
    struct manifest *manifest = mem_zeroed(1, sizeof *manifest);
    struct chain chain;

    bool is_good = manifest_parse(first, manifest) == MANIFEST_VALID;
    if (is_good) {
        chain_init(&chain, &manifest->account);
        is_good = chain_extend(&chain, first) == CHAIN_OK;
        device->state.has_account = true;
        device->state.account = manifest->account;
        device->state.device_id = 1;
        is_good =
            is_good && people_pin(&device->state, &chain) && device_state_save(&device->state);
        chain_clear(&chain);
    }
    free(manifest);
    if (!is_good) {
        say_error("%s/%s is damaged; remove the folder and register anew", device->state.folder,
                  first_file);
        return EXIT_CODE_LOCAL;
    }
    return EXIT_CODE_OK;
}

enum exit_code enrol_run(struct device *device, const char *invite, const uint8_t *recovery_seed)
{
    struct http_call call = { .method = "POST", .path = "/v1/accounts" };
    struct buf first = { 0 };
    json_t *answer = NULL;

    enum exit_code code = device_check_relay(device);
    if (code == EXIT_CODE_OK && !first_manifest(device, recovery_seed, &first)) {
        code = EXIT_CODE_LOCAL;
    }
    if (code == EXIT_CODE_OK) {
        call.body = json_pack("{s:o}", "manifest", json_base64url(buf_view(&first)));
        if (invite[0] != '\0') {
            (void)json_object_set_new(call.body, "invite", json_string(invite));
        }
        code = http_client_ask(device->http, &call, &answer);
        json_decref(answer);
    }
    if (code == EXIT_CODE_OK) {
        code = account_take(device, buf_view(&first));
    }
    buf_clear(&first);
    return code == EXIT_CODE_OK ? device_session(device, true) : code;
}
