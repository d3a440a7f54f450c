/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay does only with a second factor beside it, where one is enrolled: signed commands,
 * and what somebody without a session asks of an account.  It goes without first; when the relay
 * wants a factor, a transaction is begun, a challenge answered, and it goes once more, signed
 * anew, with the grant.
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

/*
 * Call without a session and want success: see http_client_ask.  call->body is an object that has
 * no "grant" yet and names its account by "account_id" or "handle"; purpose is a transaction's.
 */
enum exit_code stepup_call_ask(struct device *device, const struct arguments *arguments,
                               const char *purpose, const struct http_call *call,
                               json_t **out_json);
