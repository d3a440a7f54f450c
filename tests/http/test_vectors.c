/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every vector of vectors.json against a real server, sent at once and sent byte by
 * byte: the answers must be those of the table, and the same both times.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "tests/http/site.h"
#include "tests/support/unit.h"

enum {
    VECTORS_MIN = 90,
    BYTEWISE_MAX = 3000,
    STATUSES_MAX = 8
};

struct vector {
    const char *name;
    struct buf raw;
    json_t *want;
    size_t answers;
    bool close;
};

/* The table holds bytes as the characters U+0000 to U+00FF. */
static void append_latin1(struct buf *out, const json_t *text)
{
    const uint8_t *at = (const uint8_t *)json_string_value(text);
    size_t size = json_string_length(text);

    for (size_t i = 0; i < size; i++) {
        if (at[i] < 0x80) {
            buf_append_u8(out, at[i]);
        } else {
            buf_append_u8(out, (uint8_t)((at[i] & 3) << 6 | (at[i + 1] & 63)));
            i++;
        }
    }
}

static void append_part(struct buf *out, const json_t *part)
{
    json_int_t times = json_is_array(part) ? json_integer_value(json_array_get(part, 1)) : 1;
    const json_t *text = json_is_array(part) ? json_array_get(part, 0) : part;

    for (json_int_t i = 0; i < times; i++) {
        append_latin1(out, text);
    }
}

static void read_vector(struct vector *vector, const json_t *entry)
{
    json_t *parts = json_object_get(entry, "raw");

    *vector = (struct vector){
        .name = json_string_value(json_object_get(entry, "name")),
        .want = json_object_get(entry, "want"),
        .answers = (size_t)json_integer_value(json_object_get(entry, "answers")),
        .close = json_is_true(json_object_get(entry, "close")),
    };
    for (size_t i = 0; i < json_array_size(parts); i++) {
        append_part(&vector->raw, json_array_get(parts, i));
    }
}

static bool is_wanted(const struct vector *vector, json_int_t status)
{
    for (size_t i = 0; i < json_array_size(vector->want); i++) {
        if (json_integer_value(json_array_get(vector->want, i)) == status) {
            return true;
        }
    }
    return false;
}

/* The statuses of all answers, in order; how many. */
static size_t read_statuses(const struct client *client, long statuses[STATUSES_MAX])
{
    static const char begin[] = "HTTP/1.1 ";
    size_t count = 0;

    for (size_t i = 0; i + sizeof begin + 3 <= client->got.size; i++) {
        char digits[4] = { 0 };
        memcpy(digits, client->got.at + i + sizeof begin - 1, 3);
        long status = strtol(digits, NULL, 10); /* 0 where a text only speaks of HTTP/1.1 */
        if (memcmp(client->got.at + i, begin, sizeof begin - 1) == 0 && status >= 100 &&
            count < STATUSES_MAX) {
            statuses[count++] = status;
        }
    }
    return count;
}

static void judge_status(const struct vector *vector, long status)
{
    if (!is_wanted(vector, status)) {
        fail_msg("%s: answered %ld", vector->name, status);
    }
}

static void judge(const struct vector *vector, const struct client *client)
{
    long statuses[STATUSES_MAX];
    size_t count = read_statuses(client, statuses);

    if (count != vector->answers) {
        fail_msg("%s: %zu answers\n%.*s", vector->name, count, (int)client->got.size,
                 (const char *)client->got.at);
    }
    for (size_t i = 0; i < count; i++) {
        judge_status(vector, statuses[i]);
    }
    if (count > 0 && client_has(client, "\r\nConnection: close\r\n") != vector->close) {
        fail_msg("%s: closes wrongly or not", vector->name);
    }
}

static void try_vector(struct site *site, const struct vector *vector, size_t piece)
{
    struct client client;

    client_open(&client, site);
    for (size_t at = 0; at < vector->raw.size; at += piece) {
        size_t left = vector->raw.size - at;
        client_send(&client, bytes_of(vector->raw.at + at, left < piece ? left : piece));
    }
    client_shut(&client);
    client_wait_for_end(&client);
    judge(vector, &client);
    client_close(&client);
}

static void try_all(size_t piece, size_t size_max)
{
    json_t *table = json_load_file(TESTS_DIR "/http/vectors.json", JSON_ALLOW_NUL, NULL);
    struct site site;

    assert_true(json_array_size(table) >= VECTORS_MIN);
    site_open(&site, &(struct site_options){ 0 });
    for (size_t i = 0; i < json_array_size(table); i++) {
        struct vector vector;
        read_vector(&vector, json_array_get(table, i));
        if (vector.raw.size <= size_max) {
            try_vector(&site, &vector, piece);
        }
        buf_clear(&vector.raw);
    }
    site_close(&site);
    json_decref(table);
}

static void every_vector_is_answered_as_the_table_says(void **state)
{
    (void)state;
    try_all(SIZE_MAX / 2, SIZE_MAX);
}

static void every_vector_is_answered_alike_when_it_comes_byte_by_byte(void **state)
{
    (void)state;
    try_all(1, BYTEWISE_MAX);
}

static void every_vector_is_answered_alike_when_it_comes_in_pieces(void **state)
{
    (void)state;
    try_all(37, SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_answered_as_the_table_says),
        cmocka_unit_test(every_vector_is_answered_alike_when_it_comes_byte_by_byte),
        cmocka_unit_test(every_vector_is_answered_alike_when_it_comes_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
