/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A head is judged byte by byte as far as it is there, so that a peer that broke
 * a rule hears so at once and not only when it has sent the rest.
 */
#include "server/ws/frame.h"

#include <string.h>

enum {
    BIT_FIN = 0x80,
    BITS_RSV = 0x70,
    BITS_OPCODE = 0x0F,
    BIT_CONTROL = 0x08,
    BIT_MASK = 0x80,
    BITS_LENGTH = 0x7F,
    LENGTH_IS_U16 = 126,
    LENGTH_IS_U64 = 127,
};

/* A head as it stands on the wire. */
struct head {
    size_t size;
    uint64_t payload_size;
    enum ws_opcode opcode;
    bool is_final;
    uint8_t key[WS_FRAME_KEY_BYTES];
};

void ws_framer_init(struct ws_framer *framer, enum ws_role role, uint64_t message_max)
{
    *framer = (struct ws_framer){ .role = role, .message_max = message_max };
}

static bool opcode_is_control(enum ws_opcode opcode)
{
    return ((unsigned)opcode & BIT_CONTROL) != 0;
}

/* Judge byte 0 against the message in hand. */
static bool first_byte_is_good(const struct ws_framer *framer, uint8_t byte)
{
    bool is_inside = framer->message_opcode != WS_OPCODE_CONTINUATION;

    if ((byte & BITS_RSV) != 0) {
        return false;
    }
    switch (byte & BITS_OPCODE) {
    case WS_OPCODE_CONTINUATION:
        return is_inside;
    case WS_OPCODE_TEXT:
    case WS_OPCODE_BINARY:
        return !is_inside;
    case WS_OPCODE_CLOSE:
    case WS_OPCODE_PING:
    case WS_OPCODE_PONG:
        return (byte & BIT_FIN) != 0;
    default:
        return false;
    }
}

static bool second_byte_is_good(const struct ws_framer *framer, uint8_t first, uint8_t byte)
{
    bool is_masked = (byte & BIT_MASK) != 0;
    bool is_control = (first & BIT_CONTROL) != 0;

    if (is_masked != (framer->role == WS_ROLE_SERVER)) {
        return false;
    }
    return !is_control || (byte & BITS_LENGTH) <= WS_FRAME_CONTROL_MAX;
}

static uint64_t big_endian(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

/* Read the length, which begins at byte 1 and is width bytes longer.  Needs those bytes. */
static bool length_is_good(const uint8_t *at, size_t width, uint64_t *out_length)
{
    if (width == 0) {
        *out_length = at[1] & BITS_LENGTH;
        return true;
    }
    *out_length = big_endian(at + 2, width);
    if (width == sizeof(uint16_t)) {
        return *out_length >= LENGTH_IS_U16;
    }
    return *out_length > UINT16_MAX && *out_length <= INT64_MAX;
}

static size_t length_width(uint8_t second)
{
    switch (second & BITS_LENGTH) {
    case LENGTH_IS_U16:
        return sizeof(uint16_t);
    case LENGTH_IS_U64:
        return sizeof(uint64_t);
    default:
        return 0;
    }
}

static bool fits_message(const struct ws_framer *framer, enum ws_opcode opcode, uint64_t length)
{
    if (opcode_is_control(opcode)) {
        return true;
    }
    return framer->message_size <= framer->message_max &&
           length <= framer->message_max - framer->message_size;
}

static enum ws_frame_status head_read(const struct ws_framer *framer, struct bytes input,
                                      struct head *out)
{
    const uint8_t *at = input.at;

    if (input.size >= 1 && !first_byte_is_good(framer, at[0])) {
        return WS_FRAME_BAD;
    }
    if (input.size < 2) {
        return WS_FRAME_MORE;
    }
    if (!second_byte_is_good(framer, at[0], at[1])) {
        return WS_FRAME_BAD;
    }
    size_t width = length_width(at[1]);
    if (input.size < 2 + width) {
        return WS_FRAME_MORE;
    }
    if (!length_is_good(at, width, &out->payload_size)) {
        return WS_FRAME_BAD;
    }
    out->opcode = (enum ws_opcode)(at[0] & BITS_OPCODE);
    out->is_final = (at[0] & BIT_FIN) != 0;
    if (!fits_message(framer, out->opcode, out->payload_size)) {
        return WS_FRAME_TOO_BIG;
    }
    size_t key_size = framer->role == WS_ROLE_SERVER ? WS_FRAME_KEY_BYTES : 0;
    out->size = 2 + width + key_size;
    if (input.size < out->size) {
        return WS_FRAME_MORE;
    }
    memset(out->key, 0, sizeof out->key);
    memcpy(out->key, at + 2 + width, key_size);
    return WS_FRAME_PIECE;
}

static enum ws_frame_status control_piece(const struct head *head, struct bytes input,
                                          struct ws_piece *out)
{
    if (input.size - head->size < head->payload_size) {
        return WS_FRAME_MORE;
    }
    out->opcode = head->opcode;
    out->is_first = true;
    out->is_last = true;
    out->payload = bytes_of(input.at + head->size, (size_t)head->payload_size);
    out->used = head->size + out->payload.size;
    memcpy(out->key, head->key, sizeof out->key);
    return WS_FRAME_PIECE;
}

static void key_turn(uint8_t key[WS_FRAME_KEY_BYTES], size_t by)
{
    uint8_t old[WS_FRAME_KEY_BYTES];

    memcpy(old, key, sizeof old);
    for (size_t i = 0; i < sizeof old; i++) {
        key[i] = old[(i + by) % sizeof old];
    }
}

/* Take what input has of the data frame in hand; its head is head_size bytes of the input. */
static void data_piece(struct ws_framer *framer, struct bytes input, size_t head_size,
                       struct ws_piece *out)
{
    size_t there = input.size - head_size;
    size_t size = there < framer->left ? there : (size_t)framer->left;

    out->opcode = framer->message_opcode;
    out->payload = bytes_of(input.at + head_size, size);
    out->used = head_size + size;
    memcpy(out->key, framer->key, sizeof out->key);
    framer->left -= size;
    key_turn(framer->key, size);
    out->is_last = framer->is_final && framer->left == 0;
    if (out->is_last) {
        framer->message_opcode = WS_OPCODE_CONTINUATION;
        framer->message_size = 0;
    }
}

enum ws_frame_status ws_framer_next(struct ws_framer *framer, struct bytes input,
                                    struct ws_piece *out)
{
    struct head head;

    if (framer->left > 0) {
        if (input.size == 0) {
            return WS_FRAME_MORE;
        }
        out->is_first = false;
        data_piece(framer, input, 0, out);
        return WS_FRAME_PIECE;
    }
    enum ws_frame_status status = head_read(framer, input, &head);
    if (status != WS_FRAME_PIECE) {
        return status;
    }
    if (opcode_is_control(head.opcode)) {
        return control_piece(&head, input, out);
    }
    out->is_first = head.opcode != WS_OPCODE_CONTINUATION;
    if (out->is_first) {
        framer->message_opcode = head.opcode;
    }
    framer->message_size += head.payload_size;
    framer->left = head.payload_size;
    framer->is_final = head.is_final;
    memcpy(framer->key, head.key, sizeof framer->key);
    data_piece(framer, input, head.size, out);
    return WS_FRAME_PIECE;
}

void ws_frame_mask(uint8_t *to, struct bytes from, const uint8_t key[WS_FRAME_KEY_BYTES])
{
    uint8_t twice[2 * WS_FRAME_KEY_BYTES];
    uint64_t wide;
    size_t i = 0;

    memcpy(twice, key, WS_FRAME_KEY_BYTES);
    memcpy(twice + WS_FRAME_KEY_BYTES, key, WS_FRAME_KEY_BYTES);
    memcpy(&wide, twice, sizeof wide);
    for (; from.size - i >= sizeof wide; i += sizeof wide) {
        uint64_t block;
        memcpy(&block, from.at + i, sizeof block);
        block ^= wide;
        memcpy(to + i, &block, sizeof block);
    }
    for (; i < from.size; i++) {
        to[i] = (uint8_t)(from.at[i] ^ key[i % WS_FRAME_KEY_BYTES]);
    }
}

/* Write the low width bytes of value, big-endian. */
static void put_big_endian(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = width; i > 0; i--) {
        at[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

size_t ws_frame_head(uint8_t out[WS_FRAME_HEAD_MAX], enum ws_opcode opcode, uint64_t payload_size,
                     const uint8_t *key)
{
    size_t width = 0;

    out[0] = (uint8_t)(BIT_FIN | (unsigned)opcode);
    if (payload_size < LENGTH_IS_U16) {
        out[1] = (uint8_t)payload_size;
    } else if (payload_size <= UINT16_MAX) {
        out[1] = LENGTH_IS_U16;
        width = sizeof(uint16_t);
    } else {
        out[1] = LENGTH_IS_U64;
        width = sizeof(uint64_t);
    }
    put_big_endian(out + 2, payload_size, width);
    if (key == NULL) {
        return 2 + width;
    }
    out[1] |= BIT_MASK;
    memcpy(out + 2 + width, key, WS_FRAME_KEY_BYTES);
    return 2 + width + WS_FRAME_KEY_BYTES;
}
