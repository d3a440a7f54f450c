/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed commands that the relay does only with a second factor beside them, where one is
 * enrolled: the command goes without first; when the relay wants a step-up, a transaction is
 * begun, a challenge answered, and the command signed once more, with the grant.
 *
 * The answer is asked for (ask.h), but for the six digits of an app, which may be given with
 * --code: they are good once, and for a minute.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/sigbytes.h"
#include "server/ctl/exit_code.h"

struct arguments;
struct device;
struct http_call;

/* Judge --code and --kind before anything is asked; false with the reason said. */
bool stepup_options_are_valid(const struct arguments *arguments);

/*
 * Call as a signed command of op and want success: see device_command_ask.  The payload,
 * call->body, is an object that has no "grant" yet.
 */
enum exit_code stepup_command_ask(struct device *device, const struct arguments *arguments,
                                  enum command_op op, const struct http_call *call,
                                  json_t **out_json);
