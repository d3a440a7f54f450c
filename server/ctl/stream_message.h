/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the stream as a client writes and reads them: a type byte, then
 * big-endian fields.  Pure.  Format: server/api/stream.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

enum stream_message_type {
    STREAM_SEND = 0x01,
    STREAM_ACK = 0x02,
    STREAM_RESULT = 0x81,
    STREAM_DELIVER = 0x82,
    STREAM_EVENT = 0x83,
};

enum stream_message_flag {
    STREAM_URGENT = 1,
    STREAM_ONLINE_ONLY = 2, /* of SEND */
    STREAM_LIST_CHECK = 4,  /* of SEND */
    STREAM_REDELIVERED = 2, /* of DELIVER */
    STREAM_WAS_ONLINE = 4,  /* of DELIVER: online_only */
};

/* A message from the relay.  Views borrow what it was read from. */
struct stream_message {
    enum stream_message_type type;
    uint32_t request;      /* of RESULT */
    int status;            /* of RESULT */
    uint64_t seq;          /* of DELIVER */
    struct envelope_id id; /* of DELIVER */
    uint32_t minute;       /* of DELIVER */
    uint8_t flags;         /* of DELIVER */
    struct bytes body;     /* the envelope's body, or JSON text */
};

/* Read a message of the relay; false when it is malformed or of an unknown type. */
bool stream_message_read(struct bytes message, struct stream_message *out);

/* Append an ACK of one seq; request 0 wants no answer. */
void stream_message_ack(uint32_t request, uint64_t seq, struct buf *out);
