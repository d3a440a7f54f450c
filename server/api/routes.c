/* SPDX-License-Identifier: Apache-2.0 */
/* Every call that clients can make, one line each. */
#include <stddef.h>

#include "common/limits.h"
#include "server/api/api.h"
#include "server/api/mail_api.h"
#include "server/api/people_api.h"
#include "server/http/route.h"

#define SMALL LIMIT_BODY_SMALL_BYTES
#define MANIFEST LIMIT_BODY_MANIFEST_BYTES
#define SEND LIMIT_BODY_SEND_BYTES
#define NONE API_AUTH_NONE
#define SESSION API_AUTH_SESSION

/* The stream authenticates itself: its token may come as a subprotocol. */
const struct http_route api_routes[] = {
    /* clang-format off */
    { "GET",    "/v1/server",                                   0,        NONE,    0, server_api_get },
    { "POST",   "/v1/auth/challenge",                           SMALL,    NONE,    0, auth_api_challenge },
    { "POST",   "/v1/auth/session",                             SMALL,    NONE,    0, auth_api_begin },
    { "DELETE", "/v1/auth/session",                             0,        SESSION, 0, auth_api_end },
    { "POST",   "/v1/sessions/revoke",                          SMALL,    SESSION, 0, auth_api_revoke },
    { "POST",   "/v1/accounts",                                 MANIFEST, NONE,    0, accounts_api_register },
    { "GET",    "/v1/accounts/{account_id}",                    0,        SESSION, 0, manifests_api_list },
    { "PUT",    "/v1/accounts/{account_id}/manifests/{epoch}",  MANIFEST, NONE,    0, manifests_api_put },
    { "DELETE", "/v1/account",                                  SMALL,    SESSION, 0, accounts_api_erase },
    { "GET",    "/v1/account/report",                           0,        SESSION, 0, report_api_get },
    { "POST",   "/v1/envelopes",                                SEND,     SESSION, 0, envelopes_api_send },
    { "GET",    "/v1/mailbox",                                  0,        SESSION, 0, mailbox_api_list },
    { "POST",   "/v1/mailbox/ack",                              SMALL,    SESSION, 0, mailbox_api_ack },
    { "GET",    "/v1/stream",                                   0,        NONE,    0, stream_api_open },
    /* clang-format on */
};
const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];
