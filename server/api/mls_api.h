/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of MLS groups, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn mls_api_commit;  /* POST /v1/mls/commits */
http_handler_fn mls_api_welcome; /* POST /v1/mls/welcomes */
http_handler_fn mls_api_reset;   /* POST /v1/mls/reset */
