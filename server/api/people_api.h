/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of accounts and sessions, for the route table. */
#pragma once

#include "server/http/route.h"

http_handler_fn server_api_get;          /* GET /v1/server */
http_handler_fn auth_api_challenge;      /* POST /v1/auth/challenge */
http_handler_fn auth_api_begin;          /* POST /v1/auth/session */
http_handler_fn auth_api_end;            /* DELETE /v1/auth/session */
http_handler_fn auth_api_revoke;         /* POST /v1/sessions/revoke */
http_handler_fn accounts_api_register;   /* POST /v1/accounts */
http_handler_fn accounts_api_erase;      /* DELETE /v1/account */
http_handler_fn holds_api_veto_erasure;  /* DELETE /v1/account/erasure */
http_handler_fn holds_api_veto_manifest; /* DELETE /v1/accounts/{account_id}/manifests/{epoch} */
http_handler_fn report_api_get;          /* GET /v1/account/report */
http_handler_fn manifests_api_list;      /* GET /v1/accounts/{account_id} */
http_handler_fn manifests_api_put;       /* PUT /v1/accounts/{account_id}/manifests/{epoch} */

struct manifests_outcome;

/* Answer how a manifest that was put ended. */
void manifests_api_reply(struct exchange *exchange, const struct manifests_outcome *outcome);
