/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal's cell is about twice as high as it is wide, so half a block is a square, and so
 * are two cells of ASCII.  Rows are drawn in pairs; their number is odd, and what is outside of
 * the code is light, so the last pair has half a line of quiet zone more.
 */
#include "server/ctl/qr.h"

#include <langinfo.h>
#include <locale.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/ctl/say.h"

enum {
    MODULE_DARK = 1 /* the bit of a module that says its colour */
};

static const char colours_off[] = "\033[0m";
static const char on_white[] = "\033[48;5;231m";
static const char on_black[] = "\033[48;5;16m";
static const char white_on_black[] = "\033[38;5;231;48;5;16m";

static bool is_light(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width) {
        return true;
    }
    return (code->data[y * code->width + x] & MODULE_DARK) == 0;
}

static const char *block(bool is_upper_light, bool is_lower_light)
{
    if (is_upper_light) {
        return is_lower_light ? "\u2588" : "\u2580";
    }
    return is_lower_light ? "\u2584" : " ";
}

static void draw_blocks(const QRcode *code, bool is_coloured, struct buf *out)
{
    for (int y = -QR_QUIET; y < code->width + QR_QUIET; y += 2) {
        buf_append_text(out, is_coloured ? white_on_black : "");
        for (int x = -QR_QUIET; x < code->width + QR_QUIET; x++) {
            buf_append_text(out, block(is_light(code, x, y), is_light(code, x, y + 1)));
        }
        buf_append_text(out, is_coloured ? colours_off : "");
        buf_append_u8(out, '\n');
    }
}

static void draw_ascii(const QRcode *code, struct buf *out)
{
    for (int y = -QR_QUIET; y < code->width + QR_QUIET; y++) {
        for (int x = -QR_QUIET; x < code->width + QR_QUIET; x++) {
            buf_append_text(out, is_light(code, x, y) ? "##" : "  ");
        }
        buf_append_u8(out, '\n');
    }
}

/* What a module needs said before it: a colour is said where it begins. */
static const char *background(const QRcode *code, int x, int y)
{
    if (is_light(code, x, y) == is_light(code, x - 1, y)) {
        return "";
    }
    return is_light(code, x, y) ? on_white : on_black;
}

/* A line begins and ends in the quiet zone. */
static void draw_ascii_coloured(const QRcode *code, struct buf *out)
{
    for (int y = -QR_QUIET; y < code->width + QR_QUIET; y++) {
        buf_append_text(out, on_white);
        for (int x = -QR_QUIET; x < code->width + QR_QUIET; x++) {
            buf_append_text(out, background(code, x, y));
            buf_append_text(out, "  ");
        }
        buf_append_text(out, colours_off);
        buf_append_u8(out, '\n');
    }
}

bool qr_draw(struct bytes text, struct qr_look look, struct buf *out)
{
    if (text.size == 0 || text.size > QR_TEXT_MAX) {
        return false;
    }
    QRcode *code = QRcode_encodeData((int)text.size, text.at, 0, QR_ECLEVEL_L);
    if (code == NULL) {
        return false;
    }
    if (!look.is_ascii) {
        draw_blocks(code, look.is_coloured, out);
    } else if (look.is_coloured) {
        draw_ascii_coloured(code, out);
    } else {
        draw_ascii(code, out);
    }
    mem_wipe(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    return true;
}

/* Ask the environment's locale, without making it the program's. */
static bool has_utf8(void)
{
    locale_t here = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

    if (here == (locale_t)0) {
        return false;
    }
    bool is_utf8 = strcmp(nl_langinfo_l(CODESET, here), "UTF-8") == 0;
    freelocale(here);
    return is_utf8;
}

/* https://no-color.org */
static bool may_colour(void)
{
    const char *term = secure_getenv("TERM");
    const char *refusal = secure_getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0 &&
           (refusal == NULL || refusal[0] == '\0');
}

struct qr_look qr_look_here(bool wants_ascii)
{
    return (struct qr_look){ .is_ascii = wants_ascii || !has_utf8(), .is_coloured = may_colour() };
}

bool qr_print(struct bytes text, bool wants_ascii)
{
    struct buf lines = { 0 };
    bool is_drawn = qr_draw(text, qr_look_here(wants_ascii), &lines);

    if (is_drawn) {
        (void)fwrite(lines.at, 1, lines.size, stdout);
        mem_wipe(lines.at, lines.size);
    } else {
        say_error(
            "%zu bytes cannot be drawn as a QR code here, only 1 to %d; copy the text instead",
            text.size, QR_TEXT_MAX);
    }
    buf_clear(&lines);
    return is_drawn;
}
