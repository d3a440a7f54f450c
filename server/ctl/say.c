/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/json.h"

void say_error(const char *format, ...)
{
    va_list args;

    (void)fputs("sealpost: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

const char *say_noun(int64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

const char *say_minute(int64_t seconds, char out[SAY_TIME_BYTES])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&when, &parts) != NULL) {
        (void)strftime(out, SAY_TIME_BYTES, "%Y-%m-%d %H:%M UTC", &parts);
    }
    return out;
}

void say_json_steal(json_t *value)
{
    struct buf text = { 0 };

    json_append_steal(&text, value);
    (void)fwrite(text.at, 1, text.size, stdout);
    (void)fputc('\n', stdout);
    buf_clear(&text);
}

void say_base64url(struct bytes value)
{
    char *text = base64url_text(value);

    (void)puts(text);
    free(text);
}
