/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reference device that is open for a command: its kept state, its relay, its
 * session.  Whatever fails is said where it fails, and an exit code comes back.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/sigbytes.h"
#include "server/ctl/device_state.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/http_client.h"

struct arguments;

struct device {
    struct device_state state;
    struct http_client *http;
    char *token; /* NULL: there is no session yet */
};

/* The folder that --dir names, or else SEALPOST_DEVICE_DIR, or else .sealpost at home. */
enum exit_code device_folder(const struct arguments *arguments, const char **out_folder);

/* Open the device in the folder; needs_account refuses one that is not registered. */
enum exit_code device_open(const struct arguments *arguments, bool needs_account,
                           struct device *device);

/* Open on a state that is in hand; steals what *state holds. */
void device_open_state(struct device *device, struct device_state *state);
void device_close(struct device *device);

/* Refuse a relay that says it has another base URL than the one the user gave. */
enum exit_code device_check_relay(struct device *device);

/* Have a session: the kept one, or a new one when fresh or when that is over. */
enum exit_code device_session(struct device *device, bool fresh);

/* Forget the session in memory. */
void device_session_drop(struct device *device);

/*
 * Call with the session, once more with a new one if the relay ended it.  Fills *out_reply,
 * which may be a refusal; call->body is stolen, call->token is set here.
 */
enum exit_code device_call(struct device *device, const struct http_call *call,
                           struct http_reply *out_reply);

/* The same, and want success: see http_client_ask. */
enum exit_code device_ask(struct device *device, const struct http_call *call, json_t **out_json);

/* Call as a signed command of op, its payload is call->body: see device_call. */
enum exit_code device_command_call(struct device *device, enum command_op op,
                                   const struct http_call *call, struct http_reply *out_reply);

/* The same, and want success: see device_ask. */
enum exit_code device_command_ask(struct device *device, enum command_op op,
                                  const struct http_call *call, json_t **out_json);

/* The same where the answer says nothing. */
enum exit_code device_command(struct device *device, enum command_op op, const char *method,
                              const char *path, json_t *payload);
