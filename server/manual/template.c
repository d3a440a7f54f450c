/* SPDX-License-Identifier: Apache-2.0 */
#include "server/manual/template.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "server/manual/pages.h"

typedef void page_fn(struct buf *out);
typedef void rows_fn(enum rows_shell shell, struct buf *out);

static const struct {
    const char *word;
    page_fn *page; /* or */
    rows_fn *rows;
} parts[] = {
    { "@daemon_options@", pages_daemon_options, NULL },
    { "@config_options@", pages_config_options, NULL },
    { "@commands@", pages_commands, NULL },
    { "@command_options@", pages_command_options, NULL },
    { "@daemon_rows@", NULL, rows_daemon },
    { "@config_rows@", NULL, rows_config },
    { "@option_rows@", NULL, rows_options },
    { "@command_rows@", NULL, rows_commands },
};

static bool begins(struct bytes text, const char *word)
{
    return text.size >= strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

/* Append what stands for the word that text begins with; the size of the word, 0: it is none. */
static size_t fill_word(struct bytes text, const struct template_words *words, struct buf *out)
{
    const struct {
        const char *word, *value;
    } inside[] = {
        { "@version@", words->version },
        { "@date@", words->date },
        { "@config@", words->config },
    };

    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        if (begins(text, inside[i].word)) {
            buf_append_text(out, inside[i].value);
            return strlen(inside[i].word);
        }
    }
    return 0;
}

/* Append a line with the words inside it filled in. */
static void fill_line(struct bytes line, const struct template_words *words, struct buf *out)
{
    size_t at = 0;

    while (at < line.size) {
        size_t size = fill_word(bytes_of(line.at + at, line.size - at), words, out);
        if (size == 0) {
            buf_append_u8(out, line.at[at]);
            size = 1;
        }
        at += size;
    }
    buf_append_u8(out, '\n');
}

static bool fill_part(struct bytes line, enum rows_shell shell, struct buf *out)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!bytes_equal(line, bytes_text(parts[i].word))) {
            continue;
        }
        if (parts[i].page != NULL) {
            parts[i].page(out);
        } else {
            parts[i].rows(shell, out);
        }
        return true;
    }
    return false;
}

bool template_fill(struct bytes text, const struct template_words *words, struct buf *out)
{
    while (text.size > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.at);
        struct bytes line = bytes_of(text.at, size);
        bool is_word = size > 2 && line.at[0] == '@' && line.at[size - 1] == '@';

        if (is_word && !fill_part(line, words->shell, out)) {
            buf_append(out, line);
            return false;
        }
        if (!is_word) {
            fill_line(line, words, out);
        }
        size += end == NULL ? 0 : 1;
        text = bytes_of(text.at + size, text.size - size);
    }
    return true;
}
