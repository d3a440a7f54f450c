/* SPDX-License-Identifier: Apache-2.0 */
/* Signed commands as calls: the Sealpost-Command header over the raw body.  Loop thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/sigbytes.h"

struct api;
struct command_guard;
struct exchange;

/*
 * Check the command of an exchange that passed api_before.  False when it was
 * refused: then the exchange is answered (401 command_invalid, 400 command_clock).
 */
bool command_accept(struct api *api, struct exchange *exchange, enum command_op op,
                    struct command_guard *out);

/* Answer 409 command_replayed with the last seq. */
void command_reply_replayed(struct exchange *exchange, int64_t last_seq);
