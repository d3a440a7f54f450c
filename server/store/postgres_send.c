/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages go to libpq's buffer, which leaves when it is full or at the flush.
 * The server answers each of them; what answer belongs to what message is known
 * from their order alone.  A statement is prepared before its first use, in the
 * same flight: if that fails the use of it is skipped.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_gather_private.h"
#include "server/store/postgres_text_private.h"
#include "server/store/postgres_types_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

enum {
    SEND_MESSAGES_ROOM = 256,
    SEND_BINARY = 1
};

/* Parameters as libpq wants them. */
struct send_params {
    size_t count;
    const char *values[POSTGRES_PARAMS_MAX];
    int sizes[POSTGRES_PARAMS_MAX];
    int formats[POSTGRES_PARAMS_MAX];
    uint8_t numbers[POSTGRES_PARAMS_MAX][POSTGRES_INT8_BYTES];
};

static void send_grow(struct postgres_messages *messages)
{
    size_t room = messages->room == 0 ? SEND_MESSAGES_ROOM : messages->room * 2;
    struct postgres_message *at = mem_zeroed(room, sizeof *at);

    for (size_t i = 0; i < messages->count; i++) {
        at[i] = messages->at[(messages->first + i) & (messages->room - 1)];
    }
    free(messages->at);
    messages->at = at;
    messages->first = 0;
    messages->room = room;
}

static void send_note(struct postgres_conn *conn, const struct postgres_message *message,
                      int is_sent)
{
    struct postgres_messages *messages = &conn->messages;

    if (is_sent == 0) {
        conn->is_send_failed = true;
        return;
    }
    if (messages->count == messages->room) {
        send_grow(messages);
    }
    messages->at[(messages->first + messages->count) & (messages->room - 1)] = *message;
    messages->count++;
}

void postgres_conn_command(struct postgres_conn *conn, enum postgres_command command)
{
    const struct postgres_message message = { .kind = MESSAGE_COMMAND, .command = command };

    send_note(conn, &message,
              PQsendQueryParams(conn->pg, postgres_commands[command], 0, NULL, NULL, NULL, NULL,
                                SEND_BINARY));
}

void postgres_conn_tell(struct postgres_conn *conn, const char *payload)
{
    const struct postgres_message message = { .kind = MESSAGE_COMMAND, .command = COMMAND_TELL };
    const Oid type = POSTGRES_TEXT;

    send_note(conn, &message,
              PQsendQueryParams(conn->pg, postgres_commands[COMMAND_TELL], 1, &type, &payload, NULL,
                                NULL, SEND_BINARY));
}

void postgres_conn_sync(struct postgres_conn *conn, int tag)
{
    const struct postgres_message message = { .kind = MESSAGE_SYNC, .tag = tag };

    send_note(conn, &message, PQpipelineSync(conn->pg));
}

static void send_fill(struct send_params *params, const struct store_step *step)
{
    size_t i = 0;

    for (const struct store_param *param = step->first_param; param != NULL; param = param->next) {
        const struct store_value *value = &param->value;
        params->formats[i] = SEND_BINARY;
        params->sizes[i] = (int)value->bytes.size;
        params->values[i] = value->bytes.size == 0 ? "" : (const char *)value->bytes.at;
        if (value->kind == VALUE_NULL) {
            params->values[i] = NULL;
        } else if (value->kind == VALUE_INT) {
            postgres_put_int8(params->numbers[i], value->number);
            params->values[i] = (const char *)params->numbers[i];
            params->sizes[i] = POSTGRES_INT8_BYTES;
        }
        i++;
    }
    params->count = i;
}

/* Say whether text is prepared here or about to be, and note that it will be. */
static bool send_is_prepared(struct postgres_conn *conn, const struct postgres_text *text)
{
    if (text->number >= conn->prepared_room) {
        size_t room = (text->number + 1) * 2;
        conn->prepared = mem_resized(conn->prepared, room);
        memset(conn->prepared + conn->prepared_room, 0, room - conn->prepared_room);
        conn->prepared_room = room;
    }
    bool is_prepared = conn->prepared[text->number] != 0;
    conn->prepared[text->number] = 1;
    return is_prepared;
}

static void send_text(struct postgres_conn *conn, const struct postgres_text *text,
                      const struct send_params *params, const struct postgres_message *message)
{
    int count = (int)params->count;

    if (conn->shared->is_unprepared) {
        send_note(conn, message,
                  PQsendQueryParams(conn->pg, text->sql, count, text->types, params->values,
                                    params->sizes, params->formats, SEND_BINARY));
        return;
    }
    if (!send_is_prepared(conn, text)) {
        struct postgres_message prepare = *message;
        prepare.kind = MESSAGE_PREPARE;
        prepare.text = text->number;
        send_note(conn, &prepare,
                  PQsendPrepare(conn->pg, text->name, text->sql, count, text->types));
    }
    send_note(conn, message,
              PQsendQueryPrepared(conn->pg, text->name, count, params->values, params->sizes,
                                  params->formats, SEND_BINARY));
}

void postgres_conn_step(struct postgres_conn *conn, struct store_batch *batch, size_t step)
{
    const struct postgres_message message = { .kind = MESSAGE_STEP, .batch = batch, .step = step };
    struct send_params params;

    send_fill(&params, &batch->steps[step]);
    send_text(conn, postgres_text_of(conn->shared->texts, batch->steps[step].stmt), &params,
              &message);
}

void postgres_conn_gather(struct postgres_conn *conn, const struct postgres_gather *gather)
{
    const struct postgres_message message = { .kind = MESSAGE_GATHER, .gather = gather };
    const struct postgres_text *text = postgres_text_of(conn->shared->texts, gather->stmt);
    struct send_params params = { .count = text->param_count };
    size_t starts[POSTGRES_PARAMS_MAX];
    struct buf arrays = { 0 };

    for (size_t i = 0; i < params.count; i++) {
        starts[i] = arrays.size;
        postgres_put_gathered(&arrays, gather, i);
        params.sizes[i] = (int)(arrays.size - starts[i]);
        params.formats[i] = SEND_BINARY;
    }
    for (size_t i = 0; i < params.count; i++) { /* from here on they stay where they are */
        params.values[i] = (const char *)arrays.at + starts[i];
    }
    send_text(conn, text, &params, &message);
    buf_clear(&arrays);
}

void postgres_conn_lock(struct postgres_conn *conn, const struct store_stmt *stmt,
                        const int64_t *keys, size_t count)
{
    const struct postgres_message message = { .kind = MESSAGE_LOCK, .stmt = stmt };
    struct postgres_text *text = postgres_text_of(conn->shared->texts, stmt);
    struct buf array = { 0 };
    struct send_params params = { .count = 1, .formats = { SEND_BINARY } };

    CHECK(text->param_count == 1);
    text->types[0] = POSTGRES_INT8_ARRAY;
    postgres_put_int8_array(&array, keys, count);
    params.values[0] = (const char *)array.at;
    params.sizes[0] = (int)array.size;
    send_text(conn, text, &params, &message);
    buf_clear(&array);
}

void postgres_conn_flush(struct postgres_conn *conn)
{
    if (conn->pg == NULL) {
        return; /* the user's own doing: it was dropped meanwhile */
    }
    int left = conn->is_send_failed ? -1 : PQflush(conn->pg);

    if (left < 0) {
        postgres_conn_drop(conn, PQerrorMessage(conn->pg));
        return;
    }
    loop_watch_set(conn->watch, true, left > 0);
    if (conn->messages.count > 0) {
        postgres_conn_await(conn);
    }
}
