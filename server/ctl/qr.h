/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QR codes in a terminal (ISO/IEC 18004, byte mode, error correction L), for a camera to read.
 * A code has a quiet zone of four modules around it.  Without colours what is light is filled,
 * as on a dark terminal; with them it is white and black on any.
 *
 *   blocks  one column a module, two rows of modules a line: U+2588, U+2580, U+2584, space
 *   ASCII   two columns a module, one row a line: "##" is light; with colours all are spaces
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"

struct buf;

enum {
    QR_TEXT_MAX = 425, /* bytes; of version 13, whose blocks fit into 80 columns */
    QR_QUIET = 4       /* modules of the quiet zone on each side, as the standard wants */
};

struct qr_look {
    bool is_ascii;
    bool is_coloured; /* by escape sequences of terminals, 256 colours */
};

/* The look for standard output: ASCII when asked for, or when the locale has no UTF-8. */
struct qr_look qr_look_here(bool wants_ascii);

/*
 * Append the lines of text's code.  False, and nothing is appended, when text is empty or has
 * more than QR_TEXT_MAX bytes.  Where text is a secret the lines are one, too.
 */
bool qr_draw(struct bytes text, struct qr_look look, struct buf *out);

/* Print the code of text; false, with the reason said, when it cannot be drawn. */
bool qr_print(struct bytes text, bool wants_ascii);
