/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fault_init(struct fault *fault, char *text, size_t size)
{
    fault->text = text;
    fault->size = size;
    if (size > 0) {
        text[0] = '\0';
    }
}

bool fault_say(const struct fault *fault, const char *format, ...)
{
    if (fault->size > 0 && fault->text[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(fault->text, fault->size, format, args);
        va_end(args);
    }
    return false;
}

const char *fault_reason(int error)
{
    const char *reason = strerrordesc_np(error); /* strerror is for one thread */

    return reason != NULL ? reason : "for no known reason";
}
