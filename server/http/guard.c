/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine with one state a place in the head.  Runs of ordinary bytes (of a
 * name, a value, a target) are skipped by a table; all others take one step:
 *
 *   START -> [START_LF -> FIRST] -> METHOD -> TARGET <-> HEX1 -> HEX2
 *   TARGET -> VERSION -> LINE_LF -> FIELD -> NAME -> VALUE -> LINE_LF
 *   FIELD -> END_LF -> done
 */
#include "server/http/guard.h"

#include <stdbool.h>
#include <stddef.h>

#include "common/limits.h"

enum {
    METHOD_BYTES = 16
};

enum guard_state {
    START = 0, /* nothing yet, or the empty line that some clients send first */
    START_LF,
    FIRST, /* the request line must begin now */
    METHOD,
    TARGET_SLASH,
    TARGET,
    HEX1,
    HEX2,
    VERSION,
    LINE_LF,
    FIELD, /* a field line, or the empty line that ends the head */
    NAME,
    VALUE,
    END_LF,
    DONE,
};

enum char_class {
    IS_TOKEN = 1,
    IS_METHOD = 2,
    IS_TARGET = 4,
    IS_VALUE = 8,
    IS_HEX = 16
};

static const uint8_t classes[256] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  8,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  0,  0,  0,  8,  15, 8,  11, 15, 11, 15, 15, 12, 12, 15, 15, 12, 15, 15, 12,
    31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 12, 12, 8,  12, 8,  12, 12, 31, 31, 31, 31, 31, 31, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 8,  8,  8,  11, 15,
    11, 29, 29, 29, 29, 29, 29, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
    13, 13, 13, 8,  11, 8,  15, 0,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
    8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
    8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
    8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
    8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
    8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
};

/* The class of which a run may be skipped in each state. */
static const uint8_t run_class[] = {
    [METHOD] = IS_METHOD, [TARGET] = IS_TARGET, [NAME] = IS_TOKEN, [VALUE] = IS_VALUE, [DONE] = 0,
};

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS" };

static bool is_known_method(struct bytes name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (bytes_equal(name, bytes_text(methods[i]))) {
            return true;
        }
    }
    return false;
}

static bool refuse(enum problem *out, enum problem problem)
{
    *out = problem;
    return false;
}

/* Move on when good; else it is no valid HTTP. */
static bool pass(struct guard *guard, bool good, enum guard_state next, enum problem *out)
{
    guard->state = (uint8_t)next;
    return good || refuse(out, PROBLEM_bad_request);
}

static bool begin_line(struct guard *guard, uint8_t byte, enum problem *out)
{
    if (byte == '\r' && guard->state == START) {
        return pass(guard, true, START_LF, out);
    }
    guard->method_at = guard->size;
    return pass(guard, (classes[byte] & IS_METHOD) != 0, METHOD, out);
}

static bool end_method(struct guard *guard, struct bytes input, enum problem *out)
{
    struct bytes name =
        bytes_of(input.at + guard->method_at, (size_t)(guard->size - guard->method_at));

    if (input.at[guard->size] != ' ') {
        return refuse(out, PROBLEM_bad_request);
    }
    guard->target_at = (uint16_t)(guard->size + 1);
    return pass(guard, true, TARGET_SLASH, out) &&
           (is_known_method(name) || refuse(out, PROBLEM_not_implemented));
}

static bool in_target(struct guard *guard, uint8_t byte, enum problem *out)
{
    guard->version_at = 0;
    return pass(guard, byte == ' ' || byte == '%', byte == ' ' ? VERSION : HEX1, out);
}

/* "HTTP/", digit, ".", digit, CR. */
static bool in_version(struct guard *guard, uint8_t byte, enum problem *out)
{
    static const char form[] = "HTTP/0.0\r";
    char want = form[guard->version_at++];

    if (want == '0') {
        bool is_digit = byte >= '0' && byte <= '9';
        bool is_major = guard->version_at < sizeof "HTTP/0";
        if (is_digit && is_major) {
            guard->minor = byte == '1' ? 0 : UINT8_MAX;
        } else if (is_digit) {
            guard->minor = (uint8_t)(guard->minor | (byte - '0'));
        }
        return pass(guard, is_digit, VERSION, out);
    }
    if (byte != (uint8_t)want) {
        return refuse(out, PROBLEM_bad_request);
    }
    if (byte == '\r' && guard->minor > 1) {
        return refuse(out, PROBLEM_version_not_supported);
    }
    return pass(guard, true, byte == '\r' ? LINE_LF : VERSION, out);
}

static bool begin_field(struct guard *guard, uint8_t byte, enum problem *out)
{
    if (byte == '\r') {
        return pass(guard, true, END_LF, out);
    }
    if (++guard->field_count > LIMIT_HEAD_FIELDS) {
        return refuse(out, PROBLEM_head_too_large);
    }
    return pass(guard, (classes[byte] & IS_TOKEN) != 0, NAME, out);
}

/* One byte that is not in a run. */
static bool guard_step(struct guard *guard, struct bytes input, enum problem *out)
{
    uint8_t byte = input.at[guard->size];

    switch ((enum guard_state)guard->state) {
    case START:
    case FIRST:
        return begin_line(guard, byte, out);
    case START_LF:
        return pass(guard, byte == '\n', FIRST, out);
    case METHOD:
        return end_method(guard, input, out);
    case TARGET_SLASH:
        return pass(guard, byte == '/', TARGET, out);
    case TARGET:
        return in_target(guard, byte, out);
    case HEX1:
    case HEX2:
        return pass(guard, (classes[byte] & IS_HEX) != 0, guard->state == HEX1 ? HEX2 : TARGET,
                    out);
    case VERSION:
        return in_version(guard, byte, out);
    case LINE_LF:
        return pass(guard, byte == '\n', FIELD, out);
    case FIELD:
        return begin_field(guard, byte, out);
    case NAME:
        return pass(guard, byte == ':', VALUE, out);
    case VALUE:
        return pass(guard, byte == '\r', LINE_LF, out);
    case END_LF:
        return pass(guard, byte == '\n', DONE, out);
    case DONE:
        break;
    }
    return true;
}

/* Skip the run of ordinary bytes, as far as end. */
static void guard_skip(struct guard *guard, struct bytes input, size_t end)
{
    uint8_t class = run_class[guard->state];
    size_t at = guard->size;

    while (at < end && (classes[input.at[at]] & class) != 0) {
        at++;
    }
    guard->size = (uint16_t)at;
}

/* Limits of parts, which a run may have passed. */
static bool is_in_limits(const struct guard *guard, enum problem *out)
{
    if (guard->state == METHOD && guard->size - guard->method_at > METHOD_BYTES) {
        return refuse(out, PROBLEM_not_implemented);
    }
    if (guard->state >= TARGET && guard->state <= HEX2 &&
        guard->size - guard->target_at > LIMIT_TARGET_BYTES) {
        return refuse(out, PROBLEM_target_too_long);
    }
    return true;
}

enum parse_step guard_scan(struct guard *guard, struct bytes input, enum problem *out_problem)
{
    size_t end = input.size < LIMIT_HEAD_BYTES ? input.size : LIMIT_HEAD_BYTES;

    for (;;) {
        guard_skip(guard, input, end);
        if (!is_in_limits(guard, out_problem)) {
            return PARSE_BAD;
        }
        if (guard->state == DONE || guard->size == end) {
            break;
        }
        if (!guard_step(guard, input, out_problem)) {
            return PARSE_BAD;
        }
        guard->size++;
    }
    if (guard->state == DONE) {
        return PARSE_DONE;
    }
    if (input.size > LIMIT_HEAD_BYTES) {
        *out_problem = PROBLEM_head_too_large;
        return PARSE_BAD;
    }
    return PARSE_MORE;
}
