/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the key directory, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn keys_api_put;    /* PUT /v1/keys */
http_handler_fn keys_api_get;    /* GET /v1/keys */
http_handler_fn keys_api_remove; /* DELETE /v1/keys */
http_handler_fn keys_api_check;  /* POST /v1/keys/check */
http_handler_fn keys_api_claim;  /* POST /v1/keys/claim */
