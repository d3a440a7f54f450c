/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws its standard input as a QR code, so that a reader by others can be set against it.
 * Its arguments are words of how: ascii, coloured.  1: it was not drawn.
 */
#include "server/ctl/qr.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"

int main(int argc, char **argv)
{
    uint8_t text[QR_TEXT_MAX + 1];
    struct qr_look look = { .is_ascii = false };
    struct buf lines = { 0 };
    size_t size = fread(text, 1, sizeof text, stdin);

    for (int i = 1; i < argc; i++) {
        look.is_ascii = look.is_ascii || strcmp(argv[i], "ascii") == 0;
        look.is_coloured = look.is_coloured || strcmp(argv[i], "coloured") == 0;
    }
    if (!qr_draw(bytes_of(text, size), look, &lines)) {
        return 1;
    }
    (void)fwrite(lines.at, 1, lines.size, stdout);
    buf_clear(&lines);
    return 0;
}
