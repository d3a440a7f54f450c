/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is read exactly when an arithmetic of lengths alone says that its
 * fields fit, and what was read, written again field by field, is the message.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "server/api/stream_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t number(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value = value * 256 + at[i];
    }
    return value;
}

/* Step over a length and as many bytes from *at on; false when they go beyond size. */
static bool step_over(const uint8_t *data, size_t size, size_t *at)
{
    uint64_t length = 0;

    if (*at + 4 > size) {
        return false;
    }
    length = number(data + *at, 4);
    *at += 4;
    if (length > size - *at) {
        return false;
    }
    *at += (size_t)length;
    return true;
}

static bool send_fits(const uint8_t *data, size_t size)
{
    size_t at = 1 + 4 + 1 + 4 + 16;
    uint64_t count = 0;

    if (size < at || data[5] > 15) {
        return false;
    }
    at += (data[5] & 4) != 0 ? 40 : 0;
    if (at > size || ((data[5] & 8) != 0 && !step_over(data, size, &at)) || at + 2 > size) {
        return false;
    }
    count = number(data + at, 2);
    at += 2;
    for (uint64_t i = 0; i < count; i++) {
        at += 32;
        if (at > size || !step_over(data, size, &at)) {
            return false;
        }
    }
    return at == size;
}

static bool fits(const uint8_t *data, size_t size)
{
    switch (size == 0 ? 0 : data[0]) {
    case 1:
        return send_fits(data, size);
    case 2:
        return size >= 7 && size == 7 + 8 * number(data + 5, 2);
    case 3:
        return size == 13;
    default:
        return false;
    }
}

static void write_sized(struct buf *out, struct bytes value)
{
    buf_append_u32(out, (uint32_t)value.size);
    buf_append(out, value);
}

static void write_send(struct buf *out, struct stream_message *message)
{
    const struct envelope_send *send = &message->send;

    buf_append_u8(out, (uint8_t)((send->urgent ? 1 : 0) | (send->online_only ? 2 : 0) |
                                 (send->list_check ? 4 : 0) | (send->shared_given ? 8 : 0)));
    buf_append_u32(out, (uint32_t)send->ttl_s);
    buf_append(out, bytes_of(send->id.raw, sizeof send->id.raw));
    if (send->list_check) {
        buf_append(out, bytes_of(send->account.raw, sizeof send->account.raw));
        buf_append_u64(out, send->epoch);
    }
    if (send->shared_given) {
        write_sized(out, send->shared);
    }
    buf_append_u16(out, (uint16_t)message->count);
    for (size_t i = 0; i < message->count; i++) {
        struct envelope_recipient recipient;
        stream_codec_recipient(message, &recipient);
        buf_append(out, bytes_of(recipient.pub.raw, sizeof recipient.pub.raw));
        write_sized(out, recipient.part);
    }
}

static void write_message(struct buf *out, struct stream_message *message)
{
    buf_append_u8(out, (uint8_t)message->type);
    buf_append_u32(out, message->request);
    if (message->type == STREAM_SEND) {
        write_send(out, message);
    } else if (message->type == STREAM_ACK) {
        buf_append_u16(out, (uint16_t)message->count);
        for (size_t i = 0; i < message->count; i++) {
            buf_append_u64(out, stream_codec_seq(message));
        }
    } else {
        buf_append_u64(out, message->seq);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream_message message;
    struct buf again = { 0 };
    bool read = stream_codec_parse(bytes_of(data, size), &message);

    CHECK(read == fits(data, size));
    if (read) {
        write_message(&again, &message);
        CHECK(bytes_equal(buf_view(&again), bytes_of(data, size)));
    }
    buf_clear(&again);
    return 0;
}
