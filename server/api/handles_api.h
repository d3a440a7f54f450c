/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of handles, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn handles_api_claim;   /* POST /v1/handles */
http_handler_fn handles_api_release; /* DELETE /v1/handles */
http_handler_fn handles_api_lookup;  /* POST /v1/handles/lookup */
