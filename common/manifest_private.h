/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of manifest share. */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "common/wire.h"

/* Places in the body, in bytes. */
enum {
    MANIFEST_ACCOUNT_OFFSET = 24,
    MANIFEST_PREV_OFFSET = MANIFEST_ACCOUNT_OFFSET + ACCOUNT_ID_BYTES,
    MANIFEST_HEAD_BYTES = 120, /* all before the devices */
};

/* Read the keys of a device, of which key_count is known (rule 1); and append them. */
bool manifest_read_keys(struct wire *wire, struct manifest_device *device);
void manifest_append_keys(const struct manifest_device *device, struct buf *out);

/* Append the bytes that every signer of body signs. */
void manifest_signed_message(struct bytes body, struct buf *out);

/* manifest_check_next of one that the new device newcomer has still to sign; 0: none has. */
enum manifest_verdict manifest_check_awaiting(const struct manifest *old,
                                              const struct manifest *next, uint32_t newcomer);
