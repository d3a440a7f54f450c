/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary messages of the stream (server/api/stream.md): parse those from
 * clients, write the heads of those to clients.  Pure; any thread.
 *
 *   01 SEND     request u32 | flags u8 | ttl u32 | id[16] | [account_id[32] | epoch u64]
 *               | [len u32 | shared] | n u16 | n x { device_pub[32] | len u32 | bytes }
 *   02 ACK      request u32 | n u16 | n x seq u64
 *   03 ACK_UPTO request u32 | seq u64
 *   81 RESULT   request u32 | status u16 | JSON
 *   82 DELIVER  seq u64 | id[16] | minute u32 | flags u8 | body
 *   83 EVENT    JSON
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/wire.h"
#include "server/domain/envelopes.h"

enum stream_type {
    STREAM_SEND = 0x01,
    STREAM_ACK = 0x02,
    STREAM_ACK_UPTO = 0x03,
    STREAM_RESULT = 0x81,
    STREAM_DELIVER = 0x82,
    STREAM_EVENT = 0x83,
};

enum {
    STREAM_SEND_URGENT = 1,
    STREAM_SEND_ONLINE_ONLY = 2,
    STREAM_SEND_LIST_CHECK = 4,
    STREAM_SEND_SHARED = 8,
    STREAM_SEND_FLAGS = 15,
    STREAM_DELIVER_URGENT = 1,
    STREAM_DELIVER_REDELIVERED = 2,
    STREAM_DELIVER_ONLINE_ONLY = 4,
    STREAM_RESULT_HEAD_BYTES = 7,
    STREAM_DELIVER_HEAD_BYTES = 30,
    STREAM_SEND_RECIPIENT_BYTES = 36, /* the least that a recipient takes */
};

struct stream_message {
    enum stream_type type;
    uint32_t request;
    struct envelope_send send; /* of SEND, less the sender; recipients come by stream_recipient */
    struct wire rest;          /* of SEND and ACK: what stream_recipient and stream_seq read */
    uint64_t seq;              /* of ACK_UPTO */
    size_t count;              /* of SEND and ACK: as the message says, also beyond the limits */
};

/*
 * Parse one message.  False when its type is unknown, a flag bit is unknown or
 * its fields do not fit its length exactly: the stream is closed with 1008.
 * Views borrow message.
 */
bool stream_codec_parse(struct bytes message, struct stream_message *out);

/* Read the next of count recipients of a SEND, or seqs of an ACK, that was parsed. */
void stream_codec_recipient(struct stream_message *message, struct envelope_recipient *out);
uint64_t stream_codec_seq(struct stream_message *message);

/* Write the head of a RESULT, and of a DELIVER; the rest follows as it is. */
void stream_codec_result(uint8_t out[STREAM_RESULT_HEAD_BYTES], uint32_t request, int status);
void stream_codec_deliver(uint8_t out[STREAM_DELIVER_HEAD_BYTES], int64_t seq,
                          const struct envelope_id *id, int64_t minute, uint8_t flags);
