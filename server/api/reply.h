/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that succeed: a JSON value as the body.  Loop thread. */
#pragma once

#include <jansson.h>

struct exchange;

/* Reply status with value as application/json; decrefs value. */
void reply_json_steal(struct exchange *exchange, int status, json_t *value);
