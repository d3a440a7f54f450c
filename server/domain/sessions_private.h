/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of sessions share: the memory of sessions, and outcomes. */
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/sessions.h"
#include "server/store/store.h"

/* Hold a session that was just committed in memory. */
void sessions_keep(struct domain *domain, const struct session *session);

/* Name the session of a token's raw bytes; write the token's text. */
void sessions_hash(const uint8_t raw[SESSION_TOKEN_BYTES], struct session_hash *out);
void sessions_write_token(const uint8_t raw[SESSION_TOKEN_BYTES],
                          char out[SESSION_TOKEN_TEXT_BYTES]);
