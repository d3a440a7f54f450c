/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/factor_enrol.h"

#include <stdbool.h>
#include <stdio.h>

#include "common/bytes.h"
#include "common/sigbytes.h"
#include "server/ctl/answer.h"
#include "server/ctl/arguments.h"
#include "server/ctl/command.h"
#include "server/ctl/device.h"
#include "server/ctl/factor_name.h"
#include "server/ctl/http_client.h"
#include "server/ctl/say.h"
#include "server/ctl/stepup.h"

/* Judge the options that a factor is enrolled with; false with the reason said. */
static bool options_are_valid(const struct arguments *arguments)
{
    const char *name = arguments_text(arguments, OPTION_NAME, NULL);

    if (name != NULL && !factor_name_is_valid(bytes_text(name))) {
        say_error("--name wants up to %d bytes of text without a colon", FACTOR_NAME_MAX);
        return false;
    }
    return stepup_options_are_valid(arguments);
}

enum exit_code factor_add(const struct arguments *arguments, factor_add_fn *run)
{
    struct device device;

    if (!options_are_valid(arguments)) {
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = device_open(arguments, true, &device);
    if (code == EXIT_CODE_OK) {
        code = run(&device, arguments);
        device_close(&device);
    }
    return code;
}

enum exit_code factor_enrol(struct device *device, const struct arguments *arguments,
                            json_t *wanted, factor_enrolled_fn *then, void *arg)
{
    const char *name = arguments_text(arguments, OPTION_NAME, NULL);
    json_t *enrolled = NULL;

    if (name != NULL) {
        (void)json_object_set_new(wanted, "label",
                                  factor_name_seal(&device->state, bytes_text(name)));
    }
    const struct http_call call = { .method = "POST", .path = "/v1/factors", .body = wanted };
    enum exit_code code =
        stepup_command_ask(device, arguments, COMMAND_FACTOR_ENROL, &call, &enrolled);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = answer_id(enrolled, "factor_id") == NULL ? answer_say_odd("factor")
                                                    : then(arg, device, arguments, enrolled);
    json_decref(enrolled);
    return code;
}

void factor_say_confirmed(const struct arguments *arguments, const char *factor_id)
{
    if (arguments_has(arguments, OPTION_JSON)) {
        say_json_steal(json_pack("{s:s, s:b}", "factor_id", factor_id, "confirmed", 1));
    } else {
        (void)printf("%s is confirmed\n", factor_id);
    }
}
