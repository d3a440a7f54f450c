/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libpq is told of a connection: the URL's parameters with ours beside
 * them.  They hold the password: they are shown to nobody and wiped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    POSTGRES_PARAMS_ROOM = 64
};

struct postgres_params {
    char *keywords[POSTGRES_PARAMS_ROOM + 1]; /* ended by NULL, as libpq wants them */
    char *values[POSTGRES_PARAMS_ROOM + 1];
    size_t count;
};

/* Fill params from url; false with a sentence when libpq does not understand it. */
bool postgres_params_init(struct postgres_params *params, const char *url, char *out_error,
                          size_t error_size);

/* Copy from into params, which is zeroed or cleared. */
void postgres_params_copy(struct postgres_params *params, const struct postgres_params *from);

/* The value of keyword, or "".  Borrowed until the next change. */
const char *postgres_params_get(const struct postgres_params *params, const char *keyword);

/* Set keyword to value, and add it when it is not there.  Copies. */
void postgres_params_set(struct postgres_params *params, const char *keyword, const char *value);

/* Put host number turn, counted round and round, first in every list of hosts. */
void postgres_params_rotate(struct postgres_params *params, size_t turn);

/* Wipe and release.  May be called twice. */
void postgres_params_clear(struct postgres_params *params);
