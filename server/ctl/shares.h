/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery shares that other people gave this device to keep: a message whose content is
 * "sealpost:recovery-share?" and the share's bytes as base64url (common/recovery_share.h).  One for
 * each owner is kept, the last, in the folder "shares" of the device's folder.
 */
#pragma once

#include <stdbool.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/recovery_share.h"

struct device_state;

/* Append the content of such a message. */
void shares_write(const struct recovery_share *share, struct buf *out);

/* Read one; false when content is none, or the share is another account's than owner's. */
bool shares_read(struct bytes content, const struct account_id *owner, struct recovery_share *out);

/* Keep a share; false with the reason said. */
bool shares_keep(const struct device_state *state, const struct recovery_share *share);

/* Load the share of owner; false, with the reason said, when there is none. */
bool shares_load(const struct device_state *state, const struct account_id *owner,
                 struct recovery_share *out);
