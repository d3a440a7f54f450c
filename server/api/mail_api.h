/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of mail, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn envelopes_api_send; /* POST /v1/envelopes */
http_handler_fn mailbox_api_list;   /* GET /v1/mailbox */
http_handler_fn mailbox_api_ack;    /* POST /v1/mailbox/ack */
http_handler_fn stream_api_open;    /* GET /v1/stream */
