/* SPDX-License-Identifier: Apache-2.0 */
#include "server/manual/roff.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"

enum {
    WIDTH = 76
};

static void append_letter(char letter, struct buf *out)
{
    switch (letter) {
    case '\\':
        buf_append_text(out, "\\e");
        break;
    case '-':
        buf_append_text(out, "\\-");
        break;
    case '"':
        buf_append_text(out, "\\(dq");
        break;
    case '\'':
        buf_append_text(out, "\\(aq");
        break;
    case '~':
        buf_append_text(out, "\\(ti");
        break;
    case '^':
        buf_append_text(out, "\\(ha");
        break;
    case '`':
        buf_append_text(out, "\\(ga");
        break;
    default:
        buf_append_u8(out, (uint8_t)letter);
        break;
    }
}

static void append_letters(struct bytes word, struct buf *out)
{
    for (size_t i = 0; i < word.size; i++) {
        append_letter((char)word.at[i], out);
    }
}

void roff_append_word(const char *text, struct buf *out)
{
    append_letters(bytes_text(text), out);
}

/* Behind the end of a sentence a line breaks, so that roff puts the right space there. */
static bool ends_sentence(const char *word, size_t size)
{
    return size > 1 && word[size - 1] == '.' && word[size - 2] != '.' && word[size] == ' ' &&
           strncmp(word, "e.g.", 4) != 0;
}

void roff_append_prose(const char *text, struct buf *out)
{
    size_t begun = out->size;

    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        size_t column = out->size - begun;
        if (column > 0 && column + 1 + size > WIDTH) {
            buf_append_u8(out, '\n');
            begun = out->size;
        } else if (column > 0) {
            buf_append_u8(out, ' ');
        }
        if (out->size == begun && *text == '.') {
            buf_append_text(out, "\\&");
        }
        append_letters(bytes_of(text, size), out);
        if (ends_sentence(text, size)) {
            buf_append_u8(out, '\n');
            begun = out->size;
        }
        text += size + strspn(text + size, " ");
    }
    if (out->size != begun) {
        buf_append_u8(out, '\n');
    }
}
