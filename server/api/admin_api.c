/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/admin_api.h"

#include "common/limits.h"
#include "server/api/api.h"

const struct http_route admin_routes[] = {
    { "POST", "/admin/invites", LIMIT_BODY_SMALL_BYTES, API_AUTH_NONE, 0, admin_invites_create },
    { "GET", "/admin/invites", 0, API_AUTH_NONE, 0, admin_invites_list },
    { "DELETE", "/admin/invites/{id}", 0, API_AUTH_NONE, 0, admin_invites_revoke },
    { "GET", "/admin/accounts", 0, API_AUTH_NONE, 0, admin_accounts_list },
    { "GET", "/admin/accounts/{account_id}", 0, API_AUTH_NONE, 0, admin_accounts_show },
    { "DELETE", "/admin/accounts/{account_id}", 0, API_AUTH_NONE, 0, admin_accounts_erase },
    { "GET", "/admin/accounts/{account_id}/factors", 0, API_AUTH_NONE, 0, admin_factors_list },
    { "DELETE", "/admin/accounts/{account_id}/factors/{factor_id}", 0, API_AUTH_NONE, 0,
      admin_factors_remove },
    { "GET", "/admin/keys/{account_id}", 0, API_AUTH_NONE, 0, admin_keys_stats },
    { "GET", "/admin/keyring", 0, API_AUTH_NONE, 0, admin_keyring_list },
    { "POST", "/admin/keyring/rotate", LIMIT_BODY_SMALL_BYTES, API_AUTH_NONE, 0,
      admin_keyring_rotate },
    { "POST", "/admin/keyring/retire", LIMIT_BODY_SMALL_BYTES, API_AUTH_NONE, 0,
      admin_keyring_retire },
    { "GET", "/admin/queues", 0, API_AUTH_NONE, 0, admin_queues },
    { "GET", "/admin/stats", 0, API_AUTH_NONE, 0, admin_stats },
    { "POST", "/admin/restored", LIMIT_BODY_SMALL_BYTES, API_AUTH_NONE, 0, admin_restored },
};
const size_t admin_route_count = sizeof admin_routes / sizeof admin_routes[0];
