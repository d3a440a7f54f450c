/* SPDX-License-Identifier: Apache-2.0 */
/* Links, by which a new device comes to stand in an account. */
#pragma once

#include <stdbool.h>

#include "server/http/route.h"

struct link_id;
struct links_actor;
struct links_outcome;

http_handler_fn links_api_begin, links_api_list, links_api_get, links_api_say, links_api_claim,
    links_api_candidate, links_api_sign, links_api_deny;

/*
 * Read which link the path names and who asks.  False when it was refused, and answered: a token of
 * another form is as one of another link.
 */
bool links_api_read(struct exchange *exchange, struct link_id *out_id,
                    struct links_actor *out_actor);

/* Answer an outcome that is not LINKS_DONE. */
void links_api_refuse(struct exchange *exchange, const struct links_outcome *outcome);
