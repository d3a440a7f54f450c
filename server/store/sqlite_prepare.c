/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements are prepared once a connection and found by the address of their
 * struct store_stmt, which lives for good.  SQLite takes $1 for a name and
 * numbers names by first appearance, so the numbers are looked up here once.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/store.h"

enum {
    PREPARE_ROOM = 64,
    PREPARE_NAME_BYTES = 16
};

static size_t prepare_hash(const struct store_stmt *stmt, size_t room)
{
    uint64_t mixed = (uint64_t)(uintptr_t)stmt * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(mixed >> 32) & (room - 1);
}

/* Find stmt's place, or the free one where it belongs. */
static struct sqlite_prepared *prepare_place(struct sqlite_prepared *table, size_t room,
                                             const struct store_stmt *stmt)
{
    size_t at = prepare_hash(stmt, room);

    while (table[at].stmt != NULL && table[at].stmt != stmt) {
        at = (at + 1) & (room - 1);
    }
    return &table[at];
}

static void prepare_grow(struct sqlite_conn *conn)
{
    size_t room = conn->prepared_room == 0 ? PREPARE_ROOM : conn->prepared_room * 2;
    struct sqlite_prepared *table = mem_zeroed(room, sizeof *table);

    for (size_t i = 0; i < conn->prepared_room; i++) {
        if (conn->prepared[i].stmt != NULL) {
            *prepare_place(table, room, conn->prepared[i].stmt) = conn->prepared[i];
        }
    }
    free(conn->prepared);
    conn->prepared = table;
    conn->prepared_room = room;
}

/* The highest n of the names $1, $2, ... */
static size_t prepare_count_slots(sqlite3_stmt *handle)
{
    int count = sqlite3_bind_parameter_count(handle);
    size_t highest = 0;

    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(handle, i);
        size_t number = name == NULL ? 0 : strtoul(name + 1, NULL, 10);
        if (number > highest) {
            highest = number;
        }
    }
    return highest;
}

static void prepare_find_slots(struct sqlite_prepared *prepared)
{
    prepared->slot_count = prepare_count_slots(prepared->handle);
    prepared->slots = mem_zeroed(prepared->slot_count, sizeof *prepared->slots);
    for (size_t i = 0; i < prepared->slot_count; i++) {
        char name[PREPARE_NAME_BYTES];
        (void)snprintf(name, sizeof name, "$%u", (unsigned)(i + 1));
        prepared->slots[i] = sqlite3_bind_parameter_index(prepared->handle, name);
    }
}

struct sqlite_prepared *sqlite_prepare(struct sqlite_conn *conn, const struct store_stmt *stmt)
{
    if (conn->prepared_count * 2 >= conn->prepared_room) {
        prepare_grow(conn);
    }
    struct sqlite_prepared *place = prepare_place(conn->prepared, conn->prepared_room, stmt);
    if (place->stmt != NULL) {
        return place;
    }
    const char *sql = stmt->sql_sqlite != NULL ? stmt->sql_sqlite : stmt->sql;
    conn->result =
        sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &place->handle, NULL);
    if (conn->result != SQLITE_OK) {
        return NULL;
    }
    place->stmt = stmt;
    conn->prepared_count++;
    prepare_find_slots(place);
    return place;
}

void sqlite_prepare_clear(struct sqlite_conn *conn)
{
    for (size_t i = 0; i < conn->prepared_room; i++) {
        (void)sqlite3_finalize(conn->prepared[i].handle);
        free(conn->prepared[i].slots);
    }
    free(conn->prepared);
    conn->prepared = NULL;
    conn->prepared_room = 0;
    conn->prepared_count = 0;
}
