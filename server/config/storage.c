/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password stands between the first colon behind :// and the last @, or in a
 * parameter.  The URL may be wrong in any way: rather too much is hidden.
 */
#include "server/config/storage.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"

static const char mask[] = "***";
static const char *const schemes[] = { "postgresql://", "postgres://" };
static const char *const secrets[] = { "password=", "sslpassword=" };

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool storage_is_postgres(const char *storage)
{
    return begins_with(storage, schemes[0]) || begins_with(storage, schemes[1]);
}

const char *storage_fault(const char *storage)
{
#ifdef SEALPOST_BENCH
    if (strcmp(storage, "none:") == 0) {
        return NULL;
    }
#endif
    if (storage_is_postgres(storage)) {
        return strstr(storage, "://")[3] != '\0'
                   ? NULL
                   : "behind postgresql:// come USER:PASSWORD@HOST:PORT/DATABASE";
    }
    if (!begins_with(storage, "sqlite:")) {
        return "write sqlite: (a file in data_dir), sqlite:/path, or "
               "postgresql://USER:PASSWORD@HOST:PORT/DATABASE";
    }
    storage += strlen("sqlite:");
    return storage[0] == '\0' || storage[0] == '/' ? NULL
                                                   : "behind sqlite: comes nothing or a path that "
                                                     "begins with a slash";
}

/* Append what stands before the parameters. */
static void mask_authority(const char *start, size_t size, struct buf *out)
{
    const char *scheme = strstr(start, "://");
    const char *end = start + size;
    const char *at = end;
    const char *colon = NULL;

    while (at > start && at[-1] != '@') {
        at--;
    }
    if (scheme != NULL && scheme < end) {
        colon = memchr(scheme + 3, ':', (size_t)(end - scheme - 3));
    }
    if (at == start || colon == NULL || colon >= at) {
        buf_append(out, bytes_of(start, size));
        return;
    }
    buf_append(out, bytes_of(start, (size_t)(colon + 1 - start)));
    buf_append_text(out, mask);
    buf_append(out, bytes_of(at - 1, (size_t)(end - at + 1)));
}

static void mask_parameter(const char *start, size_t size, struct buf *out)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (begins_with(start, secrets[i])) {
            buf_append_text(out, secrets[i]);
            buf_append_text(out, mask);
            return;
        }
    }
    buf_append(out, bytes_of(start, size));
}

void storage_mask(const char *storage, struct buf *out)
{
    const char *last_at = strrchr(storage, '@');
    const char *from = last_at == NULL ? storage : last_at; /* a password may have a ? in it */
    const char *rest = from + strcspn(from, "?");

    mask_authority(storage, (size_t)(rest - storage), out);
    while (*rest != '\0') {
        size_t size = 0;
        buf_append_u8(out, (uint8_t)*rest); /* ? or & */
        rest++;
        size = strcspn(rest, "&");
        mask_parameter(rest, size, out);
        rest += size;
    }
}
