/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reference device puts into an envelope: a sealed box (libsodium) to one
 * device's X25519 key, padded so that the body is one of the size buckets, and signed
 * by the sending device inside.  Pure but for the box's random bytes.
 *
 *   off size   of the plain text inside the box
 *   0   1      1, the version
 *   1   32     account_id of the sender
 *   33  4      device_id of the sender
 *   37  4      size of the content
 *   41  64     Ed25519 over "sealpost/device-message/1\0" || recipient device_pub ||
 *              envelope id || account_id || device_id u32 || content
 *   105 ..     content, then zeros
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"

enum {
    MESSAGE_HEAD_BYTES = 105,
    MESSAGE_CONTENT_MAX = 98304 - CRYPTO_SEAL_BYTES - MESSAGE_HEAD_BYTES,
};

/* Whose message it is and whom it is for. */
struct message_sender {
    const uint8_t *seed;
    struct account_id account;
    uint32_t device_id;
};
struct message_target {
    struct device_pub pub;
    const uint8_t *box_public; /* 32 bytes */
};

/* An opened message.  content and signature borrow the buffer it was opened into. */
struct message {
    struct account_id account;
    uint32_t device_id;
    const uint8_t *signature;
    struct bytes content;
};

/* Append the body of an envelope; false when content is too long or the key is bad. */
bool message_seal(const struct message_sender *sender, const struct message_target *target,
                  const struct envelope_id *id, struct bytes content, struct buf *out_body);

/* Open body with our box keys into plain; false when it is not such a message to us. */
bool message_open(const uint8_t box_public[32], const uint8_t box_secret[32], struct bytes body,
                  struct buf *plain, struct message *out);

/* Say whether the device with key sender_pub signed it for target under id. */
bool message_verify(const struct message *message, const struct device_pub *sender_pub,
                    const struct device_pub *target, const struct envelope_id *id);

/* The smallest size bucket that holds size bytes; 0 when none does. */
size_t message_bucket(size_t size);
