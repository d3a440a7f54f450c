/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of a session token to who calls.  api_before uses it for every
 * API_AUTH_SESSION route; the stream calls it itself, since its token may come
 * as a subprotocol.  Loop thread.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"

struct api;
struct api_caller;
struct exchange;

/*
 * Hear who calls; caller is borrowed until return.  NULL when the token is no
 * live session's, or, with unavailable, when the store could not say.
 */
typedef void api_authenticated_fn(void *arg, const struct api_caller *caller, bool unavailable);

/*
 * Look up token_text ("sp1_...", read before this returns) and tell done exactly
 * once: before this returns when the session is in memory or the text is no
 * token, later otherwise.
 */
void api_authenticate(struct api *api, struct bytes token_text, api_authenticated_fn *done,
                      void *arg);

/* The token in "Authorization: Bearer ..."; size 0 when there is none.  Borrowed as the header is. */
struct bytes api_bearer(const struct exchange *exchange);
