/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factor_reply.h"

#include <stddef.h>
#include <stdint.h>

#include "common/check.h"

/* The room is there, so views stay good. */
static struct bytes keep(struct bytes value, struct buf *kept)
{
    size_t at = kept->size;

    buf_append(kept, value);
    return bytes_of(kept->at + at, value.size);
}

void factor_reply_keep(const struct factor_reply *reply, struct buf *kept, struct factor_reply *out)
{
    const struct webauthn_assertion *assertion = &reply->assertion;

    CHECK(kept->size == 0);
    buf_reserve(kept, reply->text.size + reply->id.size + assertion->client_data.size +
                          assertion->auth_data.size + assertion->signature.size + reply->user.size +
                          1);
    out->text = keep(reply->text, kept);
    out->id = keep(reply->id, kept);
    out->assertion.client_data = keep(assertion->client_data, kept);
    out->assertion.auth_data = keep(assertion->auth_data, kept);
    out->assertion.signature = keep(assertion->signature, kept);
    out->user = keep(reply->user, kept);
}
