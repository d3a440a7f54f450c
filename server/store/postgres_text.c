/* SPDX-License-Identifier: Apache-2.0 */
/* Statements are found by the address of their struct store_stmt, which lives for good. */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/mem.h"
#include "server/store/postgres_text_private.h"
#include "server/store/postgres_types_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

enum {
    TEXT_ROOM = 64
};

static struct postgres_text **text_place(struct postgres_text **places, size_t room,
                                         const struct store_stmt *stmt)
{
    uint64_t mixed = (uint64_t)(uintptr_t)stmt * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(mixed >> 32) & (room - 1);

    while (places[at] != NULL && places[at]->stmt != stmt) {
        at = (at + 1) & (room - 1);
    }
    return &places[at];
}

static void texts_grow(struct postgres_texts *texts)
{
    size_t room = texts->room == 0 ? TEXT_ROOM : texts->room * 2;
    struct postgres_text **places = mem_zeroed(room, sizeof(struct postgres_text *));

    for (size_t i = 0; i < texts->room; i++) {
        if (texts->places[i] != NULL) {
            *text_place(places, room, texts->places[i]->stmt) = texts->places[i];
        }
    }
    free(texts->places);
    texts->places = places;
    texts->room = room;
}

/* The highest n of $1, $2, ...  No text of ours has a dollar sign elsewhere. */
static size_t text_count_params(const char *sql)
{
    size_t highest = 0;

    for (const char *at = sql; *at != '\0'; at++) {
        size_t number = *at == '$' ? strtoul(at + 1, NULL, 10) : 0;
        highest = number > highest ? number : highest;
    }
    return highest;
}

struct postgres_text *postgres_text_of(struct postgres_texts *texts, const struct store_stmt *stmt)
{
    if (texts->count * 2 >= texts->room) {
        texts_grow(texts);
    }
    struct postgres_text **place = text_place(texts->places, texts->room, stmt);
    if (*place != NULL) {
        return *place;
    }
    struct postgres_text *text = mem_zeroed(1, sizeof *text);
    text->stmt = stmt;
    text->sql = stmt->sql_postgres != NULL ? stmt->sql_postgres : stmt->sql;
    text->sql = stmt->sql_gathered != NULL ? stmt->sql_gathered : text->sql;
    text->number = texts->count++;
    (void)snprintf(text->name, sizeof text->name, "s%zu", text->number);
    text->param_count = text_count_params(text->sql);
    CHECK(text->param_count <= POSTGRES_PARAMS_MAX);
    *place = text;
    return text;
}

bool postgres_text_fits(struct postgres_text *text, const struct store_step *step)
{
    bool is_gathered = text->stmt->sql_gathered != NULL;
    size_t i = 0;

    if (step->param_count != text->param_count) {
        return false;
    }
    for (const struct store_param *param = step->first_param; param != NULL; param = param->next) {
        enum store_value_kind kind = param->value.kind;
        Oid type = is_gathered ? postgres_array_of(kind) : postgres_type_of(kind);
        if (type != 0 && text->types[i] == 0) {
            text->types[i] = type;
        }
        if (type != 0 ? text->types[i] != type : is_gathered) {
            return false;
        }
        i++;
    }
    return true;
}

void postgres_texts_clear(struct postgres_texts *texts)
{
    for (size_t i = 0; i < texts->room; i++) {
        free(texts->places[i]);
    }
    free(texts->places);
    *texts = (struct postgres_texts){ 0 };
}
