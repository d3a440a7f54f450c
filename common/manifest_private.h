/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of manifest share. */
#pragma once

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"

/* Places in the body, in bytes. */
enum {
    MANIFEST_ACCOUNT_OFFSET = 24,
    MANIFEST_PREV_OFFSET = MANIFEST_ACCOUNT_OFFSET + ACCOUNT_ID_BYTES,
    MANIFEST_HEAD_BYTES = 120, /* all before the devices */
};

/* Append the bytes that every signer of body signs. */
void manifest_signed_message(struct bytes body, struct buf *out);
