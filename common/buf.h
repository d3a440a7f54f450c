/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer: zero it, append to it, clear it.  Growth doubles, so
 * appending n bytes costs n.  One owner, one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct buf {
    uint8_t *at; /* NULL while nothing was appended */
    size_t size; /* bytes in use */
    size_t room; /* bytes allocated */
};

/* Make room for extra more bytes without a further allocation. */
void buf_reserve(struct buf *buf, size_t extra);

/* Append a copy of value, or one big-endian integer. */
void buf_append(struct buf *buf, struct bytes value);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_u8(struct buf *buf, uint8_t value);
void buf_append_u16(struct buf *buf, uint16_t value);
void buf_append_u32(struct buf *buf, uint32_t value);
void buf_append_u64(struct buf *buf, uint64_t value);

/* Append text made as printf makes it. */
__attribute__((format(printf, 2, 3))) void buf_append_format(struct buf *buf, const char *format,
                                                             ...);

/* Drop count bytes at the front; count is at most size. */
void buf_drop_front(struct buf *buf, size_t count);

/* View what is in use.  Borrowed until the next change of buf. */
struct bytes buf_view(const struct buf *buf);

/* Empty it and keep its room; or release it.  May be called twice. */
void buf_empty(struct buf *buf);
void buf_clear(struct buf *buf);
