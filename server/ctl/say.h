/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says to a person: errors on standard error, each with what to
 * do; results on standard output.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "common/bytes.h"

/* Print "sealpost: " and a sentence made as printf makes it. */
__attribute__((format(printf, 1, 2))) void say_error(const char *format, ...);

/* The noun that goes with count: one for 1, else many. */
const char *say_noun(int64_t count, const char *one, const char *many);

enum {
    SAY_TIME_BYTES = 32
};

/* Write Unix seconds as a date with minutes into out; returns out. */
const char *say_minute(int64_t seconds, char out[SAY_TIME_BYTES]);

/* Print value as one line of JSON and decref it. */
void say_json_steal(json_t *value);

/* Print value as base64url and a line's end. */
void say_base64url(struct bytes value);
