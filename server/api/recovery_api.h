/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of recovery, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn recovery_api_chain;          /* POST /v1/recovery/chain */
http_handler_fn recovery_api_contacts;       /* GET /v1/recovery/contacts */
http_handler_fn recovery_api_put_contact;    /* PUT /v1/recovery/contacts/{slot} */
http_handler_fn recovery_api_remove_contact; /* DELETE /v1/recovery/contacts/{slot} */
http_handler_fn recoveries_api_list;         /* GET /v1/recoveries */
http_handler_fn recoveries_api_begin;        /* POST /v1/recoveries */
http_handler_fn recoveries_api_cancel;       /* DELETE /v1/recoveries */
http_handler_fn recoveries_api_look;         /* GET /v1/recoveries/{recovery_id} */
http_handler_fn recoveries_api_answer;       /* POST /v1/recoveries/{recovery_id}/answer */
http_handler_fn recoveries_api_packet;       /* POST /v1/recoveries/{recovery_id}/packet */
http_handler_fn recoveries_api_poll;         /* POST /v1/recoveries/{recovery_id}/poll */
http_handler_fn recoveries_api_exchange;     /* POST /v1/recoveries/{recovery_id}/exchange */
http_handler_fn recoveries_api_reveal;       /* POST /v1/recoveries/{recovery_id}/reveal */
http_handler_fn recoveries_api_release;      /* POST /v1/recoveries/{recovery_id}/release */
