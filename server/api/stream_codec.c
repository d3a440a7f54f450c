/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/stream_codec.h"

#include <string.h>

static void copy_field(struct wire *wire, uint8_t *out, size_t size)
{
    struct bytes field = wire_bytes(wire, size);

    if (field.size == size) {
        memcpy(out, field.at, size);
    }
}

/* Walk over the recipients without keeping them: do their lengths fit the message? */
static bool recipients_fit(struct wire wire, size_t count)
{
    for (size_t i = 0; i < count && !wire_is_bad(&wire); i++) {
        (void)wire_bytes(&wire, DEVICE_PUB_BYTES);
        (void)wire_bytes(&wire, wire_u32(&wire));
    }
    return wire_is_done(&wire);
}

static bool parse_send(struct wire *wire, struct stream_message *out)
{
    struct envelope_send *send = &out->send;
    uint8_t flags = 0;

    out->request = wire_u32(wire);
    flags = wire_u8(wire);
    if ((flags & ~STREAM_SEND_FLAGS) != 0) {
        return false;
    }
    send->ttl_s = wire_u32(wire);
    copy_field(wire, send->id.raw, sizeof send->id.raw);
    send->urgent = (flags & STREAM_SEND_URGENT) != 0;
    send->online_only = (flags & STREAM_SEND_ONLINE_ONLY) != 0;
    send->list_check = (flags & STREAM_SEND_LIST_CHECK) != 0;
    send->shared_given = (flags & STREAM_SEND_SHARED) != 0;
    if (send->list_check) {
        copy_field(wire, send->account.raw, sizeof send->account.raw);
        send->epoch = wire_u64(wire);
    }
    if (send->shared_given) {
        send->shared = wire_bytes(wire, wire_u32(wire));
    }
    out->count = wire_u16(wire);
    out->rest = *wire;
    return !wire_is_bad(wire) && recipients_fit(*wire, out->count);
}

static bool parse_ack(struct wire *wire, struct stream_message *out)
{
    out->request = wire_u32(wire);
    out->count = wire_u16(wire);
    out->rest = *wire;
    return !wire_is_bad(wire) && wire->left == out->count * sizeof(uint64_t);
}

static bool parse_ack_upto(struct wire *wire, struct stream_message *out)
{
    out->request = wire_u32(wire);
    out->seq = wire_u64(wire);
    return wire_is_done(wire);
}

bool stream_codec_parse(struct bytes message, struct stream_message *out)
{
    struct wire wire = wire_of(message);
    uint8_t type = wire_u8(&wire);

    memset(out, 0, sizeof *out);
    switch (type) {
    case STREAM_SEND:
        out->type = STREAM_SEND;
        return parse_send(&wire, out);
    case STREAM_ACK:
        out->type = STREAM_ACK;
        return parse_ack(&wire, out);
    case STREAM_ACK_UPTO:
        out->type = STREAM_ACK_UPTO;
        return parse_ack_upto(&wire, out);
    default:
        return false;
    }
}

void stream_codec_recipient(struct stream_message *message, struct envelope_recipient *out)
{
    copy_field(&message->rest, out->pub.raw, sizeof out->pub.raw);
    out->part = wire_bytes(&message->rest, wire_u32(&message->rest));
}

uint64_t stream_codec_seq(struct stream_message *message)
{
    return wire_u64(&message->rest);
}

static uint8_t *put(uint8_t *at, uint64_t value, int width)
{
    for (int i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
    return at + width;
}

void stream_codec_result(uint8_t out[STREAM_RESULT_HEAD_BYTES], uint32_t request, int status)
{
    uint8_t *at = put(out, STREAM_RESULT, 1);

    at = put(at, request, 4);
    (void)put(at, (uint64_t)status, 2);
}

void stream_codec_deliver(uint8_t out[STREAM_DELIVER_HEAD_BYTES], int64_t seq,
                          const struct envelope_id *id, int64_t minute, uint8_t flags)
{
    uint8_t *at = put(out, STREAM_DELIVER, 1);

    at = put(at, (uint64_t)seq, 8);
    memcpy(at, id->raw, sizeof id->raw);
    at = put(at + sizeof id->raw, (uint64_t)minute, 4);
    (void)put(at, flags, 1);
}
