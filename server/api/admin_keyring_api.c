/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by purpose and id: nothing of a key itself comes here. */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/mem.h"
#include "server/api/admin_api.h"
#include "server/api/api.h"
#include "server/api/problem.h"
#include "server/api/reply.h"
#include "server/domain/domain.h"
#include "server/domain/key_register.h"
#include "server/domain/reseal.h"
#include "server/http/exchange.h"
#include "server/http/problem.h"
#include "server/http/route.h"

static const char seal_purpose[] = "seal";

struct listing {
    struct api *api;
    struct exchange *exchange;
    struct key_row *rows;
    size_t row_count;
};

static void listing_end(struct listing *listing)
{
    free(listing->rows);
    free(listing);
}

static const char *state_text(const struct listing *listing, const struct key_row *row)
{
    if (row->state == KEY_AWAITED) {
        return "awaited";
    }
    if (row->state == KEY_RETIRED) {
        return "retired";
    }
    for (size_t i = 0; i < listing->row_count; i++) {
        const struct key_row *other = &listing->rows[i];
        if (other->state == KEY_IN_FORCE && other->id > row->id &&
            strcmp(other->purpose, row->purpose) == 0) {
            return "old";
        }
    }
    return "used";
}

static int64_t rows_of(const struct reseal_count *counts, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (counts[i].key_id == id) {
            return counts[i].row_count;
        }
    }
    return 0;
}

static json_t *key_json(const struct listing *listing, const struct key_row *row)
{
    return json_pack("{s:s, s:I, s:s, s:I, s:I, s:I}", "purpose", row->purpose, "id",
                     (json_int_t)row->id, "state", state_text(listing, row), "since",
                     (json_int_t)row->since, "lacking", (json_int_t)row->lacking, "using",
                     (json_int_t)row->using_it);
}

/* Ids that values name and the register does not know. */
static void add_unknown(const struct listing *listing, const struct reseal_count *counts,
                        size_t count, json_t *keys)
{
    for (size_t i = 0; i < count; i++) {
        bool known = counts[i].row_count == 0;
        for (size_t j = 0; j < listing->row_count && !known; j++) {
            const struct key_row *row = &listing->rows[j];
            known = row->id == counts[i].key_id && strcmp(row->purpose, seal_purpose) == 0;
        }
        if (!known) {
            (void)json_array_append_new(
                keys, json_pack("{s:s, s:I, s:s, s:i, s:i, s:i, s:I}", "purpose", seal_purpose,
                                "id", (json_int_t)counts[i].key_id, "state", "unknown", "since", 0,
                                "lacking", 0, "using", 0, "rows", (json_int_t)counts[i].row_count));
        }
    }
}

static void on_counted(void *arg, bool ok, const struct reseal_count *counts, size_t count)
{
    struct listing *listing = arg;
    const struct domain *domain = listing->api->domain;
    struct reseal_state state = reseal_state(domain->reseal);
    json_t *keys = NULL;

    if (!ok) {
        problem_of_store(listing->exchange, false);
        listing_end(listing);
        return;
    }
    keys = json_array();
    for (size_t i = 0; i < listing->row_count; i++) {
        const struct key_row *row = &listing->rows[i];
        json_t *key = key_json(listing, row);
        if (strcmp(row->purpose, seal_purpose) == 0) {
            (void)json_object_set_new(key, "rows", json_integer(rows_of(counts, count, row->id)));
        }
        (void)json_array_append_new(keys, key);
    }
    add_unknown(listing, counts, count, keys);
    reply_json_steal(listing->exchange, 200,
                     json_pack("{s:o, s:b, s:I}", "keys", keys, "resealing", state.is_walking,
                               "unreadable", (json_int_t)state.unreadable));
    listing_end(listing);
}

static void on_rows(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct listing *listing = arg;

    if (!ok) {
        problem_of_store(listing->exchange, false);
        listing_end(listing);
        return;
    }
    listing->rows = mem_zeroed(count, sizeof *rows);
    listing->row_count = count;
    if (count > 0) {
        memcpy(listing->rows, rows, count * sizeof *rows);
    }
    reseal_count(listing->api->domain, on_counted, listing);
}

void admin_keyring_list(void *arg, struct exchange *exchange)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);

    listing->api = arg;
    listing->exchange = exchange;
    key_register_read(listing->api->domain, listing->api->now_ms(), on_rows, listing);
}

/* Members of a problem; the text ends with a NUL. */
static void reply_with(struct exchange *exchange, enum problem problem, int retry_s,
                       struct buf *members)
{
    buf_append_u8(members, 0);
    exchange_reply_problem(exchange, problem, retry_s, (const char *)members->at);
}

/* One sentence more than the problem has by itself. */
static void explain(struct buf *members, const char *text)
{
    buf_append_text(members, ",\"explanation\":");
    json_append_quoted(members, bytes_text(text));
}

static void explain_awaited(struct buf *members, const struct key_change_outcome *outcome)
{
    buf_append_format(members,
                      ",\"id\":%" PRIu32 ",\"lacking\":%" PRId64
                      ",\"explanation\":\"It is the one with id %" PRIu32 ", which %" PRId64
                      " of the daemons lack.\"",
                      outcome->id, outcome->lacking, outcome->id, outcome->lacking);
}

static void explain_needed(struct buf *members, const struct key_change_outcome *outcome)
{
    buf_append_format(members,
                      ",\"rows\":%" PRId64 ",\"explanation\":\"Values under it: %" PRId64 ".\"",
                      outcome->row_count, outcome->row_count);
}

static void reply_refusal(struct exchange *exchange, const struct key_change_outcome *outcome)
{
    struct buf members = { 0 };

    switch (outcome->result) {
    case KEY_CHANGE_UNKNOWN:
        reply_with(exchange, PROBLEM_not_found, 0, &members);
        break;
    case KEY_CHANGE_FIXED:
        explain(&members, outcome->why);
        reply_with(exchange, PROBLEM_key_fixed, 0, &members);
        break;
    case KEY_CHANGE_AWAITED:
        explain_awaited(&members, outcome);
        reply_with(exchange, PROBLEM_key_awaited, 0, &members);
        break;
    case KEY_CHANGE_TOO_MANY:
        reply_with(exchange, PROBLEM_key_too_many, 0, &members);
        break;
    case KEY_CHANGE_FILE:
        explain(&members, outcome->error);
        reply_with(exchange, PROBLEM_key_file_failed, 0, &members);
        break;
    case KEY_CHANGE_IN_USE:
        reply_with(exchange, PROBLEM_key_in_use, 0, &members);
        break;
    case KEY_CHANGE_NEEDED:
        explain_needed(&members, outcome);
        reply_with(exchange, PROBLEM_key_needed, 0, &members);
        break;
    case KEY_CHANGE_RECENT:
        reply_with(exchange, PROBLEM_key_recent, (int)outcome->retry_s, &members);
        break;
    case KEY_CHANGE_DONE:
    case KEY_CHANGE_UNAVAILABLE:
    case KEY_CHANGE_STORAGE_FULL:
        problem_of_store(exchange, outcome->result == KEY_CHANGE_STORAGE_FULL);
        break;
    }
    buf_clear(&members);
}

static void on_rotated(void *arg, const struct key_change_outcome *outcome)
{
    struct exchange *exchange = arg;

    if (outcome->result != KEY_CHANGE_DONE) {
        reply_refusal(exchange, outcome);
        return;
    }
    reply_json_steal(exchange, 201,
                     json_pack("{s:I, s:b, s:I}", "id", (json_int_t)outcome->id, "in_force",
                               outcome->in_force, "lacking", (json_int_t)outcome->lacking));
}

/* Take the word for a purpose; too long is none. */
static void need_purpose(struct json_reader *reader, char out[KEY_PURPOSE_BYTES])
{
    struct bytes text = { 0 };

    json_need_text(reader, "purpose", &text);
    if (text.size >= KEY_PURPOSE_BYTES) {
        json_reader_fail(reader, JSON_OUT_OF_RANGE, "purpose");
    } else if (text.size > 0) {
        memcpy(out, text.at, text.size);
        out[text.size] = '\0';
    }
}

void admin_keyring_rotate(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    char purpose[KEY_PURPOSE_BYTES] = "";

    if (json_reader_begin(&reader, exchange_body(exchange))) {
        need_purpose(&reader, purpose);
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    key_change_rotate(api->domain->key_register, purpose, api->now_ms(), on_rotated, exchange);
}

static void on_retired(void *arg, const struct key_change_outcome *outcome)
{
    struct exchange *exchange = arg;
    json_t *answer = NULL;

    if (outcome->result != KEY_CHANGE_DONE) {
        reply_refusal(exchange, outcome);
        return;
    }
    answer = json_pack("{s:I, s:b}", "id", (json_int_t)outcome->id, "file_deleted",
                       outcome->error[0] == '\0');
    if (outcome->error[0] != '\0') {
        (void)json_object_set_new(answer, "explanation", json_string(outcome->error));
    }
    reply_json_steal(exchange, 200, answer);
}

void admin_keyring_retire(void *arg, struct exchange *exchange)
{
    struct api *api = arg;
    struct json_reader reader;
    char purpose[KEY_PURPOSE_BYTES] = "";
    int64_t id = 0;

    if (json_reader_begin(&reader, exchange_body(exchange))) {
        need_purpose(&reader, purpose);
        json_need_int(&reader, "id", 1, UINT32_MAX, &id);
    }
    if (!json_reader_end(&reader)) {
        problem_of_reader(exchange, &reader);
        return;
    }
    key_change_retire(api->domain->key_register, purpose, (uint32_t)id, api->now_ms(), on_retired,
                      exchange);
}
