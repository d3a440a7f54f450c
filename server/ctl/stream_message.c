/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/stream_message.h"

#include <stddef.h>
#include <string.h>

#include "common/wire.h"

static void deliver_read(struct wire *wire, struct stream_message *out)
{
    out->seq = wire_u64(wire);
    struct bytes id = wire_bytes(wire, sizeof out->id.raw);
    out->minute = wire_u32(wire);
    out->flags = wire_u8(wire);
    if (id.at != NULL) {
        memcpy(out->id.raw, id.at, sizeof out->id.raw);
    }
}

bool stream_message_read(struct bytes message, struct stream_message *out)
{
    struct wire wire = wire_of(message);

    *out = (struct stream_message){ .type = (enum stream_message_type)wire_u8(&wire) };
    switch (out->type) {
    case STREAM_RESULT:
        out->request = wire_u32(&wire);
        out->status = wire_u16(&wire);
        break;
    case STREAM_DELIVER:
        deliver_read(&wire, out);
        break;
    case STREAM_EVENT:
        break;
    case STREAM_SEND:
    case STREAM_ACK:
    default:
        return false;
    }
    out->body = bytes_of(wire.at, wire.left);
    return !wire_is_bad(&wire);
}

void stream_message_ack(uint32_t request, uint64_t seq, struct buf *out)
{
    buf_append_u8(out, STREAM_ACK);
    buf_append_u32(out, request);
    buf_append_u16(out, 1);
    buf_append_u64(out, seq);
}
