/* SPDX-License-Identifier: Apache-2.0 */
/* The room doubles, so that a buffer of n bytes was copied about once in all. */
#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/mem.h"

enum {
    BUF_ROOM_FIRST = 64
};

void buf_reserve(struct buf *buf, size_t extra)
{
    size_t room = buf->room < BUF_ROOM_FIRST ? BUF_ROOM_FIRST : buf->room;

    CHECK(extra <= SIZE_MAX / 4 && buf->size <= SIZE_MAX / 4);
    if (buf->room - buf->size >= extra) {
        return;
    }
    while (room - buf->size < extra) {
        room *= 2;
    }
    buf->at = mem_resized(buf->at, room);
    buf->room = room;
}

void buf_append(struct buf *buf, struct bytes value)
{
    if (value.size == 0) {
        return;
    }
    buf_reserve(buf, value.size);
    memcpy(buf->at + buf->size, value.at, value.size);
    buf->size += value.size;
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, bytes_text(text));
}

void buf_append_u8(struct buf *buf, uint8_t value)
{
    buf_reserve(buf, sizeof value);
    buf->at[buf->size++] = value;
}

/* Append the low count bytes of value, the highest first. */
static void buf_append_number(struct buf *buf, uint64_t value, size_t count)
{
    buf_reserve(buf, count);
    for (size_t i = count; i > 0; i--) {
        buf->at[buf->size++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

void buf_append_u16(struct buf *buf, uint16_t value)
{
    buf_append_number(buf, value, sizeof value);
}

void buf_append_u32(struct buf *buf, uint32_t value)
{
    buf_append_number(buf, value, sizeof value);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    buf_append_number(buf, value, sizeof value);
}

void buf_append_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(length >= 0);

    buf_reserve(buf, (size_t)length + 1);
    (void)vsnprintf((char *)buf->at + buf->size, (size_t)length + 1, format, again);
    va_end(again);
    buf->size += (size_t)length;
}

void buf_drop_front(struct buf *buf, size_t count)
{
    CHECK(count <= buf->size);
    if (count == 0) {
        return;
    }
    buf->size -= count;
    memmove(buf->at, buf->at + count, buf->size);
}

struct bytes buf_view(const struct buf *buf)
{
    return bytes_of(buf->at, buf->size);
}

void buf_empty(struct buf *buf)
{
    buf->size = 0;
}

void buf_clear(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){ .at = NULL };
}
