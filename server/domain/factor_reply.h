/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody answers to a challenge: a text, or what an authenticator signed.
 * Loop thread.
 */
#pragma once

#include "common/buf.h"
#include "common/bytes.h"
#include "common/webauthn.h"

struct factor_reply {
    struct bytes text; /* at most LIMIT_GUESS_BYTES; empty: what is signed below */
    struct bytes id;   /* of the authenticator */
    struct webauthn_assertion assertion;
    struct bytes user; /* its user handle; empty: it did not say */
};

/* Append all of reply to kept, which is empty, and let out be views of that.  Wipe kept. */
void factor_reply_keep(const struct factor_reply *reply, struct buf *kept,
                       struct factor_reply *out);
