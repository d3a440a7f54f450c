/* SPDX-License-Identifier: Apache-2.0 */
/* Every call that clients can make, one line each. */
#include <stddef.h>

#include "common/limits.h"
#include "server/api/api.h"
#include "server/api/factors_api.h"
#include "server/api/handles_api.h"
#include "server/api/keys_api.h"
#include "server/api/links_api.h"
#include "server/api/mail_api.h"
#include "server/api/mls_api.h"
#include "server/api/people_api.h"
#include "server/api/rates.h"
#include "server/api/recovery_api.h"
#include "server/http/route.h"

#define SMALL LIMIT_BODY_SMALL_BYTES
#define MANIFEST LIMIT_BODY_MANIFEST_BYTES
#define SEND LIMIT_BODY_SEND_BYTES
#define KEYS LIMIT_BODY_KEYS_BYTES
#define NONE API_AUTH_NONE
#define SESSION API_AUTH_SESSION
#define EITHER API_AUTH_EITHER
#define LINK API_AUTH_LINK
#define ANY API_RATE_REQUEST
#define FIRST API_RATE_CHALLENGE
#define JOIN API_RATE_REGISTRATION
#define OPEN API_RATE_STREAM

/* The stream authenticates itself: its token may come as a subprotocol. */
const struct http_route api_routes[] = {
    /* clang-format off */
    { "GET",    "/v1/server",                                   0,        NONE,    ANY,   server_api_get },
    { "POST",   "/v1/auth/challenge",                           SMALL,    NONE,    FIRST, auth_api_challenge },
    { "POST",   "/v1/auth/session",                             SMALL,    NONE,    ANY,   auth_api_begin },
    { "DELETE", "/v1/auth/session",                             0,        SESSION, ANY,   auth_api_end },
    { "POST",   "/v1/sessions/revoke",                          SMALL,    SESSION, ANY,   auth_api_revoke },
    { "POST",   "/v1/accounts",                                 MANIFEST, NONE,    JOIN,  accounts_api_register },
    { "GET",    "/v1/accounts/{account_id}",                    0,        SESSION, ANY,   manifests_api_list },
    { "PUT",    "/v1/accounts/{account_id}/manifests/{epoch}",  MANIFEST, NONE,    FIRST, manifests_api_put },
    { "DELETE", "/v1/accounts/{account_id}/manifests/{epoch}",  SMALL,    EITHER,  FIRST, holds_api_veto_manifest },
    { "DELETE", "/v1/account/erasure",                          SMALL,    EITHER,  FIRST, holds_api_veto_erasure },
    { "DELETE", "/v1/account",                                  SMALL,    SESSION, ANY,   accounts_api_erase },
    { "GET",    "/v1/account/report",                           0,        SESSION, ANY,   report_api_get },
    { "GET",    "/v1/account/challenges",                       0,        SESSION, ANY,   factors_api_codes },
    { "GET",    "/v1/account/log",                              0,        SESSION, ANY,   factors_api_log },
    { "POST",   "/v1/txns",                                     SMALL,    NONE,    FIRST, txns_api_begin },
    { "POST",   "/v1/txns/{txn_id}/challenges",                 SMALL,    NONE,    FIRST, txns_api_challenge },
    { "POST",   "/v1/txns/{txn_id}/challenges/{challenge_id}",  SMALL,    NONE,    ANY,   txns_api_answer },
    { "GET",    "/v1/factors",                                  0,        SESSION, ANY,   factors_api_list },
    { "POST",   "/v1/factors",                                  SMALL,    SESSION, ANY,   factors_api_enrol },
    { "POST",   "/v1/factors/confirm",                          SMALL,    SESSION, ANY,   factors_api_confirm },
    { "DELETE", "/v1/factors",                                  SMALL,    SESSION, ANY,   factors_api_remove },
    { "POST",   "/v1/recovery/chain",                           SMALL,    NONE,    FIRST, recovery_api_chain },
    { "GET",    "/v1/recovery/contacts",                        0,        SESSION, ANY,   recovery_api_contacts },
    { "PUT",    "/v1/recovery/contacts/{slot}",                 SMALL,    SESSION, ANY,   recovery_api_put_contact },
    { "DELETE", "/v1/recovery/contacts/{slot}",                 SMALL,    SESSION, ANY,   recovery_api_remove_contact },
    { "GET",    "/v1/recoveries",                               0,        SESSION, ANY,   recoveries_api_list },
    { "POST",   "/v1/recoveries",                               SMALL,    NONE,    FIRST, recoveries_api_begin },
    { "DELETE", "/v1/recoveries",                               SMALL,    EITHER,  ANY,   recoveries_api_cancel },
    { "GET",    "/v1/recoveries/{recovery_id}",                 0,        SESSION, ANY,   recoveries_api_look },
    { "POST",   "/v1/recoveries/{recovery_id}/answer",          SMALL,    SESSION, ANY,   recoveries_api_answer },
    { "POST",   "/v1/recoveries/{recovery_id}/packet",          SMALL,    SESSION, ANY,   recoveries_api_packet },
    { "POST",   "/v1/recoveries/{recovery_id}/poll",            SMALL,    NONE,    ANY,   recoveries_api_poll },
    { "POST",   "/v1/recoveries/{recovery_id}/exchange",        SMALL,    NONE,    ANY,   recoveries_api_exchange },
    { "POST",   "/v1/recoveries/{recovery_id}/reveal",          SMALL,    NONE,    ANY,   recoveries_api_reveal },
    { "POST",   "/v1/recoveries/{recovery_id}/release",         SMALL,    NONE,    ANY,   recoveries_api_release },
    { "POST",   "/v1/links",                                    SMALL,    NONE,    FIRST, links_api_begin },
    { "GET",    "/v1/links",                                    0,        SESSION, ANY,   links_api_list },
    { "GET",    "/v1/links/{link_id}",                          0,        LINK,    ANY,   links_api_get },
    { "POST",   "/v1/links/{link_id}/messages",                 SMALL,    LINK,    ANY,   links_api_say },
    { "POST",   "/v1/links/{link_id}/claim",                    SMALL,    SESSION, ANY,   links_api_claim },
    { "POST",   "/v1/links/{link_id}/candidate",                MANIFEST, SESSION, ANY,   links_api_candidate },
    { "POST",   "/v1/links/{link_id}/signed",                   SMALL,    LINK,    ANY,   links_api_sign },
    { "POST",   "/v1/links/{link_id}/deny",                     SMALL,    LINK,    ANY,   links_api_deny },
    { "POST",   "/v1/envelopes",                                SEND,     SESSION, ANY,   envelopes_api_send },
    { "GET",    "/v1/mailbox",                                  0,        SESSION, ANY,   mailbox_api_list },
    { "POST",   "/v1/mailbox/ack",                              SMALL,    SESSION, ANY,   mailbox_api_ack },
    { "POST",   "/v1/handles",                                  SMALL,    SESSION, ANY,   handles_api_claim },
    { "DELETE", "/v1/handles",                                  SMALL,    SESSION, ANY,   handles_api_release },
    { "POST",   "/v1/handles/lookup",                           SMALL,    SESSION, ANY,   handles_api_lookup },
    { "PUT",    "/v1/keys",                                     KEYS,     SESSION, ANY,   keys_api_put },
    { "GET",    "/v1/keys",                                     0,        SESSION, ANY,   keys_api_get },
    { "DELETE", "/v1/keys",                                     SMALL,    SESSION, ANY,   keys_api_remove },
    { "POST",   "/v1/keys/check",                               SMALL,    SESSION, ANY,   keys_api_check },
    { "POST",   "/v1/keys/claim",                               SMALL,    SESSION, ANY,   keys_api_claim },
    { "POST",   "/v1/mls/commits",                              SEND,     SESSION, ANY,   mls_api_commit },
    { "POST",   "/v1/mls/welcomes",                             SEND,     SESSION, ANY,   mls_api_welcome },
    { "POST",   "/v1/mls/reset",                                SMALL,    SESSION, ANY,   mls_api_reset },
    { "GET",    "/v1/stream",                                   0,        NONE,    OPEN,  stream_api_open },
    /* clang-format on */
};
const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];
