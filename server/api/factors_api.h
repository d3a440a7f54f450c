/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of transactions and second factors, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn txns_api_begin;      /* POST /v1/txns */
http_handler_fn txns_api_challenge;  /* POST /v1/txns/{txn_id}/challenges */
http_handler_fn txns_api_answer;     /* POST /v1/txns/{txn_id}/challenges/{challenge_id} */
http_handler_fn factors_api_list;    /* GET /v1/factors */
http_handler_fn factors_api_enrol;   /* POST /v1/factors */
http_handler_fn factors_api_confirm; /* POST /v1/factors/confirm */
http_handler_fn factors_api_remove;  /* DELETE /v1/factors */
http_handler_fn factors_api_codes;   /* GET /v1/account/challenges */
http_handler_fn factors_api_log;     /* GET /v1/account/log */
