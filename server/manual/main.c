/* SPDX-License-Identifier: Apache-2.0 */
/* sealpost_manual DATE CONFIG TEMPLATE: a tool of the build that fills in a template, to its output. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/manual/rows.h"
#include "server/manual/template.h"

enum {
    CHUNK_BYTES = 4096
};

static bool read_file(const char *path, struct buf *out)
{
    char chunk[CHUNK_BYTES];
    FILE *file = fopen(path, "re");
    size_t size = 0;

    if (file == NULL) {
        return false;
    }
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_append(out, bytes_of(chunk, size));
    }
    return fclose(file) == 0;
}

int main(int argc, char **argv)
{
    struct template_words words = { .version = SEALPOST_VERSION };
    struct buf text = { 0 };
    struct buf filled = { 0 };
    int status = EXIT_FAILURE;

    if (argc != 4) {
        (void)fputs("sealpost_manual: wants DATE CONFIG TEMPLATE\n", stderr);
        return status;
    }
    words.date = argv[1];
    words.config = argv[2];
    words.shell = strstr(argv[3], ".fish") == NULL ? ROWS_BOURNE : ROWS_FISH;
    if (!read_file(argv[3], &text)) {
        (void)fprintf(stderr, "sealpost_manual: %s cannot be read\n", argv[3]);
    } else if (!template_fill(buf_view(&text), &words, &filled)) {
        (void)fprintf(stderr, "sealpost_manual: %s has a line that no table makes\n", argv[3]);
    } else if (fwrite(filled.at, 1, filled.size, stdout) == filled.size && fflush(stdout) == 0) {
        status = EXIT_SUCCESS;
    }
    buf_clear(&text);
    buf_clear(&filled);
    return status;
}
