/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements that were met so far: their text for PostgreSQL, how many
 * parameters it names and of which types.  A number for each, so that a
 * connection can note what it has prepared.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

struct store_step;
struct store_stmt;

enum {
    POSTGRES_PARAMS_MAX = 32,
    POSTGRES_NAME_BYTES = 24
};

struct postgres_text {
    const struct store_stmt *stmt; /* the key */
    const char *sql;
    size_t number;
    char name[POSTGRES_NAME_BYTES]; /* of the prepared statement */
    size_t param_count;
    Oid types[POSTGRES_PARAMS_MAX]; /* 0: only NULL was bound so far, the server finds it out */
};

struct postgres_texts {
    struct postgres_text **places; /* open addressing; room is a power of two */
    size_t room;
    size_t count;
};

/* Find or add the text of stmt.  It stays where it is until clear. */
struct postgres_text *postgres_text_of(struct postgres_texts *texts, const struct store_stmt *stmt);

/*
 * Say whether the parameters bound to step are as many and of the kinds that its
 * text takes; the first use of a statement decides on the kinds.  A gathered one takes no NULL.
 */
bool postgres_text_fits(struct postgres_text *text, const struct store_step *step);

/* Release all.  May be called twice. */
void postgres_texts_clear(struct postgres_texts *texts);
