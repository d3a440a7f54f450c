/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vectors.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/unit.h"

json_t *vectors_load(const char *path)
{
    json_error_t fault;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);

    if (root == NULL) {
        fail_msg("%s:%d: %s", path, fault.line, fault.text);
    }
    return root;
}

const char *vectors_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    if (text == NULL) {
        fail_msg("a vector has no text called %s", member);
    }
    return text;
}

static uint8_t digit_of(char letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = letter != '\0' ? strchr(digits, letter) : NULL;

    assert_non_null(found);
    return (uint8_t)(found - digits);
}

static uint8_t byte_of(const char *hex)
{
    return (uint8_t)(digit_of(hex[0]) << 4 | digit_of(hex[1]));
}

void vectors_hex(const char *hex, struct buf *out)
{
    size_t length = strlen(hex);

    assert_int_equal(length % 2, 0);
    for (size_t i = 0; i < length; i += 2) {
        buf_append_u8(out, byte_of(hex + i));
    }
}

void vectors_hex_exact(const char *hex, void *out, size_t size)
{
    uint8_t *at = out;

    assert_int_equal(strlen(hex), size * 2);
    for (size_t i = 0; i < size; i++) {
        at[i] = byte_of(hex + 2 * i);
    }
}
