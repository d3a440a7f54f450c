/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 6455 section 5: bytes to pieces of messages and back, for either end.
 * Strict: reserved bits and opcodes, masks of the wrong end, lengths that are not
 * minimal, and fragments out of order are refused.  Pure: no I/O, no allocation,
 * no log; any thread.
 *
 *   byte 0: FIN RSV1 RSV2 RSV3 opcode(4)     byte 1: MASK length(7)
 *   length 126: u16 follows; 127: u64 follows; then, when MASK is set, key[4]
 *
 * Reading: call ws_framer_next until it says WS_FRAME_MORE, and drop piece.used
 * bytes of the input after each call:
 *
 *   while ((status = ws_framer_next(&framer, input, &piece)) == WS_FRAME_PIECE) {
 *       ws_frame_mask(to, piece.payload, piece.key); ... input = rest after piece.used
 *   }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
    WS_FRAME_HEAD_MAX = 14,     /* bytes of the longest head */
    WS_FRAME_KEY_BYTES = 4,     /* a masking key */
    WS_FRAME_CONTROL_MAX = 125, /* payload bytes of a control frame */
    WS_FRAME_CLOSE_NONE = 1005, /* the code of a close frame that names none */
};

/* Whose bytes are read or written: the client's are masked, the server's are not. */
enum ws_role {
    WS_ROLE_SERVER = 0,
    WS_ROLE_CLIENT
};

enum ws_opcode {
    WS_OPCODE_CONTINUATION = 0,
    WS_OPCODE_TEXT = 1,
    WS_OPCODE_BINARY = 2,
    WS_OPCODE_CLOSE = 8,
    WS_OPCODE_PING = 9,
    WS_OPCODE_PONG = 10,
};

/* What ws_framer_next found. */
enum ws_frame_status {
    WS_FRAME_PIECE = 0, /* a piece was filled; go on behind it */
    WS_FRAME_MORE,      /* keep the input and give it again with more bytes behind it */
    WS_FRAME_BAD,       /* the peer broke the protocol: close with 1002 */
    WS_FRAME_TOO_BIG,   /* a message above message_max: close with 1009 */
};

/* The state of reading; fill it with ws_framer_init.  Not to be used after BAD or TOO_BIG. */
struct ws_framer {
    uint64_t message_max;
    uint64_t message_size;           /* bytes of the message in hand that its heads announced */
    uint64_t left;                   /* payload bytes of the frame in hand still to come */
    enum ws_role role;               /* ours: a server reads masked frames only */
    enum ws_opcode message_opcode;   /* of the message in hand; CONTINUATION: there is none */
    bool is_final;                   /* the frame in hand ends its message */
    uint8_t key[WS_FRAME_KEY_BYTES]; /* of the frame in hand, turned to its next byte */
};

/*
 * A part of one message: what the input holds of one frame.  Control frames come
 * whole; a data frame may come in pieces, the first of them possibly empty.
 */
struct ws_piece {
    size_t used;                     /* bytes of input to drop: head and payload */
    enum ws_opcode opcode;           /* of the message, never CONTINUATION */
    bool is_first;                   /* the message begins with this piece */
    bool is_last;                    /* the message ends with this piece */
    struct bytes payload;            /* still masked with key; borrowed from the input */
    uint8_t key[WS_FRAME_KEY_BYTES]; /* key[0] masks payload.at[0]; zeros when unmasked */
};

/* Begin to read what the other end sends to role; message_max is in bytes of payload. */
void ws_framer_init(struct ws_framer *framer, enum ws_role role, uint64_t message_max);

/* Find the next piece at the front of input; fills *out only for WS_FRAME_PIECE. */
enum ws_frame_status ws_framer_next(struct ws_framer *framer, struct bytes input,
                                    struct ws_piece *out);

/*
 * Write from, masked or unmasked with key, to `to` (from.size bytes; may be
 * from.at itself).  With a key of zeros it copies.
 */
void ws_frame_mask(uint8_t *to, struct bytes from, const uint8_t key[WS_FRAME_KEY_BYTES]);

/*
 * Write the head of one unfragmented frame and return its size.  key is NULL for
 * a server; a client gives fresh random bytes and masks the payload with them.
 */
size_t ws_frame_head(uint8_t out[WS_FRAME_HEAD_MAX], enum ws_opcode opcode, uint64_t payload_size,
                     const uint8_t *key);

/*
 * Judge the unmasked payload of a close frame (RFC 6455 sections 5.5.1 and 7.4).
 * Returns 0 and the peer's code (WS_FRAME_CLOSE_NONE when it named none), or the
 * code to close with: 1002 for a bad length or code, 1007 for a reason that is
 * not UTF-8.
 */
int ws_frame_close_check(struct bytes payload, int *out_code);
