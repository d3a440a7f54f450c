/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON on jansson: no duplicate members, bounded depth, nothing after the
 * value, valid UTF-8.  Readers take members out of an object one by one;
 * json_reader_end then refuses what nobody took, with its name.  Loop thread.
 *
 *   struct json_reader reader;
 *   if (!json_reader_begin(&reader, body)) -> 400, reader.fault names the member or ""
 *   json_need_exact(&reader, "id", id.raw, 16); ...
 *   if (!json_reader_end(&reader)) -> 400 with reader.fault
 *
 * After a fault every further read is a no-op that leaves its out as it was.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"

enum {
    JSON_FAULT_BYTES = 96
};

enum json_fault_kind {
    JSON_FINE = 0,
    JSON_MALFORMED,   /* not JSON, a wrong type, bad base64url, missing, unknown or duplicate */
    JSON_OUT_OF_RANGE /* the right type, a value that is not allowed */
};

struct json_reader {
    json_t *object; /* NULL when it was not begun */
    bool owned;     /* begun from bytes: released at the end */
    uint64_t taken; /* the places in object of the members read so far, as bits */
    enum json_fault_kind kind;
    char fault[JSON_FAULT_BYTES]; /* the member at fault, "" when the text itself is */
};

/*
 * Parse text, an object or an array, strictly and at most depth levels deep ([] is one level);
 * NULL when it is refused.  Caller decrefs.
 */
json_t *json_parse(struct bytes text, int depth);

/*
 * Begin on the text of one object, at most LIMIT_JSON_DEPTH levels deep, or on an object inside
 * another (borrowed).  False when it is none: the fault is set, and json_reader_end need not be
 * called but may be.  A duplicate member is named.
 */
bool json_reader_begin(struct json_reader *reader, struct bytes text);
bool json_reader_begin_value(struct json_reader *reader, json_t *object);

/*
 * Finish: false with the first unknown member as fault, or when a read failed.  Releases the object
 * with all texts and arrays that were read from it.  May be called twice.
 */
bool json_reader_end(struct json_reader *reader);

/* Say whether the object has member, without taking it. */
bool json_has(const struct json_reader *reader, const char *member);

/*
 * Read a member that must be there.  exact and bytes are base64url (exact: of size bytes; bytes are
 * appended); text, array and object are borrowed until json_reader_end, and a text holds no NUL.
 */
void json_need_int(struct json_reader *reader, const char *member, int64_t min, int64_t max,
                   int64_t *out);
void json_need_exact(struct json_reader *reader, const char *member, void *out, size_t size);
void json_need_bytes(struct json_reader *reader, const char *member, struct buf *out);
void json_need_text(struct json_reader *reader, const char *member, struct bytes *out);
void json_need_array(struct json_reader *reader, const char *member, json_t **out);
void json_need_object(struct json_reader *reader, const char *member, json_t **out);

/* Read a member that may be absent: false and *out unchanged when it is. */
bool json_may_int(struct json_reader *reader, const char *member, int64_t min, int64_t max,
                  int64_t *out);
bool json_may_bool(struct json_reader *reader, const char *member, bool *out);
bool json_may_exact(struct json_reader *reader, const char *member, void *out, size_t size);
bool json_may_bytes(struct json_reader *reader, const char *member, struct buf *out);
bool json_may_text(struct json_reader *reader, const char *member, struct bytes *out);
bool json_may_array(struct json_reader *reader, const char *member, json_t **out);
bool json_may_object(struct json_reader *reader, const char *member, json_t **out);

/* Mark member as at fault, for rules of the caller's own. */
void json_reader_fail(struct json_reader *reader, enum json_fault_kind kind, const char *member);

/* A JSON string of value as base64url. */
json_t *json_base64url(struct bytes value);

/* Append value as compact JSON and decref it. */
void json_append_steal(struct buf *out, json_t *value);

/* Append text as a JSON string with its quotes; for rooms that hold no json_t. */
void json_append_quoted(struct buf *out, struct bytes text);
