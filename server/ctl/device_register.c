/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device comes to be, and becomes the first of an account.  The first manifest is kept
 * before it is sent: when the answer is lost, the same command sends the same bytes
 * again, which the relay takes as a repeat and no second invite is spent.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/device_state.h"
#include "server/ctl/enrol.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/folder.h"
#include "server/ctl/say.h"

enum {
    URL_BYTES = 512
};

static const char invite_mark[] = "/#spi1_";

/* Find the URL to use: --url, or what stands before /#spi1_ in --invite. */
static enum exit_code url_choose(const struct arguments *arguments, char out[URL_BYTES])
{
    const char *url = arguments_text(arguments, OPTION_URL, NULL);
    const char *invite = arguments_text(arguments, OPTION_INVITE, "");
    const char *mark = strstr(invite, invite_mark);
    size_t size = 0;

    if (url == NULL && mark == NULL) {
        say_error("which relay? Give --url https://relay.example, or --invite with the whole "
                  "address that you were given");
        return EXIT_CODE_USAGE;
    }
    size_t given = url == NULL ? (size_t)(mark - invite) : strlen(url);
    size_t kept = given < URL_BYTES ? given : URL_BYTES - 1;
    memcpy(out, url == NULL ? invite : url, kept);
    out[kept] = '\0';
    if (!device_state_url_check(out, &size)) {
        say_error("\"%.200s\" is no base URL: write https://, a host in lower case, and the path "
                  "prefix if there is one",
                  out);
        return EXIT_CODE_USAGE;
    }
    out[size] = '\0';
    return EXIT_CODE_OK;
}

/* The bare invite in --invite, which may be a whole address; "" when none was given. */
static const char *invite_of(const struct arguments *arguments)
{
    const char *invite = arguments_text(arguments, OPTION_INVITE, "");
    const char *mark = strstr(invite, invite_mark);

    return mark == NULL ? invite : mark + 2;
}

static enum exit_code state_create(const struct arguments *arguments, const char *folder,
                                   struct device_state *out)
{
    char url[URL_BYTES];
    enum exit_code code = url_choose(arguments, url);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    device_state_init(out, folder, url, arguments_text(arguments, OPTION_NAME, "device"),
                      arguments_text(arguments, OPTION_CA, NULL));
    if (!device_state_save(out)) {
        device_state_clear(out);
        return EXIT_CODE_LOCAL;
    }
    return EXIT_CODE_OK;
}

enum exit_code device_register_init(const struct arguments *arguments)
{
    struct device_state state;
    const char *folder = NULL;
    enum exit_code code = device_folder(arguments, &folder);

    if (code == EXIT_CODE_OK && device_state_exists(folder)) {
        say_error("there is a device in %s already; name another folder with --dir", folder);
        code = EXIT_CODE_LOCAL;
    }
    if (code == EXIT_CODE_OK) {
        code = state_create(arguments, folder, &state);
    }
    if (code == EXIT_CODE_OK) {
        say_base64url(bytes_of(state.pub.raw, sizeof state.pub.raw));
        device_state_clear(&state);
    }
    return code;
}

enum exit_code device_register_open(const struct arguments *arguments, struct device *device)
{
    struct device_state state;
    const char *folder = NULL;
    enum exit_code code = device_folder(arguments, &folder);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (device_state_exists(folder)) {
        return device_open(arguments, false, device);
    }
    code = state_create(arguments, folder, &state);
    if (code == EXIT_CODE_OK) {
        device_open_state(device, &state);
    }
    return code;
}

/* Make a recovery key and write it to the file that --recovery names; it is kept nowhere else. */
static enum exit_code recovery_create(const char *path, uint8_t seed[32])
{
    if (access(path, F_OK) == 0) {
        say_error("%s is there already; name a file that is not, for the recovery key", path);
        return EXIT_CODE_LOCAL;
    }
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? mem_text(".") : mem_text_of(path, (size_t)(slash - path) + 1);
    random_fill(seed, 32);
    char *text = base64url_text(bytes_of(seed, 32));
    bool is_written = folder_write(folder, slash == NULL ? path : slash + 1, bytes_text(text));
    mem_wipe(text, strlen(text));
    free(text);
    free(folder);
    return is_written ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
}

enum exit_code device_register_run(const struct arguments *arguments)
{
    const char *recovery = arguments_text(arguments, OPTION_RECOVERY, NULL);
    uint8_t recovery_seed[32];
    struct device device;
    enum exit_code code = device_register_open(arguments, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (device.state.has_account) {
        say_error("the device in %s is registered already; name another folder with --dir",
                  device.state.folder);
        code = EXIT_CODE_LOCAL;
    }
    if (code == EXIT_CODE_OK && recovery != NULL && !enrol_is_begun(&device)) {
        code = recovery_create(recovery, recovery_seed);
    }
    if (code == EXIT_CODE_OK) {
        code = enrol_run(&device, invite_of(arguments), recovery == NULL ? NULL : recovery_seed);
    }
    mem_wipe(recovery_seed, sizeof recovery_seed);
    if (code == EXIT_CODE_OK) {
        struct bytes id = bytes_of(device.state.account.raw, sizeof device.state.account.raw);
        if (arguments_has(arguments, OPTION_JSON)) {
            say_json_steal(json_pack("{s:o, s:i}", "account_id", json_base64url(id), "device_id",
                                     (int)device.state.device_id));
        } else {
            say_base64url(id);
        }
    }
    device_close(&device);
    return code;
}

enum exit_code device_register_session(const struct arguments *arguments)
{
    struct device device;
    enum exit_code code = device_open(arguments, true, &device);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = device_session(&device, true);
    if (code == EXIT_CODE_OK && arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:s}", "token", device.token));
    }
    device_close(&device);
    return code;
}
