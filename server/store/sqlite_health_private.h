/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room on the disk: the ballast that is given up when there is none, and what the
 * engine still does then.  Whoever writes calls these: the writer, or who paused it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/sqlite_private.h"

/* sqlite_ballast.c */
bool sqlite_ballast_fits(const struct sqlite_store *store, int64_t extra_bytes);
bool sqlite_ballast_build(struct sqlite_store *store); /* false: not enough space */
void sqlite_ballast_give_up(struct sqlite_store *store);
void sqlite_ballast_clear(struct sqlite_ballast *ballast);
bool sqlite_ballast_init(struct sqlite_store *store, int64_t bytes, char *out_error,
                         size_t error_size);

/* sqlite_health.c */
enum sqlite_health sqlite_health(const struct sqlite_store *store);
bool sqlite_health_is_ready(const struct store *base, const char **out_why);
void sqlite_health_fill(struct sqlite_store *store); /* the disk is full */
void sqlite_health_heal(struct sqlite_store *store); /* there is space again */
void sqlite_health_break(struct sqlite_store *store, const char *where, int result);
