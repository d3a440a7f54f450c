/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/fault.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/utf8.h"

void fault_init(struct fault *fault, char *text, size_t size)
{
    fault->text = text;
    fault->size = size;
    if (size > 0) {
        text[0] = '\0';
    }
}

/* What is repeated from a file may be anything: a sentence stays one line of text. */
static void make_plain(char *text)
{
    bool is_utf8 = utf8_is_valid(bytes_text(text));

    for (char *at = text; *at != '\0'; at++) {
        if (iscntrl((unsigned char)*at) != 0 || (!is_utf8 && (unsigned char)*at > '\x7f')) {
            *at = '?';
        }
    }
}

bool fault_say(const struct fault *fault, const char *format, ...)
{
    if (fault->size > 0 && fault->text[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(fault->text, fault->size, format, args);
        va_end(args);
        make_plain(fault->text);
    }
    return false;
}

const char *fault_reason(int error)
{
    const char *reason = strerrordesc_np(error); /* strerror is for one thread */

    return reason != NULL ? reason : "for no known reason";
}
