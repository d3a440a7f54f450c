/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/body.h"

enum {
    CHUNK_DIGITS = 8
};

enum body_state {
    PLAIN = 0, /* left bytes and no more */
    SIZE,      /* hex digits, then CR */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LAST_CR, /* the empty line behind the last chunk */
    LAST_LF,
    DONE,
};

void body_begin(struct body *body, bool chunked, size_t length, size_t max)
{
    *body = (struct body){ .left = chunked ? 0 : length, .max = max };
    if (chunked) {
        body->state = SIZE;
    } else {
        body->state = length == 0 ? DONE : PLAIN;
    }
}

static int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum parse_step bad(enum problem *out, enum problem problem)
{
    *out = problem;
    return PARSE_BAD;
}

static enum parse_step in_size(struct body *body, uint8_t byte, enum problem *out)
{
    int value = hex_value(byte);

    if (value >= 0 && body->digits < CHUNK_DIGITS) {
        body->digits++;
        body->left = body->left * 16 + (size_t)value;
        return PARSE_MORE;
    }
    if (byte != '\r' || body->digits == 0) {
        return bad(out, PROBLEM_bad_request);
    }
    if (body->left > body->max - body->taken) {
        return bad(out, PROBLEM_too_large);
    }
    body->state = SIZE_LF;
    return PARSE_MORE;
}

static enum parse_step expect(struct body *body, bool good, enum body_state next, enum problem *out)
{
    body->state = (uint8_t)next;
    body->digits = 0;
    if (!good) {
        return bad(out, PROBLEM_bad_request);
    }
    return next == DONE ? PARSE_DONE : PARSE_MORE;
}

/* One byte of what stands around the data. */
static enum parse_step body_step(struct body *body, uint8_t byte, enum problem *out)
{
    switch ((enum body_state)body->state) {
    case SIZE:
        return in_size(body, byte, out);
    case SIZE_LF:
        return expect(body, byte == '\n', body->left == 0 ? LAST_CR : DATA, out);
    case DATA_CR:
        return expect(body, byte == '\r', DATA_LF, out);
    case DATA_LF:
        return expect(body, byte == '\n', SIZE, out);
    case LAST_CR:
        return expect(body, byte == '\r', LAST_LF, out);
    case LAST_LF:
        return expect(body, byte == '\n', DONE, out);
    case PLAIN:
    case DATA:
    case DONE:
        break;
    }
    return PARSE_DONE;
}

/* Take a run of data; how much. */
static size_t body_data(struct body *body, struct bytes input, struct buf *out)
{
    size_t size = input.size < body->left ? input.size : body->left;

    buf_append(out, bytes_of(input.at, size));
    body->left -= size;
    body->taken += size;
    if (body->left == 0) {
        body->state = body->state == PLAIN ? DONE : DATA_CR;
    }
    return size;
}

enum parse_step body_take(struct body *body, struct bytes input, size_t *out_used, struct buf *out,
                          enum problem *out_problem)
{
    enum parse_step step = PARSE_MORE;
    size_t used = 0;

    while (step == PARSE_MORE && body->state != DONE && used < input.size) {
        if (body->state == PLAIN || body->state == DATA) {
            used += body_data(body, bytes_of(input.at + used, input.size - used), out);
        } else {
            step = body_step(body, input.at[used++], out_problem);
        }
    }
    *out_used = used;
    return body->state == DONE && step != PARSE_BAD ? PARSE_DONE : step;
}
