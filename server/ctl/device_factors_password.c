/* SPDX-License-Identifier: Apache-2.0 */
/* A password, which the relay never sees: OPAQUE. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base64url.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/opaque.h"
#include "common/opaque_client.h"
#include "common/sigbytes.h"
#include "server/ctl/answer.h"
#include "server/ctl/ask.h"
#include "server/ctl/device.h"
#include "server/ctl/device_commands.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/factor_enrol.h"
#include "server/ctl/factor_password.h"
#include "server/ctl/say.h"

enum {
    PASSWORD_MIN = 8 /* bytes */
};

static enum exit_code confirm(struct device *device, const struct arguments *arguments,
                              const char *id, const uint8_t record[OPAQUE_RECORD_BYTES])
{
    json_t *body = json_pack("{s:s, s:o}", "factor_id", id, "record",
                             json_base64url(bytes_of(record, OPAQUE_RECORD_BYTES)));
    enum exit_code code =
        device_command(device, COMMAND_FACTOR_ENROL, "POST", "/v1/factors/confirm", body);

    if (code == EXIT_CODE_OK) {
        factor_say_confirmed(arguments, id);
    }
    return code;
}

static enum exit_code on_response(void *arg, struct device *device,
                                  const struct arguments *arguments, const json_t *enrolled)
{
    const struct opaque_client *client = arg;
    const char *text = json_string_value(json_object_get(enrolled, "response"));
    uint8_t response[OPAQUE_RESPONSE_BYTES];
    uint8_t record[OPAQUE_RECORD_BYTES];
    struct opaque_client_keys keys;

    if (text == NULL || !base64url_decode_exact(bytes_text(text), response, sizeof response)) {
        return answer_say_odd("response");
    }
    if (!opaque_client_enrol(client, factor_password_stretch, response, record, &keys)) {
        say_error("the relay's response is no element of its group, or this machine has no 64 MiB "
                  "to stretch the password with");
        return EXIT_CODE_NETWORK;
    }
    mem_wipe(&keys, sizeof keys);
    enum exit_code code = confirm(device, arguments, answer_id(enrolled, "factor_id"), record);
    mem_wipe(record, sizeof record);
    return code;
}

/* Have a new password, at a terminal twice; false with the reason said. */
static bool ask_new(char out[ASK_MAX])
{
    char again[ASK_MAX] = "";
    bool is_good = ask_secret("A new password: ", out);

    if (is_good && strlen(out) < PASSWORD_MIN) {
        say_error("a password has %d to %d bytes", PASSWORD_MIN, ASK_MAX - 1);
        is_good = false;
    }
    if (is_good && ask_is_terminal()) {
        is_good = ask_secret("The same again: ", again);
        if (is_good && strcmp(out, again) != 0) {
            say_error("the two are not the same");
            is_good = false;
        }
    }
    mem_wipe(again, sizeof again);
    return is_good;
}

static enum exit_code add_password(struct device *device, const struct arguments *arguments)
{
    char password[ASK_MAX] = "";
    uint8_t request[OPAQUE_REQUEST_BYTES];
    struct opaque_client client = { .password_size = 0 };
    enum exit_code code = EXIT_CODE_USAGE;

    if (ask_new(password) && opaque_client_register(&client, bytes_text(password), request)) {
        json_t *wanted = json_pack("{s:s, s:o}", "kind", "password", "request",
                                   json_base64url(bytes_of(request, sizeof request)));
        code = factor_enrol(device, arguments, wanted, on_response, &client);
    }
    mem_wipe(password, sizeof password);
    opaque_client_clear(&client);
    return code;
}

enum exit_code device_factors_add_password(const struct arguments *arguments)
{
    return factor_add(arguments, add_password);
}
