/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/json.h"
#include "common/utf8.h"

json_t *json_base64url(struct bytes value)
{
    struct buf text = { .at = NULL };
    json_t *made;

    base64url_encode(value, &text);
    made = json_stringn_nocheck(text.at == NULL ? "" : (const char *)text.at, text.size);
    CHECK(made != NULL);
    buf_clear(&text);
    return made;
}

static int on_dump(const char *at, size_t size, void *arg)
{
    buf_append(arg, bytes_of(at, size));
    return 0;
}

void json_append_steal(struct buf *out, json_t *value)
{
    CHECK(value != NULL);
    CHECK(json_dump_callback(value, on_dump, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0);
    json_decref(value);
}

/* Append an ASCII character, escaped where a JSON string needs it (RFC 8259 section 7). */
static void json_append_ascii(struct buf *out, uint8_t character)
{
    switch (character) {
    case '"':
        buf_append_text(out, "\\\"");
        return;
    case '\\':
        buf_append_text(out, "\\\\");
        return;
    case '\b':
        buf_append_text(out, "\\b");
        return;
    case '\f':
        buf_append_text(out, "\\f");
        return;
    case '\n':
        buf_append_text(out, "\\n");
        return;
    case '\r':
        buf_append_text(out, "\\r");
        return;
    case '\t':
        buf_append_text(out, "\\t");
        return;
    default:
        break;
    }
    if (character < 0x20) {
        buf_append_format(out, "\\u%04x", character);
    } else {
        buf_append_u8(out, character);
    }
}

void json_append_quoted(struct buf *out, struct bytes text)
{
    size_t at = 0;

    buf_append_u8(out, '"');
    while (at < text.size) {
        size_t size = utf8_character(bytes_of(text.at + at, text.size - at));
        if (size == 1) {
            json_append_ascii(out, text.at[at]);
        } else if (size > 1) {
            buf_append(out, bytes_of(text.at + at, size));
        } else {
            buf_append_text(out, UTF8_REPLACEMENT);
        }
        at += size == 0 ? 1 : size;
    }
    buf_append_u8(out, '"');
}
