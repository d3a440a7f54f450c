/* SPDX-License-Identifier: Apache-2.0 */
/* What the relay holds on this account, and the signed commands that end things. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/sigbytes.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup.h"

enum exit_code device_account_report(const struct arguments *arguments)
{
    const struct http_call call = { .method = "GET", .path = "/v1/account/report" };
    struct device device;
    json_t *report = NULL;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = device_ask(&device, &call, &report);
    if (code == EXIT_CODE_OK) {
        say_json_steal(report);
    }
    device_close(&device);
    return code;
}

enum exit_code device_account_erase(const struct arguments *arguments)
{
    struct device device;
    json_t *answer = NULL;

    if (!arguments_has(arguments, OPTION_YES)) {
        say_error("this erases the account with all its devices and mail for good; add --yes");
        return EXIT_CODE_USAGE;
    }
    if (!stepup_options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    struct bytes account = bytes_of(device.state.account.raw, sizeof device.state.account.raw);
    const struct http_call call = { .method = "DELETE",
                                    .path = "/v1/account",
                                    .body =
                                        json_pack("{s:o}", "account_id", json_base64url(account)) };
    code = stepup_command_ask(&device, arguments, COMMAND_ACCOUNT_DELETE, &call, &answer);
    if (code == EXIT_CODE_OK) {
        (void)puts(json_object_get(answer, "held_until") == NULL
                       ? "the account is erased"
                       : "the account has another admin device, so its erasure is held; see "
                         "sealpost device holds");
        json_decref(answer);
    }
    device_close(&device);
    return code;
}

enum exit_code device_account_revoke(const struct arguments *arguments)
{
    struct device device;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = device_command(&device, COMMAND_SESSIONS_REVOKE, "POST", "/v1/sessions/revoke",
                          json_object());
    if (code == EXIT_CODE_OK) {
        (void)puts("every session of the account but this one is over");
    }
    device_close(&device);
    return code;
}
